import Collective
import Foundation
import Testing

@testable import gfn_dist

/// What docs/architecture.md derives, against counted bytes.
@Suite("What ranks receive in a step")
struct TrafficTests {
    private static let steps = 2, prompts = 16

    /// By rank, of a run in so many virtual ranks.
    private static func received(_ ranks: Int, learners: Int) throws -> [Traffic] {
        let temporary = try TemporaryFolder()
        let folder = RunFolder(path: temporary.path)
        var layers = ConfigurationLayers()
        let settings = [
            "threads": "1", "train.steps": "\(steps)", "train.warmup_steps": "1", "train.prompts_per_step": "\(prompts)",
            "rollout.samples_per_prompt": "2", "replay.share": "0", "evaluate.problems": "1", "evaluate.samples_per_problem": "1",
            "ranks.learners": "\(learners)",
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

    @Test("groups go to every learner, weights to every rollout once, and a sum costs a learner less than 16 bytes a parameter")
    func formulas() throws {
        let alone = try Self.received(2, learners: 1)
        // Frame and fields of a batch, of which each rollout sends one in a step; two evaluations with a word of each rollout to rank 0.
        let overhead = 24 + 8 + 1 + 1 + 8 + 8 + 8 + 8, evaluations = 2
        let groups = alone[0].messages - Self.steps * overhead - evaluations * 24
        let weights = alone[1].broadcasts
        #expect(groups > 0 && weights > 0 && alone[0].exchanged == 0 && alone[0].broadcasts == 0)

        let two = try Self.received(4, learners: 2)
        let count = (two[0].exchanged + two[1].exchanged) / (16 * Self.steps)
        #expect(count > 100_000)
        for (ranks, learners, all) in [(4, 2, two), (5, 3, try Self.received(5, learners: 3)), (16, 4, try Self.received(16, learners: 4))] {
            let share = (count + learners - 1) / learners
            for (rank, received) in all.enumerated() {
                let isLearner = rank < learners
                let rollouts = ranks - learners
                let own = max(0, min(count, (rank + 1) * share) - rank * share)
                #expect(received.messages == (isLearner ? groups + Self.steps * rollouts * overhead : 0) + (rank == 0 ? evaluations * rollouts * 24 : 0))
                #expect(received.broadcasts == (isLearner ? 0 : weights))
                #expect(received.exchanged == (isLearner ? Self.steps * (12 * own * (learners - 1) + 4 * (count - own)) : 0))
            }
        }
    }
}
