/// Losses of the actions of one response, not yet weighted: `TokenAggregation` says how much each counts.
package struct ActionLosses: Sendable, Equatable {
    /// l_t. `[n]`
    package var losses: [Double]
    /// d(Σ_s l_s)/d log π_t, the derivative of the *sum*: an action's ratio may be part of every loss of its response. `[n]`
    package var slopes: [Double]
    /// For how many actions the ratio that counted was another than theirs.
    package var clipped: Int

    package init(losses: [Double], slopes: [Double], clipped: Int = 0) {
        precondition(losses.count == slopes.count, "\(losses.count) losses and \(slopes.count) slopes")
        self.losses = losses
        self.slopes = slopes
        self.clipped = clipped
    }

    /// Adds `coefficient` times an estimate of KL to every action's loss, as GRPO does; `differences` are d = log π − log π_ref.
    package mutating func add(_ estimator: KLEstimator, differences: [Double], coefficient: Double, limit: Double? = nil) {
        precondition(differences.count == losses.count, "\(differences.count) differences for \(losses.count) actions")
        // No term at all rather than 0 times an estimate that may be infinite.
        guard coefficient != 0 else { return }
        for (t, difference) in differences.enumerated() {
            let divergence = estimator.estimate(difference, limit: limit)
            losses[t] += coefficient * divergence.value
            slopes[t] += coefficient * divergence.slope
        }
    }
}
