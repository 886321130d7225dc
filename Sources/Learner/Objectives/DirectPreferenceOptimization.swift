/// DPO (Rafailov et al., arXiv 2305.18290, eq. 7) on pairs of a right and a wrong response to a prompt, or on preferences from data.
///
///     Δ = [log π − log π_ref](y⁺ | x) − [log π − log π_ref](y⁻ | x)        L = mean −log σ(β Δ) (− ν/n⁺ log π(y⁺ | x))
///
/// Other losses of Δ are the robust one (Chowdhury et al., arXiv 2403.00409), the hinge (SLiC, arXiv 2305.10425) and IPO (Azar et
/// al., arXiv 2310.12036), which divides log-ratios by lengths. The last term (Pang et al., arXiv 2404.19733) keeps log π(y⁺) from
/// falling, which the first alone does not. The reference is what the run started from. Pairs of samples are made once, of what the
/// first steps collected with those weights: of each prompt as many as it has right and wrong responses for.
package struct DirectPreferenceOptimization: Objective {
    package enum Source: String, Sendable, CaseIterable { case samples, data }

    package var source = Source.samples
    package var collectingSteps = 50
    package var pairsPerStep = 64
    package var beta = 0.1
    package var loss = PreferenceLoss.Kind.sigmoid
    package var labelSmoothing = 0.0
    package var likelihoodWeight = 0.0

    package init() {}

    package var needs: Needs {
        switch source {
        case .samples:
            Needs(
                samples: .start(steps: collectingSteps, examplesPerStep: pairsPerStep), lesson: .pair, reference: true, smallestGroup: 2)
        case .data: Needs(samples: .data, lesson: .pair, reference: true)
        }
    }

    package var settings: [MethodSetting<Self>] {
        [
            .choice("dpo.source", \.source, "own samples, or the preferences {prompt, chosen, rejected} of data.train"),
            .integer(
                "dpo.collect_steps", \.collectingSteps, 1...1_000_000, "first steps, which sample with the first weights and learn nothing"),
            .integer("dpo.pairs_per_step", \.pairsPerStep, 1...1_000_000, "pairs of samples that each later step learns from"),
            .number("dpo.beta", \.beta, 1e-9...1e6, "beta of the log-ratios"),
            .choice("dpo.loss", \.loss, "of the difference of log-ratios"),
            .number("dpo.label_smoothing", \.labelSmoothing, 0...0.499, "share of pairs that are the wrong way round (sigmoid, robust)"),
            .number("dpo.nll_weight", \.likelihoodWeight, 0...1e6, "of the chosen response's negative log-likelihood per token"),
        ]
    }

    package var measureNames: [String] { ["pair_accuracy", "reward_margin", "chosen_logprob", "rejected_logprob"] }

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        precondition(responses.count == 2, "DPO learns from pairs, not from \(responses.count) responses")
        let sides = responses.map { response in
            guard let reference = response.sample?.reference else { preconditionFailure("DPO needs reference log-probabilities") }
            let actions = response.actionLogProbabilities
            return (sum: actions.reduce(0, +), ratio: actions.reduce(0, +) - reference.reduce(0, +), count: actions.count)
        }
        let value = PreferenceLoss(loss, beta: beta, labelSmoothing: labelSmoothing).loss(
            PreferencePair(
                chosen: sides[0].ratio, rejected: sides[1].ratio, chosenLength: sides[0].count, rejectedLength: sides[1].count))
        let likelihood = ChosenLikelihood(weight: likelihoodWeight).loss(logProbability: sides[0].sum, length: sides[0].count)
        return ObjectiveValue(
            loss: value.loss + likelihood.value, responses: responses,
            actionSlopes: [
                Array(repeating: value.chosenSlope + likelihood.slope, count: sides[0].count),
                Array(repeating: value.rejectedSlope, count: sides[1].count),
            ],
            measures: [
                Measure(value.chosenWins ? 1 : 0, of: 1), Measure(value.chosenReward - value.rejectedReward, of: 1),
                Measure(sides[0].sum, of: 1), Measure(sides[1].sum, of: 1),
            ])
    }
}
