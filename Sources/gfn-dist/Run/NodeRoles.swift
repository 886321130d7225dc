internal import Collective

/// How the ranks of a run are spread over one node, by their roles.
struct NodeRoles: Sendable, Equatable {
    /// Ranks with one role, and those with both.
    private(set) var learners = 0, rollouts = 0, both = 0
    /// The processes that they live in: as many, or one (`--single`).
    let processes: Int
    /// The rollouts and all ranks of the whole run.
    let allRollouts: Int, allRanks: Int
    /// Whether rank 0 is here, which hands weights on and writes files.
    let hasFirst: Bool

    /// - Parameter layout: of the run; nil where every rank is a learner and nothing is sampled.
    init(_ layout: RankLayout?, ranks: [Int], of size: Int, processes: Int) {
        self.processes = processes
        (allRollouts, allRanks, hasFirst) = (layout?.rollouts.count ?? 0, size, ranks.contains(0))
        for rank in ranks {
            switch (layout?.isLearner(rank) ?? true, layout?.isRollout(rank) ?? false) {
            case (true, true): both += 1
            case (true, false): learners += 1
            case (false, _): rollouts += 1
            }
        }
    }

    var ranks: Int { learners + rollouts + both }
    /// Ranks that compute gradients.
    var learning: Int { learners + both }
    /// Processes with such a rank.
    var learningProcesses: Int { min(processes, learning) }

    /// In words, such as "1 learner and 3 rollouts".
    var description: String {
        func text(_ count: Int, _ name: String) -> String? { count == 0 ? nil : "\(count) \(name)\(count == 1 ? "" : "s")" }
        if both > 0 { return both == 1 ? "1 rank" : "\(both) ranks" }
        return [text(learners, "learner"), text(rollouts, "rollout")].compactMap { $0 }.joined(separator: " and ")
    }
}
