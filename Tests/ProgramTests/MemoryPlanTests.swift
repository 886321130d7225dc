import Collective
import Foundation
import Learner
import Model
import Rollout
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("The plan of a node's memory")
    struct MemoryPlans {
        private static func opened(_ settings: [String: String] = [:]) throws -> OpenedWorkspace {
            var layers = ConfigurationLayers()
            let usual = ["threads": "1", "train.prompts_per_step": "4", "rollout.samples_per_prompt": "4"]
            for (name, value) in usual.merging(settings, uniquingKeysWith: { $1 }) {
                layers.set(name, to: value, from: Origin(description: "test"))
            }
            return try OpenedWorkspace(try RunConfiguration(layers), ranksOnNode: 1, needsGradients: true)
        }

        private static func roles(
            _ size: Int, learners: Int? = nil, on ranks: Range<Int>? = nil, processes: Int? = nil
        ) throws -> NodeRoles {
            let ranks = ranks ?? 0..<size
            return NodeRoles(
                try RankLayout(size: size, learners: learners), ranks: Array(ranks), of: size, processes: processes ?? ranks.count)
        }

        /// The embedded base: hidden 128, intermediate 344, 4 layers, 4 heads of 32, its own output matrix.
        private static let vocabulary = 119

        /// By hand, in bf16: [outputs, inputs] takes 4 bytes for each 2 inputs of outputs rounded up to 16; a vector 4 bytes a number.
        private static let forward =
            4 * (2 * 512 + 4 * 32_768 + 2 * 90_112 + 88_064) + 512 + 128 * 256 + 119 * 256
        private static let transposed = 4 * (4 * 32_768 + 2 * 88_064 + 90_112) + 128 * 4 * 60
        /// A, B and both transposed, rank 16, of four square maps and three between 128 and 344.
        private static let adapter = 4 * (4 * 16_384 + 3 * 30_464)
        /// r · (inputs + outputs) of each.
        private static let parameters = 4 * 16 * (4 * 256 + 3 * 472)

        private func part(_ name: String, of plan: MemoryPlan) -> MemoryPlan.Part? { plan.parts.first { $0.name == name } }

        @Test("one rank has everything once, and an adapter for each of its three policies")
        func alone() throws {
            let plan = MemoryPlan(try Self.opened(), try Self.roles(1))
            #expect(part("the base", of: plan) == .init(name: "the base", each: Self.forward, count: 1))
            #expect(part("the base transposed", of: plan) == .init(name: "the base transposed", each: Self.transposed, count: 1))
            #expect(part("learners' packed adapters", of: plan) == .init(name: "learners' packed adapters", each: Self.adapter, count: 3))
            #expect(part("published versions", of: plan)?.bytes == 2 * Self.parameters * 4, "lag 1: two, the start and one that arrives")
            #expect(part("optimiser states", of: plan)?.bytes == 28 * Self.parameters)
            #expect(part("messages", of: plan) == nil)
            // Prompts of 4 tokens, and 4 responses of up to 16 to each.
            let pass = PolicyMemory.learning(
                try Self.opened().base.model.configuration, forms: WeightForms(.bf16),
                adapter: AdapterConfiguration(rank: 16, alpha: 32, targets: LinearKind.allCases), rows: 68, states: 65, longest: 20, threads: 1)
            #expect(plan.learner.learning == pass.least && plan.learner.recomputed == pass.most - pass.least)
            #expect(plan.learner.stepping == 12 * Self.parameters)
            #expect(plan.bytes() == plan.parts.reduce(0) { $0 + $1.each * $1.count } + plan.learner.bytes())
        }

        @Test("processes have a base each, virtual ranks one together, and a rollout no transposed one")
        func processes() throws {
            let opened = try Self.opened()
            let plan = MemoryPlan(opened, try Self.roles(4))
            #expect(part("the base", of: plan)?.count == 4 && part("the base transposed", of: plan)?.count == 1)
            #expect(part("learners' packed adapters", of: plan)?.count == 3 && part("its processes", of: plan)?.count == 4)
            // A, B of rank 16 alone: 4,096 bytes each of square maps, 4,096 and 11,008 or 11,264 of the others.
            let forward = 4 * (4 * 8192 + 2 * (4096 + 11_264) + 11_008 + 4096)
            #expect(part("rollouts' packed adapters", of: plan) == .init(name: "rollouts' packed adapters", each: forward, count: 6))
            #expect(part("optimiser states", of: plan)?.count == 1)
            #expect(part("messages", of: plan)?.bytes == 4 * Self.parameters)
            #expect(plan.bytes() == plan.parts.reduce(0) { $0 + $1.bytes } + plan.learner.bytes() + 3 * plan.rollout.bytes())
            let threads = MemoryPlan(opened, try Self.roles(4, processes: 1))
            #expect(part("the base", of: threads)?.count == 1 && part("the base transposed", of: threads)?.count == 1)
            #expect(part("rollouts' packed adapters", of: threads)?.bytes == 6 * Self.adapter)
            #expect(part("its processes", of: threads)?.count == 1)
            // Another node of the same run has rollouts only.
            let other = MemoryPlan(opened, try Self.roles(8, learners: 2, on: 4..<8))
            #expect(part("the base transposed", of: other)?.bytes == 0 && part("messages", of: other) == nil)
            #expect(part("rollouts' packed adapters", of: other)?.bytes == 8 * forward)
            #expect(other.roles.learning == 0 && other.budget(within: .max) == 0)
        }

        @Test("ranks that all sample and learn take what learners do, and send no weights")
        func both() throws {
            let opened = try Self.opened()
            let roles = NodeRoles(try RankLayout(allOf: 3), ranks: [0, 1, 2], of: 3, processes: 3)
            #expect(roles.both == 3 && roles.learning == 3 && roles.learners == 0 && roles.rollouts == 0 && roles.description == "3 ranks")
            let plan = MemoryPlan(opened, roles), alone = MemoryPlan(opened, try Self.roles(1))
            #expect(part("messages", of: plan) == nil)
            #expect(part("learners' packed adapters", of: plan)?.count == 9 && part("rollouts' packed adapters", of: plan)?.bytes == 0)
            #expect(part("optimiser states", of: plan)?.bytes == 3 * 28 * Self.parameters)
            #expect(plan.learner.learning == alone.learner.learning && plan.learner.sampling <= alone.learner.sampling)
            #expect(plan.bytes() == plan.parts.reduce(0) { $0 + $1.bytes } + 3 * plan.learner.bytes())
            #expect(plan.account.contains("passes "))
        }

        @Test("a base in files of the cache is there once for all processes")
        func cached() throws {
            let folder = try TemporaryFolder()
            setenv("GFN_CACHE", folder.path, 1)
            defer { unsetenv("GFN_CACHE") }
            let plan = MemoryPlan(try Self.opened(["base.cache": "always"]), try Self.roles(4, learners: 2))
            #expect(part("the base", of: plan) == .init(name: "the base", each: Self.forward, count: 1))
            #expect(part("the base transposed", of: plan) == .init(name: "the base transposed", each: Self.transposed, count: 1))
        }

        @Test("whole weights are packed for what samples and for what learns, and their states are as large")
        func full() throws {
            let plan = MemoryPlan(try Self.opened(["trainable": "full"]), try Self.roles(1))
            #expect(part("learners' policies", of: plan)?.bytes == 2 * (Self.forward + Self.transposed))
            let n = 4 * (2 * 128 + 4 * 128 * 128 + 3 * 128 * 344) + 128 + 2 * Self.vocabulary * 128
            #expect(part("optimiser states", of: plan)?.bytes == 28 * n)
        }

        @Test("more responses, longer ones and more optimiser steps take more; what is not kept takes less")
        func grows() throws {
            func bytes(_ settings: [String: String]) throws -> Int { MemoryPlan(try Self.opened(settings), try Self.roles(1)).bytes() }
            let usual = try bytes([:])
            #expect(try bytes(["rollout.samples_per_prompt": "64"]) > usual)
            #expect(try bytes(["rollout.max_new_tokens": "48"]) > usual)
            #expect(try bytes(["lag": "8"]) == usual + 2 * Self.parameters * 7)
            let ppo = MemoryPlan(try Self.opened(["objective": "ppo"]), try Self.roles(1))
            #expect(ppo.learner.learning == MemoryPlan(try Self.opened(), try Self.roles(1)).learner.learning + 12 * Self.parameters)
        }

        @Test("replay buffers are as large as what is sampled or what they hold, with rank 0 and where each learner draws from one")
        func replay() throws {
            func replay(_ settings: [String: String], _ roles: NodeRoles? = nil, length: Int? = 8) throws -> MemoryPlan.Part {
                MemoryPlan(try Self.opened(settings), try roles ?? Self.roles(1), length: length).replay
            }
            func trajectory(_ tokens: Int, states: Int, hasReference: Bool = true) -> Int {
                PackedTrajectory.byteCount(tokens: tokens, states: states, stepRewards: 0, hasReference: hasReference) + 24
            }
            // 4 prompts of 4 samples; problems of the embedded task may end at each of their steps.
            let opened = try Self.opened(), states = TypicalResponse(of: opened, tokens: 8).states
            #expect(try replay(["train.steps": "10"]) == .init(name: "replay buffers", each: 160 * trajectory(8, states: states), count: 1))
            let most = opened.training.problemCount * opened.configuration.replaySettings.capacityPerPrompt
            #expect(try replay(["train.steps": "1000000"]).each == most * trajectory(8, states: states))
            let longer = TypicalResponse(of: opened, tokens: 100)
            #expect(longer.states > 8 * states && longer.tokens == 100)
            #expect(try replay(["train.steps": "10"], length: 100).each == 160 * trajectory(100, states: longer.states))
            let all = NodeRoles(try RankLayout(allOf: 3), ranks: [0, 1, 2], of: 3, processes: 3)
            #expect(try replay(["replay.share": "0.25"], all).count == 3)
            #expect(try replay([:], all).count == 1, "nothing is replayed: rank 0 has it for checkpoints")
            #expect(try replay([:], try Self.roles(8, on: 4..<8)).count == 0)
            let plan = MemoryPlan(try Self.opened(["train.steps": "10"]), try Self.roles(1))
            #expect(plan.bytes() == MemoryPlan(try Self.opened(["train.steps": "1000"]), try Self.roles(1)).bytes())
            #expect(plan.growth == plan.replay.bytes + plan.saving.bytes && plan.saving.count == 1)
            #expect(plan.saving.bytes < 3 * plan.replay.bytes / 2 && plan.saving.bytes > plan.replay.bytes)
            #expect(plan.budget(within: plan.bytes() + plan.growth) == 0)
            #expect(MemoryPlan(try Self.opened(), try Self.roles(8, on: 4..<8)).saving.count == 0, "rank 0 saves it")
        }

        @Test("a run that fits until its buffers fill begins, and says so")
        func tight() throws {
            let plan = MemoryPlan(
                roles: try Self.roles(1), parts: [.init(name: "the base", each: 1 << 20, count: 1)], learner: .init(learning: 1 << 20),
                rollout: .init(), replay: .init(name: "replay buffers", each: 3 << 20, count: 2))
            let limit = MemoryLimit("4MiB", available: nil)
            try limit.require(plan, advice: [])
            #expect(limit.share(plan).note
                == "memory of this node: about 2 MiB for 1 rank, and up to 6 MiB for replay buffers and saving them, more than the "
                + "4 MiB there are: a lower replay.per_prompt needs less")
            #expect(MemoryLimit("8MiB", available: nil).share(plan).note.hasSuffix("saving them") && limit.share(plan).bytes == 8 << 20)
        }

        @Test("learners share what is left, and take no more than makes a difference")
        func budget() throws {
            let work = MemoryPlan.Work(learning: 100, recomputed: 60, stepping: 130, sampling: 40, scoring: 20)
            let plan = MemoryPlan(
                roles: try Self.roles(4, learners: 2), parts: [.init(name: "a", each: 10, count: 4), .init(name: "b", each: 7, count: 1)],
                learner: work, rollout: .init(sampling: 40, scoring: 50))
            #expect(plan.bytes() == 47 + 2 * 130 + 2 * 50)
            #expect(plan.bytes(budget: 20) == plan.bytes(), "what another phase takes in any case")
            #expect(plan.bytes(budget: 50) == 47 + 2 * 150 + 2 * 50 && plan.bytes(budget: .max) == 47 + 2 * 160 + 2 * 50)
            #expect(plan.budget(within: 0) == 0 && plan.budget(within: 407) == 0 && plan.budget(within: 408) == 0)
            #expect(plan.budget(within: 409) == 1 && plan.budget(within: 507) == 50 && plan.budget(within: .max) == 60)
            for limit in 407..<600 { #expect(plan.bytes(budget: plan.budget(within: limit)) <= limit) }
        }

        @Test("a chosen limit counts, or else what the node has left, of which learners take 1 GiB at most")
        func limit() throws {
            func plan(_ recomputed: Int) throws -> MemoryPlan {
                MemoryPlan(
                    roles: try Self.roles(1), parts: [.init(name: "the base", each: 1 << 20, count: 1)],
                    learner: .init(learning: 1 << 20, recomputed: recomputed), rollout: .init())
            }
            let (large, small) = (try plan(2 << 30), try plan(5))
            #expect(MemoryLimit("auto", available: nil).share(large).budget == 1 << 30)
            #expect(MemoryLimit("auto", available: 4 << 30).share(large).budget == 1 << 30)
            #expect(MemoryLimit("auto", available: 3 << 20).share(large).budget == 1 << 20)
            #expect(MemoryLimit("3GiB", available: 1).share(large).budget == 2 << 30)
            #expect(MemoryLimit("3GiB", available: nil).share(small).budget == 5)
            try MemoryLimit("2MiB", available: 1).require(large, advice: [])
            try MemoryLimit("auto", available: nil).require(large, advice: [])
            #expect {
                try MemoryLimit("1MiB", available: nil).require(large, advice: ["do this"])
            } throws: { error in
                "\(error)" == "memory.limit is 1 MiB for a node, but its 1 rank needs at least 2 MiB: the base 1 MiB, a pass 1 MiB; do "
                    + "this, or raise memory.limit" && ExitCode.of(error) == 78
            }
            #expect {
                try MemoryLimit("auto", available: 2 << 20 - 1).require(large, advice: ["do this", "do that"])
            } throws: { error in
                "\(error)" == "the node has 1 MiB of memory left, but its 1 rank needs at least 2 MiB: the base 1 MiB, a pass 1 MiB; do "
                    + "this, do that, or take a node with more memory"
            }
        }
    }
}
