/// GRPO (Shao et al., arXiv 2402.03300, eq. 3) and Dr. GRPO (Liu et al., arXiv 2503.20783): the group is the baseline.
///
///     A_k = (R_k − mean R) / (std R + 1e-4)        for every action of response k; the scale may be left out
///     L   = mean [ −min(ρ_t A, clip(ρ_t, 1 − ε_low, 1 + ε_high) A) + β (exp(−d_t) − 1 + d_t) ]        d = log π − log π_ref
///
/// The mean is over all tokens of the step (DAPO, arXiv 2503.14476), over responses of the means of their tokens (GRPO as
/// published), or a sum divided by responses × the length limit. Dr. GRPO is the last of them without the scale: neither the
/// length of a response nor how hard a prompt is changes its weight. A group whose rewards are all equal teaches nothing.
package struct GroupRelativePolicyOptimization: Objective {
    package enum Scale: String, Sendable, CaseIterable { case group, batch, none }

    package var epochs = 1
    package var miniBatches = 1
    package var clipLow = 0.2
    package var clipHigh = 0.2
    package var level = ImportanceRatio.Level.token
    package var divergenceWeight = 0.0
    package var scale: Scale
    package var aggregation: TokenAggregation
    private let isDoctor: Bool

    /// `isDoctor`: Dr. GRPO, whose scale and mean are what it is about.
    package init(isDoctor: Bool = false) {
        self.isDoctor = isDoctor
        scale = isDoctor ? .none : .group
        aggregation = isDoctor ? .fixedLength : .token
    }

    package var needs: Needs {
        Needs(
            reference: divergenceWeight > 0, ownSamples: true, smallestGroup: 2, epochs: epochs, miniBatches: miniBatches,
            batchCredits: scale == .batch)
    }

    package var settings: [MethodSetting<Self>] {
        [
            .integer("grpo.epochs", \.epochs, 1...100, "passes over the samples of a step"),
            .integer("grpo.mini_batches", \.miniBatches, 1...10_000, "optimiser steps of one pass, at most one a prompt"),
            .number("grpo.clip_low", \.clipLow, 0...1, "how far below 1 the ratio to the sampling policy may go"),
            .number("grpo.clip_high", \.clipHigh, 0...1e6, "how far above 1 it may go"),
            .choice("grpo.ratio", \.level, "of each token, or the geometric mean of a response's (GSPO)"),
            .number("grpo.kl_weight", \.divergenceWeight, 0...1e6, "of the divergence from the reference, estimator k3"),
        ] + (isDoctor
            ? []
            : [
                .choice("grpo.scale", \.scale, "whose standard deviation advantages are divided by"),
                .choice("grpo.mean", \.aggregation, "over tokens, over responses of their means, or a sum over the length limit"),
            ])
    }

    package var measureNames: [String] { ["clip_fraction", "equal_rewards_share"] }

    package func credits(of groups: [[SampledResponse]]) -> [[Credit]]? {
        let kind: GroupAdvantage = switch scale {
        case .group: .group
        case .batch: .batch
        case .none: .unscaled
        }
        return zip(groups, kind.advantages(of: groups.map { $0.map(\.reward) })).map { group, advantages in
            zip(group, advantages).map { response, advantage in
                Credit(advantages: Array(repeating: advantage, count: response.rewards.count))
            }
        }
    }

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        let surrogate = ClippedSurrogate(low: clipLow, high: clipHigh)
        let totals = TokenAggregation.Totals(actions: batch.actions, responses: batch.responses, maximumLength: batch.maximumLength)
        var loss = 0.0, clipped = 0.0, actionCount = 0.0
        var slopes: [[Double]] = [], shares: [Double] = []
        for response in responses {
            guard let sample = response.sample, let behaviour = sample.behaviour, let credit = response.credit else {
                preconditionFailure("GRPO needs samples and advantages")
            }
            let actions = response.actionLogProbabilities
            let weight = Double(batch.groups) * aggregation.weight(ofActionAmong: actions.count, totals: totals)
            var terms = surrogate.losses(
                logRatios: zip(actions, behaviour).map { $0 - $1 }, advantages: credit.advantages, level: level)
            if divergenceWeight > 0 {
                guard let reference = sample.reference else { preconditionFailure("a divergence needs reference log-probabilities") }
                terms.add(.k3, differences: zip(actions, reference).map { $0 - $1 }, coefficient: divergenceWeight)
            }
            shares.append(weight * terms.losses.reduce(0, +))
            loss += weight * terms.losses.reduce(0, +)
            slopes.append(terms.slopes.map { weight * $0 })
            clipped += Double(terms.clipped)
            actionCount += Double(actions.count)
        }
        let isEqual = responses.allSatisfy { $0.sample?.reward == responses.first?.sample?.reward }
        return ObjectiveValue(
            loss: loss, lossByResponse: shares, responses: responses, actionSlopes: slopes,
            measures: [Measure(clipped, of: actionCount), Measure(isEqual ? 1 : 0, of: 1)])
    }
}
