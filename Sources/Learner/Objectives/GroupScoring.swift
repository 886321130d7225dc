package import Model
package import Rollout

extension ScoredResponse {
    /// A trajectory as an objective sees it: the current policy's `scores`, and log R under the schedules of `step`.
    ///
    /// A response that was cut at the length limit had no choice but to end: ⊤ counts as certain there, under the policy
    /// and under the reference alike.
    package init(_ trajectory: Trajectory, scores: ResponseScores, reward: RewardSettings, step: Int) {
        var logRewards = reward.logRewards(of: trajectory, step: step)
        let isForced = trajectory.stop == .length
        let α = reward.referenceExponent.value(at: step)
        if isForced, α != 0, let stop = trajectory.referenceStopLogProbabilities.last, let last = logRewards.indices.last {
            logRewards[last] -= α * Double(stop)
        }
        self.init(
            tokenLogProbabilities: scores.tokenLogProbabilities.map { Double($0) },
            stopLogProbabilities: scores.stopLogProbabilities.map { Double($0) },
            states: trajectory.states.map(\.index), logRewards: logRewards, stopIsForced: isForced)
    }
}

extension ResponseSlopes {
    /// The weights of log π whose gradient is `scale` times that of the loss.
    package func weights(scaledBy scale: Double) -> ResponseWeights {
        ResponseWeights(token: token.map { Float($0 * scale) }, stop: stop.map { Float($0 * scale) })
    }
}

extension Objective {
    /// The loss of a group of trajectories under the current policy's scores of them.
    package func evaluate(
        _ group: TrajectoryGroup, scores: [ResponseScores], reward: RewardSettings, step: Int, root: Double?
    ) -> ObjectiveValue {
        evaluate(
            zip(group.trajectories, scores).map { ScoredResponse($0, scores: $1, reward: reward, step: step) }, root: root)
    }
}
