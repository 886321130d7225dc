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

        // Many of them, at random moments: scripts/check-kills.sh.
        @Test("kill -9 of one rank or of all ends it, and it goes on to its end on other ranks", arguments: [[0], [3], [0, 1, 2, 3]])
        func killed(victims: [Int]) throws {
            let (steps, bound) = (20, 2)
            let settings = Self.settings(bound: bound, ["train.steps": "\(steps)", "checkpoint.every": "1", "ranks.learners": "2"])
            let folder = try TemporaryFolder()
            let files = RunFiles(path: "\(folder.path)/run")
            let program = try Program(train: settings.arguments + ["--quiet", "--output", files.path], on: .mpirun(4))
            try program.reaches("the middle of the run") { files.metricLines.count >= 4 }
            let processes = try program.rankProcesses(4)
            for rank in victims { kill(processes[rank], SIGKILL) }
            let outcome = try program.outcome(limit: .seconds(30))
            #expect([69, 128 + SIGKILL].contains(outcome.status), "\(outcome.status): \(outcome.errors)")
            #expect(outcome.errors.contains(/rank [0-3] .*(signal 9|lost)/), "\(outcome.errors)")
            #expect(holds(within: .seconds(10)) { processes.allSatisfy { kill($0, 0) != 0 } }, "no rank is left behind")
            #expect(!files.exists("adapter"), "the run was killed before its end")
            let checkpoints = try FileManager.default.contentsOfDirectory(atPath: "\(files.path)/checkpoints")
                .filter { $0.hasPrefix("step-") }
            #expect(!checkpoints.isEmpty && checkpoints.allSatisfy { files.exists("checkpoints/\($0)/MANIFEST.json") }, "\(checkpoints)")

            let resumed = try train(.standard, ["--set", "ranks.learners=1"], on: .mpirun(3), in: folder, resuming: true)
            try Self.expectFree(resumed.files, bound: bound, steps: steps)
        }

        // Other phases: scripts/check-stalls.sh.
        @Test("a rollout that stalls is named, and ends the job with 71")
        func stalled() throws {
            let folder = try TemporaryFolder()
            let call = ["train", "--quiet", "--output", "\(folder.path)/run", "--threads", "1"]
                + Self.settings(bound: 2, ["watchdog.seconds": "3"]).arguments
            let outcome = try Program(call, each: [[], [], ["GFN_STALL=score:1"]]).outcome(limit: .seconds(60))
            #expect(outcome.status == 71, "\(outcome.errors)")
            #expect(outcome.errors.contains(/rank 2 on [^ ]+ \(rollout, phase score of step 1\) has stalled/), "\(outcome.errors)")
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
