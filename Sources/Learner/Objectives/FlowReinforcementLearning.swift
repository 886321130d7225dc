internal import Tensor

/// FlowRL (Zhu et al., arXiv 2509.15207, eq. 6): trajectory balance with rewards standardised in their group, a reference term
/// of its own, and importance weights.
///
///     L = mean_k w_k (log Z(x) + c_k log π(y^k | x) − β r̂_k − c_k log π_ref(y^k | x))²
///     r̂_k = (r_k − mean r) / (std r + 1e-6)        w_k = sg(π/π_old(y^k | x)), clipped to [1 − ε, 1 + ε]
///
/// c_k is one over the number of the response's actions, or 1 without length normalisation. With it the optimum is
/// π ∝ π_ref exp(m β r̂ − m log Z), so not in proportion to the reward, which is why it can be switched off. Rewards are those
/// of the task: `reward.reference` has no part, since the loss has its own reference term.
///
/// log Z(x) is the program's root head on the prompt's last hidden state, where the paper has a network of three layers on
/// their mean.
package struct FlowReinforcementLearning: Objective {
    package var beta = 15.0
    package var isLengthNormalised = true
    package var isStandardised = true
    /// ε; nil: the weight as it is.
    package var clip: Double? = 0.2

    package init() {}

    package var needs: Needs { Needs(root: true, reference: true, smallestGroup: isStandardised ? 2 : 1) }

    package var settings: [MethodSetting<Self>] {
        [
            .number("flowrl.beta", \.beta, 0...1e6, "beta of the reward"),
            .flag("flowrl.length_normalised", \.isLengthNormalised, "divide log-probabilities by the number of tokens"),
            .flag("flowrl.standardised", \.isStandardised, "standardise rewards in their group"),
            .number("flowrl.clip", \.clip, 0...1e6, "how far the importance weight may leave 1; none: as far as it does"),
        ]
    }

    package var measureNames: [String] { ["importance_weight"] }

    /// The standardised reward of each response, as the one number of its credit.
    package func credits(of groups: [[SampledResponse]]) -> [[Credit]]? {
        groups.map { group in
            let rewards = group.map(\.reward)
            guard isStandardised else { return rewards.map { Credit(advantages: [$0]) } }
            let count = Double(max(rewards.count, 1)), mean = rewards.reduce(0, +) / count
            let variance = rewards.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(count - 1, 1)
            return rewards.map { Credit(advantages: [($0 - mean) / (variance.squareRoot() + 1e-6)]) }
        }
    }

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        guard let root else { preconditionFailure("FlowRL needs log Z") }
        let share = 1 / Double(max(responses.count, 1))
        var loss = 0.0, rootSlope = 0.0, weights = 0.0
        var slopes: [[Double]] = [], terms: [Double] = []
        for response in responses {
            let actions = response.actionLogProbabilities, weight = importance(of: response, actions)
            let residual = root - partition(of: response, actions)
            terms.append(share * weight * residual * residual)
            loss += share * weight * residual * residual
            let slope = 2 * share * weight * residual
            rootSlope += slope
            weights += weight
            slopes.append(Array(repeating: slope * factor(actions.count), count: actions.count))
        }
        return ObjectiveValue(
            loss: loss, lossByResponse: terms, responses: responses, actionSlopes: slopes, rootSlope: rootSlope,
            measures: [Measure(weights, of: Double(responses.count))])
    }

    package func logPartitions(of responses: [ScoredResponse]) -> [Double] {
        responses.map { partition(of: $0, $0.actionLogProbabilities) }
    }

    /// What log Z would make the residual zero.
    private func partition(of response: ScoredResponse, _ actions: [Double]) -> Double {
        guard let reference = response.sample?.reference, let reward = response.credit?.advantages.first else {
            preconditionFailure("FlowRL needs reference log-probabilities and rewards")
        }
        return beta * reward + factor(actions.count) * (reference.reduce(0, +) - actions.reduce(0, +))
    }

    private func factor(_ count: Int) -> Double { isLengthNormalised ? 1 / Double(max(count, 1)) : 1 }

    private func importance(of response: ScoredResponse, _ actions: [Double]) -> Double {
        guard let behaviour = response.sample?.behaviour else { preconditionFailure("FlowRL needs the sampler's log-probabilities") }
        let weight = Elementary.exp(zip(actions, behaviour).reduce(0) { $0 + ($1.0 - $1.1) })
        guard let clip else { return weight }
        return min(max(weight, 1 - clip), 1 + clip)
    }
}
