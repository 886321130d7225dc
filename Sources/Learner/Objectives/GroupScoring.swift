package import Model
package import Rollout

extension ScoredResponse {
    /// A trajectory as an objective sees it: the current policy's `scores`, and log R under the schedules of `step`.
    ///
    /// A response that was cut at the length limit had no choice but to end: ⊤ counts as certain there, under the policy
    /// and under the reference alike.
    package init(
        _ trajectory: Trajectory, scores: ResponseScores, reward: RewardSettings, step: Int, sample: SampledResponse? = nil,
        credit: Credit? = nil, values: [Double] = []
    ) {
        // What data has is nobody's sample: it has no reward.
        var logRewards = trajectory.isSampled ? reward.logRewards(of: trajectory, step: step) : trajectory.states.map { _ in 0 }
        let isForced = trajectory.stop == .length
        let α = reward.referenceExponent.value(at: step)
        if isForced, trajectory.isSampled, α != 0, let stop = trajectory.referenceStopLogProbabilities.last, let last = logRewards.indices.last {
            logRewards[last] -= α * Double(stop)
        }
        self.init(
            tokenLogProbabilities: scores.tokenLogProbabilities.map { Double($0) },
            stopLogProbabilities: scores.stopLogProbabilities.map { Double($0) },
            states: trajectory.states.map(\.index), logRewards: logRewards, stopIsForced: isForced, sample: sample,
            credit: credit, values: values)
    }
}

extension ResponseSlopes {
    /// The weights of log π whose gradient is `scale` times that of the loss.
    package func weights(scaledBy scale: Double) -> ResponseWeights {
        ResponseWeights(token: token.map { Float($0 * scale) }, stop: stop.map { Float($0 * scale) })
    }
}
