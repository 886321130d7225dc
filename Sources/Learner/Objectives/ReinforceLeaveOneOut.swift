/// RLOO (Ahmadian et al., arXiv 2402.14740, section 3.3): REINFORCE on whole responses, each with the mean of the others as its baseline.
///
///     R̃_k = R_k − β (log π_old − log π_ref)(y^k | x)        A_k = R̃_k − mean_{j≠k} R̃_j        L = −mean_k A_k log π(y^k | x)
///
/// There is no ratio to the policy that sampled: with a lag, the gradient is that of samples which are as old as it.
package struct ReinforceLeaveOneOut: Objective {
    package var divergenceWeight = 0.05

    package init() {}

    package var needs: Needs { Needs(reference: divergenceWeight > 0, ownSamples: true, smallestGroup: 2) }

    package var settings: [MethodSetting<Self>] {
        [.number("rloo.kl_weight", \.divergenceWeight, 0...1e6, "of the divergence from the reference, in the reward")]
    }

    package func credits(of groups: [[SampledResponse]]) -> [[Credit]]? {
        zip(groups, GroupAdvantage.leaveOneOut.advantages(of: groups.map { $0.map(reward(of:)) })).map { group, advantages in
            zip(group, advantages).map { response, advantage in
                Credit(advantages: Array(repeating: advantage, count: response.rewards.count))
            }
        }
    }

    private func reward(of response: SampledResponse) -> Double {
        guard divergenceWeight > 0 else { return response.reward }
        guard let behaviour = response.behaviour, let reference = response.reference else {
            preconditionFailure("a divergence needs log-probabilities of sampler and reference")
        }
        return response.reward - divergenceWeight * zip(behaviour, reference).reduce(0) { $0 + ($1.0 - $1.1) }
    }

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        let share = Double(batch.groups) / Double(max(batch.responses, 1))
        var loss = 0.0, terms: [Double] = []
        let slopes = responses.map { response in
            guard let credit = response.credit else { preconditionFailure("RLOO needs advantages") }
            for (action, advantage) in zip(response.actionLogProbabilities, credit.advantages) { loss -= share * advantage * action }
            terms.append(zip(response.actionLogProbabilities, credit.advantages).reduce(0) { $0 - share * $1.1 * $1.0 })
            return credit.advantages.map { -share * $0 }
        }
        return ObjectiveValue(loss: loss, lossByResponse: terms, responses: responses, actionSlopes: slopes)
    }
}
