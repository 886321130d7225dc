import Foundation
import Testing

extension ProgramTests {
    @Suite("every method leaves the same bytes on any layout of ranks, and after a kill")
    struct Methods {
        private static let steps = 5

        /// A short run of a method, with all that it needs to have two slots for two learners.
        private static func settings(_ method: String) -> Settings {
            Settings.standard.with([
                "objective": method, "train.steps": "\(steps)", "train.warmup_steps": "1", "train.prompts_per_step": "3",
                "evaluate.problems": "1", "evaluate.samples_per_problem": "1",
            ]).with(ownSettings[method] ?? [:])
        }

        private static let ownSettings = [
            "subtb": ["states": "tokens"], "ppo": ["ppo.epochs": "2", "ppo.mini_batches": "2"],
            "grpo": ["grpo.kl_weight": "0.1", "grpo.mini_batches": "2"], "rloo": [:], "flowrl": [:],
            "dpo": ["dpo.collect_steps": "2", "dpo.pairs_per_step": "12"], "rft": ["rft.collect_steps": "2", "rft.examples_per_step": "36"],
        ]
        private static let names = ownSettings.keys.sorted()
        /// Those that collect samples first, in so many steps.
        private static let collecting = ["dpo": 2, "rft": 2]

        /// With as many learners as a user asks for; empty: as many as the program takes.
        private struct Place: Sendable, CustomTestStringConvertible {
            var layout: Layout
            var learners = ""

            var testDescription: String { "\(layout.testDescription)\(learners.isEmpty ? "" : ", \(learners) learners")" }
        }

        private static let places = [
            Place(layout: .mpirun(1)), Place(layout: .mpirun(2)), Place(layout: .mpirun(4), learners: "2"),
            Place(layout: .single(3), learners: "2"), Place(layout: .mpirun(2), learners: "all"),
            Place(layout: .single(3), learners: "all"),
        ]

        private func expectSame(_ method: String, on place: Place) throws {
            let settings = Self.settings(method)
            let reference = try Reference.run(settings)
            let run = try train(settings, place.learners.isEmpty ? [] : ["--set", "ranks.learners=\(place.learners)"], on: place.layout)
            #expect(run.adapter == reference.adapter && run.digest == reference.digest)
            #expect(try run.files.comparableMetrics() == reference.files.comparableMetrics())
            try run.files.expectEveryStepOnce(Self.steps)
        }

        @Test("each on some ranks", arguments: cases(names.flatMap { name in places.map { (name, $0) } }, inDebugEach: 5))
        private func everyMethod(method: String, place: Place) throws {
            try expectSame(method, on: place)
        }

        @Test("and a second head, and pairs, on more", arguments: cases(["ppo", "dpo"], inDebugEach: 2))
        func many(method: String) throws {
            try expectSame(method, on: Place(layout: .mpirun(8), learners: "3"))
        }

        @Test("learners compute the log-probabilities that rollouts recorded, in every step that samples", arguments: names)
        func logProbabilities(method: String) throws {
            let lines = try Reference.run(Self.settings(method)).files.metrics()
            for (step, line) in lines.enumerated() {
                let samples = step < Self.collecting[method] ?? .max
                #expect(line["logprob_difference_max"] as? Double == (samples ? 0 : nil), "step \(step + 1)")
                #expect((line["tokens_sampled"] as? Double).map { $0 > 0 } == (samples ? true : nil), "step \(step + 1)")
                // Where samples are collected first, nothing is learned until they are.
                let learns = step >= Self.collecting[method] ?? 0
                #expect((line["loss"] is Double) == learns, "step \(step + 1)")
            }
        }

        @Test("each leaves others than the rest, and than it starts with")
        func differences() throws {
            let runs = try Self.names.map { try Reference.run(Self.settings($0)) }
            #expect(Set(runs.map(\.digest)).count == runs.count)
            for (method, run) in zip(Self.names, runs) where Self.collecting[method] != nil {
                let digests = try run.files.metrics().compactMap { $0["adapter_sha256"] as? String }
                #expect(Set(digests.prefix(2)).count == 1, "\(method) learned while it collected")
                #expect(digests[1] != digests[4], "\(method) learned nothing after that")
            }
        }

        // MARK: Kills

        private struct Kill: Sendable, CustomTestStringConvertible {
            let method: String
            /// The checkpoint that is waited for, and the last one that there may be then.
            let first, last: Int
            let layout, next: Layout

            var testDescription: String { "\(method), after step \(first)" }
        }

        private static let longSteps = 14
        /// Checkpoints come at even steps: three while samples are collected, four after that.
        private static func long(_ method: String) -> Settings {
            settings(method).with(["train.steps": "\(longSteps)", "train.schedule": "constant"]).with(longSettings[method] ?? [:])
        }
        private static let longSettings = [
            "dpo": ["dpo.collect_steps": "6", "dpo.pairs_per_step": "6"], "rft": ["rft.collect_steps": "6", "rft.examples_per_step": "6"],
        ]

        private static let kills = [
            Kill(method: "ppo", first: 4, last: 12, layout: .single(2), next: .mpirun(2)),
            Kill(method: "dpo", first: 2, last: 5, layout: .mpirun(2), next: .single(1)),
            Kill(method: "dpo", first: 8, last: 12, layout: .single(1), next: .mpirun(2)),
            Kill(method: "rft", first: 2, last: 5, layout: .single(2), next: .mpirun(3)),
            Kill(method: "rft", first: 8, last: 12, layout: .mpirun(2), next: .single(2)),
        ]

        @Test("kill -9, and a resume on other ranks, end with the same bytes", arguments: cases(kills, inDebugEach: 2))
        private func killed(kill: Kill) throws {
            let settings = Self.long(kill.method)
            let folder = try TemporaryFolder()
            let files = RunFiles(path: "\(folder.path)/run")
            let program = try Program(train: settings.arguments + ["--quiet", "--output", files.path], on: kill.layout)
            func saved() -> Int { files.latest.flatMap { Int($0.dropFirst("step-".count)) } ?? 0 }
            try program.reaches("step \(kill.first)") { saved() >= kill.first }
            var victims = [program.identifier]
            if case .mpirun(let ranks) = kill.layout { victims += try program.rankProcesses(ranks) }
            for victim in victims { Foundation.kill(victim, SIGKILL) }
            #expect(try program.outcome().status == SIGKILL)
            #expect(holds(within: .seconds(10)) { victims.allSatisfy { Foundation.kill($0, 0) != 0 } })
            #expect(!files.exists("adapter"), "the run was killed before its end")
            #expect((kill.first...kill.last).contains(saved()), "killed after step \(saved())")

            let (resumed, reference) = (try train(on: kill.next, in: folder, resuming: true), try Reference.run(settings))
            #expect(resumed.adapter == reference.adapter && resumed.digest == reference.digest)
            #expect(try resumed.files.comparableMetrics() == reference.files.comparableMetrics())
            try files.expectEveryStepOnce(Self.longSteps)
        }
    }
}
