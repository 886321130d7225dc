import Foundation
import Testing

extension ProgramTests {
    @Suite("goes on with what there is, and says what is in the way")
    struct Resume {
        private static let constant = Settings.standard.with(["train.schedule": "constant"])

        private func resume(_ files: RunFiles, _ arguments: [String] = [], on layout: Layout = .single(1)) throws -> Program.Outcome {
            try Program(train: ["--resume", "--output", files.path] + arguments, on: layout).outcome()
        }

        @Test("a finished run is said to be finished, and stays as it is", arguments: [Layout.single(1), .mpirun(2)])
        func finished(layout: Layout) throws {
            let run = try train(on: .single(1))
            let before = try #require(run.files.text("metrics.jsonl"))
            let outcome = try resume(run.files, on: layout)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("finished: all 8 steps"), "\(outcome.output)")
            #expect(run.files.text("metrics.jsonl") == before)
            #expect(run.files.adapter == run.adapter)
        }

        @Test("a run that was killed before it wrote the end writes it", arguments: ["no adapter", "half an adapter"])
        func endIsWritten(how: String) throws {
            let run = try train(on: .single(1))
            let files = FileManager.default
            if how == "no adapter" {
                try files.removeItem(atPath: "\(run.files.path)/adapter")
            } else {
                try run.adapter.dropLast(100).write(to: URL(fileURLWithPath: "\(run.files.path)/adapter/adapter_model.safetensors"))
            }
            try files.removeItem(atPath: "\(run.files.path)/evaluation-8.json")
            #expect(try resume(run.files).status == 0)
            #expect(run.files.adapter == run.adapter)
            #expect(run.files.exists("evaluation-8.json"))
            try run.files.expectEveryStepOnce()
        }

        @Test("a checkpoint beyond train.steps is a configuration error", arguments: [Layout.single(1), .mpirun(3)])
        func beyond(layout: Layout) throws {
            let run = try train(Self.constant, on: .single(1))
            let outcome = try resume(run.files, ["--set", "train.steps=5"], on: layout)
            #expect(outcome.status == 78)
            #expect(outcome.ownErrors.count == 1, "\(outcome.errors)")
            #expect(outcome.ownErrors.allSatisfy { $0.contains("step-8") && $0.contains("train.steps is 5") }, "\(outcome.errors)")
            #expect(run.files.adapter == run.adapter)
        }

