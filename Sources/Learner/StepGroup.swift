package import Rollout

/// A group of a step as one learner has it.
package enum StepGroup: Sendable, Equatable {
    case whole(TrajectoryGroup)
    /// Another learner computes it.
    case outline(GroupOutline)

    /// m of each response.
    var actionCounts: [Int] {
        switch self {
        case .whole(let group): group.trajectories.map(\.actionCount)
        case .outline(let outline): outline.actionCounts.map(Int.init)
        }
    }

    /// Nil where another learner computes it.
    var whole: TrajectoryGroup? { if case .whole(let group) = self { group } else { nil } }
}
