import Foundation
import Testing

extension ProgramTests {
    @Suite("goes on after an interruption as if there had been none")
    struct Interruption {
        /// Starts a run and waits until a step, at least, is in its log.
        private func start(
            _ settings: Settings = .standard, on layout: Layout, _ folder: TemporaryFolder, until: (RunFiles) -> Bool
        ) throws -> (Program, RunFiles) {
            let files = RunFiles(path: "\(folder.path)/run")
            let program = try Program(train: settings.arguments + ["--quiet", "--output", files.path], on: layout)
            try program.reaches("the middle of the run") { until(files) }
            return (program, files)
        }

        @Test("kill -9, and a resume on other ranks, end with the same bytes", arguments: [
            (Layout.single(3), Layout.mpirun(2)), (.mpirun(4), .single(1, threads: 2)),
        ])
        func killed(first: Layout, second: Layout) throws {
            let settings = Settings.standard.with(["replay.share": "0.25", "replay.keep": "all"])
            let folder = try TemporaryFolder()
            let (program, files) = try start(settings, on: first, folder) { $0.latest != nil }
            var victims = [program.identifier]
            if case .mpirun(let ranks) = first { victims += try program.rankProcesses(ranks) }
            for victim in victims { kill(victim, SIGKILL) }
            #expect(try program.outcome().status == SIGKILL)
            #expect(holds(within: .seconds(10)) { victims.allSatisfy { kill($0, 0) != 0 } })
            #expect(!files.exists("adapter"), "the run was killed before its end")

            let resumed = try train(on: second, in: folder, resuming: true)
            #expect(resumed.adapter == (try Reference.run(settings).adapter))
            #expect(resumed.digest == (try Reference.run(settings).digest))
            try files.expectEveryStepOnce()
        }

        @Test("kill -9 twice: of one rank, then of three that all sample and learn, and four with roles of their own end it")
        func killedTwice() throws {
            let settings = Settings.standard.with([
                "replay.share": "0.25", "replay.keep": "all", "train.steps": "20", "checkpoint.every": "1",
            ])
            let folder = try TemporaryFolder()
            let files = RunFiles(path: "\(folder.path)/run")
            let places: [(arguments: [String], layout: Layout, ranks: Int, step: Int)] = [
                (settings.arguments, .mpirun(1), 1, 2), (["--resume", "--set", "ranks.learners=all"], .mpirun(3), 3, 8),
            ]
            for place in places {
                let program = try Program(train: place.arguments + ["--quiet", "--output", files.path], on: place.layout)
                try program.reaches("step \(place.step)") {
                    files.latest.flatMap { Int($0.dropFirst("step-".count)) } ?? 0 >= place.step
                }
                let victims = try [program.identifier] + program.rankProcesses(place.ranks)
                for victim in victims { kill(victim, SIGKILL) }
                #expect(try program.outcome().status == SIGKILL)
                #expect(holds(within: .seconds(10)) { victims.allSatisfy { kill($0, 0) != 0 } })
                #expect(!files.exists("adapter"), "the run was killed before its end")
            }
            let resumed = try train(.standard, ["--set", "ranks.learners=2"], on: .mpirun(4), in: folder, resuming: true)
            #expect(resumed.adapter == (try Reference.run(settings).adapter))
            #expect(try files.comparableMetrics() == Reference.run(settings).files.comparableMetrics())
            try files.expectEveryStepOnce(20)
        }

        /// Long enough for mpirun to hand a signal on, and with no checkpoint due before the end.
        private static let longSteps = 40
        private static let long = Settings.standard.with([
            "checkpoint.every": "none", "train.steps": "\(longSteps)", "train.prompts_per_step": "2", "rollout.samples_per_prompt": "2",
        ])

        @Test("a signal ends the run with 75 and a checkpoint", arguments: [
            (Layout.single(1), SIGTERM), (.single(4), SIGINT), (.single(2), SIGUSR1), (.mpirun(1), SIGUSR1), (.mpirun(4), SIGUSR1),
        ])
        func stopped(layout: Layout, signal: Int32) throws {
            let folder = try TemporaryFolder()
            let (program, files) = try start(Self.long, on: layout, folder) { !$0.metricLines.isEmpty }
            program.send(signal)
            let outcome = try program.outcome()
            #expect(outcome.status == 75, "\(outcome.errors)")
            #expect(outcome.ownErrors.count == 1 && outcome.errors.contains("--resume"), "\(outcome.errors)")
            #expect(!files.exists("adapter"))
            let steps = try files.metrics().count
            #expect((1..<Self.longSteps).contains(steps))
            #expect(files.latest == "step-\(steps)", "the checkpoint is the signal's")

            let resumed = try train(on: .single(2), in: folder, resuming: true)
            #expect(resumed.adapter == (try Reference.run(Self.long).adapter))
            try files.expectEveryStepOnce(Self.longSteps)
        }