        @Test(
            "without schedules that end with the run, more steps give the bytes of a longer run",
            arguments: [Layout.single(2), .mpirun(3)])
        func longer(layout: Layout) throws {
            let run = try train(Self.constant, on: .single(1))
            let outcome = try resume(run.files, ["--set", "train.steps=11"], on: layout)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("train.steps was 8 and is 11 now"), "\(outcome.errors)")
            let unbroken = try Reference.run(Self.constant.with(["train.steps": "11"]))
            #expect(run.files.adapter == unbroken.adapter)
            try run.files.expectEveryStepOnce(11)
            #expect(run.files.text("config.yaml")?.contains("steps: 11\n") == true)
        }

        @Test("changes that break equal bytes are refused, all at once", arguments: [Layout.single(1), .mpirun(2)])
        func refused(layout: Layout) throws {
            let run = try train(on: .single(1))
            let settings = run.files.text("config.yaml")
            // The schedule of the embedded task ends with the run.
            let outcome = try resume(
                run.files,
                ["--seed", "7", "--set", "train.steps=9", "--set", "train.warmup_steps=02", "--set", "checkpoint.keep=3"], on: layout)
            #expect(outcome.status == 78)
            #expect(outcome.ownErrors.count == 3, "\(outcome.errors)")
            for text in ["--seed: seed was 1 and is 7 now", "train.steps was 8 and is 9 now", "--force"] {
                #expect(outcome.ownErrors.contains { $0.contains(text) }, "no line says \(text): \(outcome.errors)")
            }
            #expect(run.files.text("config.yaml") == settings)
        }

        @Test("with --force they are made, listed and written down", arguments: [Layout.single(1), .mpirun(2)])
        func forced(layout: Layout) throws {
            let run = try train(on: .single(1))
            let outcome = try resume(
                run.files,
                ["--force", "--set", "train.steps=10", "--set", "train.beta1=0.5", "--set", "replay.share=0.5", "--set", "lag=0"],
                on: layout)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let changes = [
                "train.steps was 8 and is 10", "train.beta1 was 0.9 and is 0.5", "replay.share was 0.25 and is 0.5", "lag was 1 and is 0",
            ]
            for text in changes {
                #expect(outcome.errors.contains(text), "nothing says \(text): \(outcome.errors)")
            }
            try run.files.expectEveryStepOnce(10)
            let settings = try #require(run.files.text("config.yaml"))
            for line in ["  steps: 10\n", "  beta1: 0.5\n", "  share: 0.5\n", "\nlag: 0\n"] {
                #expect(settings.contains(line), "\(settings)")
            }
            let state = try run.files.object("checkpoints/step-10/state.json")
            #expect((state["optimizer"] as? [String: Any])?["beta1"] as? Double == 0.5, "the checkpoint has what ran")
        }

        @Test("a larger lag than the checkpoint serves is refused even so")
        func largerLag() throws {
            let run = try train(on: .single(1))
            let settings = run.files.text("config.yaml")
            let outcome = try resume(run.files, ["--force", "--set", "lag=3", "--set", "train.steps=12"])
            #expect(outcome.status == 78)
            #expect(outcome.ownErrors.count == 1 && outcome.errors.contains("at most 1"), "\(outcome.errors)")
            #expect(run.files.text("config.yaml") == settings, "nothing is written before everything was checked")
        }

        @Test("a checkpoint under another step's name is a data error")
        func renamed() throws {
            let run = try train(on: .single(1))
            let checkpoints = "\(run.files.path)/checkpoints"
            try FileManager.default.moveItem(atPath: "\(checkpoints)/step-8", toPath: "\(checkpoints)/step-7")
            let outcome = try resume(run.files)
            #expect(outcome.status == 65)
            #expect(outcome.ownErrors.count == 1 && outcome.errors.contains("step-7"), "\(outcome.errors)")
        }

        @Test("--dry-run shows what a resume would go on with, and writes nothing")
        func dryRun() throws {
            let run = try train(on: .single(1))
            let settings = run.files.text("config.yaml")
            let outcome = try resume(run.files, ["--dry-run", "--set", "checkpoint.keep=7"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("  steps: 8 ") && outcome.output.contains("  keep: 7 "), "\(outcome.output)")
            #expect(run.files.text("config.yaml") == settings)
        }

        @Test("only damaged checkpoints are a data error that names them", arguments: [Layout.single(1), .mpirun(2)])
        func onlyDamaged(layout: Layout) throws {
            let run = try train(on: .single(1))
            for step in [6, 8] { try FileManager.default.removeItem(atPath: "\(run.files.path)/checkpoints/step-\(step)/replay") }
            let outcome = try resume(run.files, on: layout)
            #expect(outcome.status == 65)
            #expect(outcome.ownErrors.count == 3, "\(outcome.errors)")
            for text in ["step-8/replay", "step-6/replay", "--output"] {
                #expect(outcome.ownErrors.contains { $0.contains(text) }, "no line says \(text): \(outcome.errors)")
            }
            #expect(try run.files.metrics().count == 8)
        }

        @Test("a run that ended before its first checkpoint begins again and says so")
        func beforeTheFirst() throws {
            let run = try train(on: .single(1))
            let files = FileManager.default
            for name in ["adapter", "checkpoints"] { try files.removeItem(atPath: "\(run.files.path)/\(name)") }
            // As if the second step had been its last.
            let lines = run.files.metricLines.prefix(2).map { "\($0)\n" }.joined()
            try Data(lines.utf8).write(to: URL(fileURLWithPath: "\(run.files.path)/metrics.jsonl"))
            let outcome = try resume(run.files, ["--quiet"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.ownErrors.count == 1 && outcome.errors.contains("begins again at step 0"), "\(outcome.errors)")
            #expect(run.files.adapter == run.adapter)
            try run.files.expectEveryStepOnce()
        }

        @Test("a run that lost its checkpoints begins again only with --force", arguments: [true, false])
        func lost(hasResult: Bool) throws {
            let run = try train(on: .single(1))
            for name in ["checkpoints"] + (hasResult ? [] : ["adapter"]) {
                try FileManager.default.removeItem(atPath: "\(run.files.path)/\(name)")
            }
            let refused = try resume(run.files)
            #expect(refused.status == 66)
            #expect(refused.ownErrors.count == 1 && refused.errors.contains("--force"), "\(refused.errors)")
            #expect(try run.files.metrics().count == 8)
            #expect(try resume(run.files, ["--force"]).status == 0)
            #expect(run.files.adapter == run.adapter)
        }
    }
}
