import Foundation
import Testing

extension ProgramTests {
    @Suite("leaves the same bytes on any layout of ranks")
    struct SameBits {
        private func expectReference(_ settings: Settings, _ run: FinishedRun) throws {
            let reference = try Reference.run(settings)
            #expect(run.adapter == reference.adapter)
            #expect(run.digest == reference.digest)
            try run.files.expectEveryStepOnce()
        }

        @Test("with lag 1", arguments: [
            Layout.mpirun(1), .mpirun(2), .mpirun(4), .mpirun(8), .single(4), .single(1, threads: 2),
        ])
        func layouts(layout: Layout) throws {
            try expectReference(.standard, try train(on: layout))
        }

        @Test("with lag 0", arguments: [Layout.mpirun(2), .mpirun(8), .single(4), .single(1, threads: 2)])
        func synchronous(layout: Layout) throws {
            let settings = Settings.standard.with(["lag": "0"])
            try expectReference(settings, try train(settings, on: layout))
        }

        @Test("with replayed groups", arguments: [Layout.mpirun(4), .single(3)])
        func replay(layout: Layout) throws {
            let settings = Settings.standard.with(["replay.share": "0.25", "replay.keep": "all"])
            let run = try train(settings, on: layout)
            try expectReference(settings, run)
            #expect(try run.files.numbers("replay_share").last == 0.2, "4 fresh groups and round(4 · 0.25 / 0.75) replayed ones")
        }

        @Test("with two learners among four ranks", arguments: [Layout.mpirun(4), .single(4)])
        func learners(layout: Layout) throws {
            let run = try train(.standard, ["--set", "ranks.learners=2"], on: layout)
            try expectReference(.standard, run)
        }

        @Test("in fp32")
        func fp32() throws {
            let settings = Settings.standard.with(["precision": "fp32"])
            try expectReference(settings, try train(settings, on: .mpirun(3)))
        }

        @Test("and other settings, which must matter, leave others")
        func differences() throws {
            let settings: [Settings] = [
                .standard, .standard.with(["lag": "0"]), .standard.with(["replay.share": "0.25", "replay.keep": "all"]),
                .standard.with(["precision": "fp32"]), .standard.with(["seed": "2"]),
            ]
            let runs = try settings.map { try Reference.run($0) }
            #expect(Set(runs.map(\.adapter)).count == settings.count)
            #expect(Set(runs.map(\.digest)).count == settings.count)
        }

        @Test("learners compute the log-probabilities that rollouts recorded, to the last bit", arguments: ["bf16", "fp32"])
        func logProbabilities(precision: String) throws {
            let settings = precision == "bf16" ? Settings.standard : .standard.with(["precision": precision])
            let run = try Reference.run(settings)
            #expect(try run.files.numbers("logprob_difference_max") == Array(repeating: 0, count: Settings.steps))
            #expect(try run.files.numbers("tokens_sampled").allSatisfy { $0 > 0 }, "there was something to compare")
        }

        @Test("samples are as old as the lag says")
        func age() throws {
            let steps = Settings.steps
            #expect(try Reference.run().files.numbers("age_max") == [0] + Array(repeating: 1, count: steps - 1))
            let synchronous = try Reference.run(.standard.with(["lag": "0"]))
            #expect(try synchronous.files.numbers("age_max") == Array(repeating: 0, count: steps))
        }

        @Test("supervised fine-tuning leaves the same model on 1, 2 and 3 ranks, and its loss falls")
        func supervised() throws {
            let arguments = [
                "--objective", "sft", "--model", "random", "--quiet", "--set", "train.steps=8", "--set", "train.prompts_per_step=6",
                "--set", "train.warmup_steps=1", "--set", "evaluate.problems=1", "--set", "evaluate.samples_per_problem=1",
            ]
            let folder = try TemporaryFolder()
            var models: [Data] = []
            for (index, layout) in [Layout.single(1), .mpirun(2), .single(3)].enumerated() {
                let files = RunFiles(path: "\(folder.path)/\(index)")
                let outcome = try Program(train: arguments + ["--output", files.path], on: layout).outcome()
                #expect(outcome.status == 0, "\(outcome.errors)")
                models.append(try #require(FileManager.default.contents(atPath: "\(files.path)/model/model.safetensors")))
                try files.expectEveryStepOnce()
                let loss = try files.numbers("loss")
                #expect(loss[7] < loss[0] - 0.2, "\(loss)")
            }
            #expect(models[0] == models[1] && models[0] == models[2])
        }
    }
}
