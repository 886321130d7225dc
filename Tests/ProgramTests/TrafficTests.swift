import Collective
import Foundation
import Testing

@testable import gfn_dist

/// What docs/architecture.md derives, against counted bytes.
@Suite("What ranks receive in a step")
struct TrafficTests {
    private static let steps = 2, prompts = 16

    private static let samples = 2

    /// By rank, of a run in so many virtual ranks.
    private static func received(_ ranks: Int, learners: String, replays: Bool = false) throws -> [Traffic] {
        let temporary = try TemporaryFolder()
        let folder = RunFolder(path: temporary.path)
        var layers = ConfigurationLayers()
        let settings = [
            "threads": "1", "train.steps": "\(steps)", "train.warmup_steps": "1", "train.prompts_per_step": "\(prompts)",
            "rollout.samples_per_prompt": "\(samples)", "evaluate.problems": "1", "evaluate.samples_per_problem": "1",
            // So small a share that nothing is replayed yet: every learner keeps the buffer all the same.
            "replay.share": replays ? "0.01" : "0", "ranks.learners": learners,
        ]
        for (name, value) in settings { layers.set(name, to: value, from: Origin(description: "test")) }
        let workspace = try Workspace(try RunConfiguration(layers), ranksOnNode: ranks, needsGradients: true)
        return try runInProcess(ranks: ranks) { communicator in
            let context = try RunContext(workspace: workspace, communicator: communicator, folder: folder, checkpoint: nil, quiet: true)
            context.saysResult = false
            _ = try TrainingRun(context).run()
            return communicator.received
        }
    }

    /// Frame and fields of a batch, of which each rollout sends one in a step.
    private static let overhead = 24 + 8 + 1 + 1 + 8 + 8 + 8 + 8 + 8
    /// Slot, count and one number of each response.
    private static let outline = 8 + 8 + 4 * samples
    /// Two, before each of which rank 0 has a word of each rollout.
    private static let evaluations = 2

    /// Bytes of both steps' groups that arrive at a learner, beside what batches weigh without them.
    private static func groups(at rank: Int, _ received: [Traffic], rollouts: Int) -> Int {
        received[rank].messages - steps * rollouts * overhead - (rank == 0 ? evaluations * rollouts * 24 : 0)
    }

    @Test("groups go to who needs them, weights to every rollout once, and a sum costs a learner less than 16 bytes a parameter")
    func formulas() throws {
        let alone = try Self.received(2, learners: "1")
        let all = Self.groups(at: 0, alone, rollouts: 1), weights = alone[1].broadcasts
        #expect(all > 0 && weights > 0 && alone[0].exchanged == 0 && alone[0].broadcasts == 0)

        // With as many learners as slots, each has one group whole and the outlines of the others.
        let apart = try Self.received(Self.prompts + 1, learners: "\(Self.prompts)")
        var ofSlot = (0..<Self.prompts).map {
            Self.groups(at: $0, apart, rollouts: 1) - Self.steps * (Self.prompts - 1) * Self.outline
        }
        #expect(Self.groups(at: 0, apart, rollouts: 1) == all)
        ofSlot[0] = all - ofSlot.dropFirst().reduce(0, +)
        #expect(ofSlot.allSatisfy { $0 > Self.steps * Self.outline })

        let two = try Self.received(4, learners: "2")
        let count = (two[0].exchanged + two[1].exchanged) / (16 * Self.steps)
        #expect(count > 100_000)
        for (ranks, learners, traffic) in [(4, 2, two), (5, 3, try Self.received(5, learners: "3")), (16, 4, try Self.received(16, learners: "4"))] {
            let share = (count + learners - 1) / learners, rollouts = ranks - learners
            for (rank, received) in traffic.enumerated() {
                let isLearner = rank < learners
                let own = max(0, min(count, (rank + 1) * share) - rank * share)
                let whole = (0..<Self.prompts).filter { rank == 0 || $0 % learners == rank }
                let expected = whole.reduce(0) { $0 + ofSlot[$1] } + Self.steps * (Self.prompts - whole.count) * Self.outline
                if isLearner { #expect(Self.groups(at: rank, traffic, rollouts: rollouts) == expected) } else { #expect(received.messages == 0) }
                #expect(received.broadcasts == (isLearner ? 0 : weights))
                #expect(received.exchanged == (isLearner ? Self.steps * (12 * own * (learners - 1) + 4 * (count - own)) : 0))
            }
        }
    }

    @Test("where all ranks sample and learn, no weights are sent, and what a rank samples for itself does not travel", arguments: [2, 3])
    func both(ranks: Int) throws {
        let alone = try Self.received(2, learners: "1")
        let all = Self.groups(at: 0, alone, rollouts: 1)
        let traffic = try Self.received(ranks, learners: "all")
        #expect(traffic.allSatisfy { $0.broadcasts == 0 && $0.exchanged > 0 })
        // Slots are dealt out alike, as long as nobody knows who is fast.
        for rank in 1..<ranks {
            let own = (0..<Self.prompts).count { $0 % ranks == rank }
            let expected = Self.steps * (Self.outline * (Self.prompts - own) + (ranks - 1) * Self.overhead)
            // And the groups whose log-probabilities this rank compares.
            let compared = (0..<Self.steps).count { ($0 % ranks + 1) % ranks == rank }
            let more = traffic[rank].messages - expected
            #expect(compared == 0 ? more == 0 : compared * Self.outline < more && more < all, "rank \(rank): \(more)")
        }
        let first = traffic[0].messages - Self.steps * (ranks - 1) * Self.overhead
        #expect(first > 0 && first < all)
    }

    @Test("groups go to every learner where each draws from the replay buffer")
    func replay() throws {
        let all = Self.groups(at: 0, try Self.received(2, learners: "1"), rollouts: 1)
        let traffic = try Self.received(5, learners: "3", replays: true)
        for rank in 0..<3 { #expect(Self.groups(at: rank, traffic, rollouts: 2) == all) }
    }
}
