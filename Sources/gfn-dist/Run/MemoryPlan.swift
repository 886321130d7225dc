internal import Learner

/// What the ranks of a run take of one node's memory: a pure value, in bytes.
struct MemoryPlan: Sendable, Equatable {
    /// What is there from the beginning to the end, as often as `count` says.
    struct Part: Sendable, Equatable {
        let name: String
        let each: Int
        let count: Int
        var bytes: Int { each * count }
    }

    /// What a rank does in turn; the largest is what it needs.
    struct Work: Sendable, Equatable {
        /// A pass of the largest slot, forward and backward, and how much more it takes where nothing is computed again.
        var learning = 0, recomputed = 0
        /// An optimiser step: the copy of the state, until it takes the place of the old one.
        var stepping = 0
        /// Sampling, and scoring what was sampled.
        var sampling = 0, scoring = 0

        /// - Parameter budget: what a learner keeps of activations beyond what it must.
        func bytes(budget: Int = 0) -> Int { max(learning + min(budget, recomputed), stepping, sampling, scoring) }
    }

    let roles: NodeRoles
    let parts: [Part]
    /// Of a rank that learns, and of one that only samples.
    let learner: Work, rollout: Work
    /// What is empty at first, as large as it can be when the run ends: of the ranks, and beside it where the first of them saves it.
    var replay = Part(name: "replay buffers", each: 0, count: 0), saving = Part(name: "a replay buffer as it is saved", each: 0, count: 0)

    /// At the beginning of the run, without what replay buffers will hold.
    /// - Parameter budget: per learner, in bytes.
    func bytes(budget: Int = 0) -> Int {
        parts.reduce(0) { $0 + $1.bytes } + roles.learning * learner.bytes(budget: budget) + roles.rollouts * rollout.bytes()
    }

    /// What replay buffers add to `bytes` until the run ends, at most.
    var growth: Int { replay.bytes + saving.bytes }

    /// How much each learner of the node may keep where there are so many bytes for all: at most what makes a difference.
    func budget(within limit: Int) -> Int {
        guard roles.learning > 0 else { return 0 }
        return min(learner.recomputed, max(0, limit - bytes() - growth) / roles.learning)
    }

    /// What is needed, the largest first.
    var account: String {
        var all = parts.map { ($0.name, $0.bytes, $0.count) }
        if roles.learning > 0 {
            let name = roles.both == 0 ? "learners' passes" : roles.both == 1 ? "a pass" : "passes"
            all.append((name, roles.learning * learner.bytes(), roles.learning))
        }
        if roles.rollouts > 0 { all.append(("rollouts' passes", roles.rollouts * rollout.bytes(), roles.rollouts)) }
        return all.filter { $0.1 > 0 }.enumerated().sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }.map { _, part in
            "\(part.0) \(ByteSize(part.1))" + (part.2 > 1 ? " (\(part.2) times \(ByteSize(part.1 / part.2)))" : "")
        }.joined(separator: ", ")
    }
}