        @Test("and ranks that all sample and learn", arguments: [(Layout.mpirun(3), SIGUSR1), (.single(3), SIGTERM)])
        func stoppedBoth(layout: Layout, signal: Int32) throws {
            let folder = try TemporaryFolder()
            let (program, files) = try start(Self.long.with(["ranks.learners": "all"]), on: layout, folder) { !$0.metricLines.isEmpty }
            program.send(signal)
            let outcome = try program.outcome()
            #expect(outcome.status == 75 && outcome.ownErrors.count == 1, "\(outcome.errors)")
            let steps = try files.metrics().count
            #expect((1..<Self.longSteps).contains(steps) && files.latest == "step-\(steps)")
            let resumed = try train(on: .mpirun(2), in: folder, resuming: true)
            #expect(resumed.adapter == (try Reference.run(Self.long).adapter))
            try files.expectEveryStepOnce(Self.longSteps)
        }

        @Test("SIGUSR2 saves a checkpoint and the run goes on", arguments: [Layout.single(2), .mpirun(3)])
        func saved(layout: Layout) throws {
            let folder = try TemporaryFolder()
            let (program, files) = try start(Self.long, on: layout, folder) { !$0.metricLines.isEmpty }
            program.send(SIGUSR2)
            let outcome = try program.outcome()
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(files.latest == "step-\(Self.longSteps)")
            let early = (1..<Self.longSteps).filter { files.exists("checkpoints/step-\($0)/MANIFEST.json") }
            #expect(early.count == 1, "one checkpoint beside the last: \(early)")
            #expect(files.adapter == (try Reference.run(Self.long).adapter))
        }

        @Test("a damaged newest checkpoint is passed over", arguments: ["a byte changed", "a file cut", "no manifest"])
        func damaged(how: String) throws {
            let folder = try TemporaryFolder()
            let files = try train(on: .single(1), in: folder).files
            #expect(files.latest == "step-8")
            let newest = "\(files.path)/checkpoints/step-8"
            let victim = URL(fileURLWithPath: "\(newest)/optimizer.safetensors")
            var bytes = try Data(contentsOf: victim)
            switch how {
            case "a byte changed": bytes[bytes.count / 2] ^= 1
            case "a file cut": bytes.removeLast()
            default: try FileManager.default.removeItem(atPath: "\(newest)/MANIFEST.json")
            }
            try bytes.write(to: victim)
            try FileManager.default.removeItem(atPath: "\(files.path)/adapter")

            let outcome = try Program(train: ["--resume", "--output", files.path], on: .single(2)).outcome()
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("checkpoints/step-6"), "\(outcome.errors)")
            let lost = how == "no manifest" ? "MANIFEST.json" : "optimizer.safetensors"
            #expect(outcome.ownErrors.first?.contains("checkpoints/step-8/\(lost)") == true, "\(outcome.errors)")
            #expect(files.adapter == (try Reference.run().adapter))
            #expect(files.latest == "step-8")
            try files.expectEveryStepOnce()
        }

        @Test("a rank that dies ends the job within seconds", arguments: [0, 3])
        func lostRank(rank: Int) throws {
            let folder = try TemporaryFolder()
            let settings = Settings.standard.with(["train.steps": "100000"])
            let (program, files) = try start(settings, on: .mpirun(4), folder) { !$0.metricLines.isEmpty }
            let processes = try program.rankProcesses(4)
            kill(processes[rank], SIGKILL)
            let hasEnded = holds(within: .seconds(10)) { !program.isRunning }
            if !hasEnded { program.send(SIGKILL) }
            #expect(hasEnded)
            #expect(try program.outcome().status != 0)
            #expect(holds(within: .seconds(5)) { processes.allSatisfy { kill($0, 0) != 0 } }, "no rank is left behind")
            #expect(!files.exists("adapter"))
        }
    }
}
