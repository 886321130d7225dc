/// Which rank has which role: a pure value, equal on all ranks.
///
/// One rank has both roles. With more, ranks `0..<L` are learners and the rest are rollouts, or every rank is both. Rank 0,
/// which writes files and prints, is always a learner.
package struct RankLayout: Sendable, Equatable, CustomStringConvertible {
    package let size: Int
    package let learners: [Int]
    package let rollouts: [Int]

    /// - Parameter learners: the number of learner ranks; nil chooses a quarter of the ranks, at least one.
    package init(size: Int, learners wanted: Int? = nil) throws(RankLayoutError) {
        guard size >= 1 else { throw .noRanks(size: size) }
        guard size > 1 else {
            guard wanted ?? 1 == 1 else { throw .learners(wanted: wanted ?? 1, size: size) }
            (self.size, learners, rollouts) = (1, [0], [0])
            return
        }
        let count = wanted ?? max(1, size / 4)
        guard (1..<size).contains(count) else { throw .learners(wanted: count, size: size) }
        self.size = size
        learners = Array(0..<count)
        rollouts = Array(count..<size)
    }

    /// Every rank samples, and then learns.
    package init(allOf size: Int) throws(RankLayoutError) {
        guard size >= 1 else { throw .noRanks(size: size) }
        self.size = size
        learners = Array(0..<size)
        rollouts = learners
    }

    package func isLearner(_ rank: Int) -> Bool { rank < learners.count }
    package func isRollout(_ rank: Int) -> Bool { rank >= size - rollouts.count }

    /// Whether every rank samples, and then learns.
    package var isEveryRankBoth: Bool { learners == rollouts }

    /// The learner that computes the gradient of the group in this slot of a step. Where every rank is both, it is the rank that sampled
    /// the group: it got as many as it is fast, and has them already.
    package func learner(forSlot slot: Int, sampledBy rollout: Int) -> Int {
        isEveryRankBoth ? rollout : learners[slot % learners.count]
    }

    /// The learner that computes the log-probabilities of a group again, to compare them: never the rank that sampled it, if there is another.
    package func comparer(ofSlot slot: Int, sampledBy rollout: Int) -> Int {
        isEveryRankBoth ? (rollout + 1) % size : learners[slot % learners.count]
    }

    /// The ranks that new weights are sent to: learners make them themselves.
    package var weightReceivers: [Int] { rollouts.filter { !isLearner($0) } }

    /// The ranks that new weights pass between: the publishing learner first, then all that they are sent to.
    package var weightGroup: [Int] { [0] + weightReceivers }

    /// How messages name the role of a rank.
    package func role(of rank: Int) -> String {
        switch (isLearner(rank), isRollout(rank)) {
        case (true, true): "learner and rollout"
        case (true, false): "learner"
        default: "rollout"
        }
    }

    package var description: String {
        if isEveryRankBoth { return size == 1 ? "1 rank: learner and rollout" : "\(size) ranks: each learner and rollout" }
        return "\(size) ranks: \(learners.count) learner\(learners.count == 1 ? "" : "s"), \(rollouts.count) rollout\(rollouts.count == 1 ? "" : "s")"
    }
}

/// A division of ranks that cannot be; `description` says what to change.
package enum RankLayoutError: Error, Equatable, Sendable, CustomStringConvertible {
    case noRanks(size: Int)
    case learners(wanted: Int, size: Int)

    package var description: String {
        switch self {
        case .noRanks(let size): "the run has \(size) ranks, but it needs at least 1"
        case .learners(let wanted, 1):
            "ranks.learners is \(wanted), but the run has 1 rank, which is learner and rollout: leave it out or set it to 1"
        case .learners(let wanted, let size):
            "ranks.learners is \(wanted), but a run of \(size) ranks needs 1 to \(size - 1) learners, so that at least one rank is a rollout: change it, set it to all "
                + "(every rank is both) or start more ranks"
        }
    }
}
