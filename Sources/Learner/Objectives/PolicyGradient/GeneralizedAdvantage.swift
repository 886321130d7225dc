/// Generalized advantage estimation (Schulman et al., arXiv 1506.02438, eq. 16) over the actions of one response.
///
///     δ_t = r_t + γ V_{t+1} − V_t        A_t = δ_t + γλ A_{t+1}        R_t = A_t + V_t
///
/// V and A beyond the last action are 0: a response ends the episode. λ = 1 takes whole returns, λ = 0 the critic's next value.
package struct GeneralizedAdvantage: Sendable, Equatable {
    /// γ: what a reward one action later is worth.
    package let discount: Double
    package let lambda: Double

    package init(discount: Double, lambda: Double) {
        self.discount = discount
        self.lambda = lambda
    }

    /// r_t = reward_t − coefficient · KL_t: the rewards of the actions less the penalty for leaving the reference.
    ///
    /// Rewards may be at any action: at the last one for an answer, at the ends of steps for a process reward. The estimates of
    /// KL are those of the policy that sampled, so the penalty has no slope.
    package static func rewards(_ rewards: [Double], divergences: [Double], coefficient: Double) -> [Double] {
        precondition(rewards.count == divergences.count, "\(rewards.count) rewards and \(divergences.count) divergences")
        // 0 times an estimate that may be infinite is not 0.
        return coefficient == 0 ? rewards : zip(rewards, divergences).map { $0 - coefficient * $1 }
    }

    /// A_t, and the critic's targets R_t.
    package func advantages(rewards: [Double], values: [Double]) -> (advantages: [Double], returns: [Double]) {
        precondition(rewards.count == values.count, "\(rewards.count) rewards and \(values.count) values")
        var advantages = Array(repeating: 0.0, count: rewards.count)
        var nextValue = 0.0, nextAdvantage = 0.0
        for t in rewards.indices.reversed() {
            let error = rewards[t] + discount * nextValue - values[t]
            advantages[t] = error + discount * lambda * nextAdvantage
            (nextValue, nextAdvantage) = (values[t], advantages[t])
        }
        return (advantages, zip(advantages, values).map { $0 + $1 })
    }
}
