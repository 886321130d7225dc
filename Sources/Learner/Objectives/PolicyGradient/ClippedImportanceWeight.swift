/// CISPO (MiniMax-M1, arXiv 2506.13585, eq. 4): REINFORCE with an importance weight that is limited from above, and has no slope.
///
///     l = −sg(min(ρ, bound)) A log π
///
/// Unlike the clipped surrogate, an action whose ratio is limited still has a gradient.
package struct ClippedImportanceWeight: Sendable, Equatable {
    /// The largest weight: of ρ itself, not of its distance from 1.
    package let bound: Double

    package init(bound: Double) { self.bound = bound }

    package func losses(logProbabilities: [Double], oldLogProbabilities: [Double], advantages: [Double]) -> ActionLosses {
        let n = logProbabilities.count
        precondition(
            oldLogProbabilities.count == n && advantages.count == n,
            "\(n) log-probabilities, \(oldLogProbabilities.count) old ones and \(advantages.count) advantages")
        var result = ActionLosses(losses: [], slopes: [])
        for t in 0..<n {
            let ratio = ImportanceRatio(logRatio: logProbabilities[t] - oldLogProbabilities[t]).value
            let slope = -min(ratio, bound) * advantages[t]
            result.losses.append(slope * logProbabilities[t])
            result.slopes.append(slope)
            if ratio > bound { result.clipped += 1 }
        }
        return result
    }
}
