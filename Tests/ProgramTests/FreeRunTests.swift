import Collective
import Foundation
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("Rollouts that run free")
    struct FreeRuns {
        /// Replayed groups would be of any age.
        private static func settings(bound: Int, _ changes: [String: String] = [:]) -> Settings {
            Settings.standard.with(["lag": "any", "lag_bound": "\(bound)", "replay.share": "0"]).with(changes)
        }

        private static func expectFree(_ files: RunFiles, bound: Int, steps: Int = Settings.steps) throws {
            try files.expectEveryStepOnce(steps)
            let ages = try files.numbers("age_max")
            #expect(ages.allSatisfy { (0...Double(bound)).contains($0) }, "\(ages)")
            #expect(try files.numbers("logprob_difference_max").allSatisfy { $0 == 0 })
            #expect(try files.metrics().allSatisfy { $0["repeatable"] as? Bool == false })
        }

        @Test("runs end with every group learned from, none older than the bound", arguments: [1, 4], [
            (Layout.mpirun(2), "auto"), (.mpirun(4), "2"), (.single(4), "1"), (.single(4), "2"),
        ])
        func ends(bound: Int, place: (layout: Layout, learners: String)) throws {
            let run = try train(
                Self.settings(bound: bound, ["evaluate.every": "3", "ranks.learners": place.learners]), on: place.layout)
            try Self.expectFree(run.files, bound: bound)
            for step in [0, 3, 6, 8] { #expect(run.files.exists("evaluation-\(step).json")) }
        }

        @Test("with replayed groups, and with a loss that looks across groups", arguments: [
            ["replay.share": "0.25", "replay.keep": "all"], ["objective": "ppo"],
        ])
        func methods(changes: [String: String]) throws {
            let run = try train(Self.settings(bound: 2, changes.merging(["ranks.learners": "2"]) { $1 }), on: .mpirun(4))
            try run.files.expectEveryStepOnce()
            #expect(try run.files.numbers("logprob_difference_max").allSatisfy { $0 == 0 })
        }

        @Test("a signal ends the run with 75, and it goes on to its end", arguments: [Layout.mpirun(4), .single(3)])
        func stopped(layout: Layout) throws {
            let steps = 40
            let settings = Self.settings(bound: 3, [
                "checkpoint.every": "none", "train.steps": "\(steps)", "train.prompts_per_step": "2", "rollout.samples_per_prompt": "2",
            ])
            let folder = try TemporaryFolder()
            let files = RunFiles(path: "\(folder.path)/run")
            let program = try Program(train: settings.arguments + ["--output", files.path], on: layout)
            try program.reaches("the middle of the run") { !files.metricLines.isEmpty }
            program.send(SIGUSR1)
            let outcome = try program.outcome()
            #expect(outcome.status == 75 && outcome.errors.contains("lag is any"), "\(outcome.errors)")
            #expect(files.latest == "step-\(try files.metrics().count)")
            let resumed = try train(.standard, on: .mpirun(3), in: folder, resuming: true)
            try Self.expectFree(resumed.files, bound: 3, steps: steps)
        }

        @Test("ranks that all sample and learn have lag 0, bit for bit")
        func both() throws {
            let run = try train(Self.settings(bound: 4), ["--set", "ranks.learners=all"], on: .single(3))
            #expect(run.adapter == (try Reference.run(.standard.with(["lag": "0", "replay.share": "0"])).adapter))
        }

        @Test("a bound without it, and methods that collect first, are refused in a sentence", arguments: [
            (["lag=1", "lag_bound=3"], "lag_bound is 3, but lag is 1"), (["lag=any", "lag_bound=0"], "lag_bound is 0, expected an integer from 1 to 64"),
            (["lag=any", "objective=rft"], "lag is any, but objective is rft"), (["lag=some"], "lag is 'some', expected an integer, or any"),
        ])
        func refused(settings: [String], text: String) throws {
            let folder = try TemporaryFolder()
            let outcome = try runProgram(
                ["train", "--output", "\(folder.path)/run"] + settings.flatMap { ["--set", $0] })
            #expect(outcome.status == 78 && outcome.ownErrors.count == 1 && outcome.errors.contains(text), "\(outcome.errors)")
        }
    }
}
