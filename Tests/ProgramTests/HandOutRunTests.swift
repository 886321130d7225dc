import Collective
import Foundation
import Testing

@testable import gfn_dist

@Suite("Slots go to who is fast")
struct HandOutRunTests {
    private static let prompts = 8, steps = 10

    /// A run on virtual ranks, of which one takes longer over everything: the digest of its last weights, the ages of its metrics, and what
    /// each rank sent to rank 0 in each step.
    private static func run(
        _ ranks: Int, _ changes: [String: String] = [:], slow: Int? = nil
    ) throws -> (digest: String, groups: [[Int]], ages: [Double]) {
        let temporary = try TemporaryFolder()
        let folder = RunFolder(path: temporary.path)
        var layers = ConfigurationLayers()
        let settings = [
            "threads": "1", "train.steps": "\(steps)", "train.warmup_steps": "1", "train.prompts_per_step": "\(prompts)",
            "rollout.samples_per_prompt": "2", "evaluate.problems": "1", "evaluate.samples_per_problem": "1", "checkpoint.every": "none",
        ]
        for (name, value) in settings.merging(changes, uniquingKeysWith: { $1 }) {
            layers.set(name, to: value, from: Origin(description: "test"))
        }
        let workspace = try Workspace(try RunConfiguration(layers), ranksOnNode: ranks, needsGradients: true)
        let groups = try runInProcess(ranks: ranks) { communicator in
            let slowed = SlowCommunicator(communicator, microseconds: communicator.rank == slow ? 4000 : 0)
            let context = try RunContext(workspace: workspace, communicator: slowed, folder: folder, checkpoint: nil, quiet: true)
            context.saysResult = false
            _ = try TrainingRun(context).run()
            return slowed.groupsSent
        }
        let files = RunFiles(path: temporary.path)
        try files.expectEveryStepOnce(steps)
        return (try #require(try files.metrics().last?["adapter_sha256"] as? String), groups, try files.numbers("age_max"))
    }

    @Test("a slow rollout has fewer, every slot is sampled once, and the weights are those of one rank", arguments: [
        ("1", "0"), ("1", "2"), ("2", "1"), ("all", "0"), ("all", "1"),
    ])
    func slow(learners: String, lag: String) throws {
        let expected = try Self.run(1, ["lag": lag])
        let (digest, groups, _) = try Self.run(4, ["ranks.learners": learners, "lag": lag], slow: 3)
        #expect(digest == expected.digest)
        let rollouts = groups.filter { !$0.isEmpty }
        for step in 0..<Self.steps { #expect(rollouts.reduce(0) { $0 + $1[step] } == Self.prompts) }
        let even = Self.prompts / rollouts.count
        #expect(groups[3][0] == even && groups[3].last.map { $0 < even } == true, "\(groups)")
    }

    @Test("of rollouts that run free a slow one samples less, and with a slow one or a slow learner no group is too old", arguments: [0, 3], [1, 3])
    func free(slow: Int, bound: Int) throws {
        let (_, groups, ages) = try Self.run(4, ["ranks.learners": "1", "lag": "any", "lag_bound": "\(bound)"], slow: slow)
        #expect(groups.reduce(0) { $0 + $1.reduce(0, +) } == Self.steps * Self.prompts, "each is learned from once: \(groups)")
        #expect(ages.allSatisfy { (0...Double(bound)).contains($0) }, "\(ages)")
        if slow == 3 { #expect(groups[3].reduce(0, +) < max(groups[1].reduce(0, +), groups[2].reduce(0, +)), "\(groups)") }
    }
}
