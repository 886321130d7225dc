/// Advantages of whole responses from the other responses to the same prompt, without a critic.
///
///     A_i = (r_i − mean_j r_j) / (std + 1e-4)        leave-one-out:  A_i = r_i − mean_{j≠i} r_j
///
/// Standard deviations have n − 1 below. A group of one response, and one of equal rewards, has advantages of exactly 0.
package enum GroupAdvantage: String, Sendable, CaseIterable, Codable {
    /// Scaled by the deviation of the group's rewards (GRPO, arXiv 2402.03300, section 4.1.2).
    case group
    /// Scaled by the deviation of all rewards of the batch.
    case batch
    /// Not scaled (Dr. GRPO, arXiv 2503.20783, section 3.2): groups of nearly equal rewards are not blown up.
    case unscaled = "none"
    /// The unbiased baseline of RLOO (Ahmadian et al., arXiv 2402.14740): n/(n − 1) times the unscaled one.
    case leaveOneOut = "leave-one-out"

    /// What is added to a deviation before it divides.
    package static let deviationFloor = 1e-4

    /// One advantage per reward, group by group. The groups are those of the whole batch.
    package func advantages(of groups: [[Double]]) -> [[Double]] {
        let batchDeviation = self == .batch ? Self.deviation(of: Array(groups.joined())) : 0
        return groups.map { group in
            let centred = Self.centred(group)
            switch self {
            case .unscaled: return centred
            case .group, .batch:
                let divisor = (self == .group ? Self.deviation(of: group) : batchDeviation) + Self.deviationFloor
                return centred.map { $0 / divisor }
            case .leaveOneOut:
                let factor = group.count > 1 ? Double(group.count) / Double(group.count - 1) : 0
                return centred.map { $0 * factor }
            }
        }
    }

    /// r − mean. The mean is taken of differences from the first reward: the mean of three times 0.1 is not 0.1 otherwise.
    private static func centred(_ rewards: [Double]) -> [Double] {
        guard let origin = rewards.first else { return [] }
        let mean = rewards.reduce(0) { $0 + ($1 - origin) } / Double(rewards.count)
        return rewards.map { ($0 - origin) - mean }
    }

    /// √(Σ(r − mean)²/(n − 1)), and 0 of fewer than two rewards.
    package static func deviation(of rewards: [Double]) -> Double {
        guard rewards.count > 1 else { return 0 }
        return (centred(rewards).reduce(0) { $0 + $1 * $1 } / Double(rewards.count - 1)).squareRoot()
    }
}
