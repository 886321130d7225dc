import Foundation
import Tensor
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
            #expect(try run.files.numbers("replay_share").last == 0.2, "4 fresh groups, 1 replayed: ⌊8 · 4/3⌋ − ⌊7 · 4/3⌋")
        }

        @Test("with two learners among four ranks", arguments: [Layout.mpirun(4), .single(4)])
        func learners(layout: Layout) throws {
            let run = try train(.standard, ["--set", "ranks.learners=2"], on: layout)
            try expectReference(.standard, run)
        }

        /// Every rank samples, then learns.
        private static let both = ["--set", "ranks.learners=all"]

        private static let spreads = [Layout.mpirun(1), .mpirun(2), .mpirun(3), .mpirun(4), .single(2), .single(3), .single(4)]

        @Test("with ranks that all sample and learn", arguments: cases(spreads.flatMap { [("0", $0), ("1", $0)] }, inDebugEach: 5))
        func both(lag: String, layout: Layout) throws {
            let settings = Settings.standard.with(["lag": lag, "evaluate.every": "3"])
            let run = try train(settings, Self.both, on: layout), reference = try Reference.run(settings)
            try expectReference(settings, run)
            #expect(try run.files.comparableMetrics() == reference.files.comparableMetrics())
            for step in [0, 3, 6, 8] {
                let name = "evaluation-\(step).json"
                #expect(run.files.exists(name) && run.files.text(name) == reference.files.text(name), "\(name)")
            }
        }

        @Test("with replayed groups, and ranks that all sample and learn", arguments: ["0", "1"], [Layout.mpirun(3), .single(4)])
        func bothReplay(lag: String, layout: Layout) throws {
            let settings = Settings.standard.with(["lag": lag, "replay.share": "0.25", "replay.keep": "all"])
            let run = try train(settings, Self.both, on: layout)
            try expectReference(settings, run)
            #expect(try run.files.comparableMetrics() == Reference.run(settings).files.comparableMetrics())
        }

        @Test("in fp32")
        func fp32() throws {
            let settings = Settings.standard.with(["precision": "fp32"])
            try expectReference(settings, try train(settings, on: .mpirun(3)))
        }

        /// What stands for other processors on this one: OpenBLAS's kernels, this program's, and those of the C library.
        private static let processors = [
            ["OPENBLAS_CORETYPE=Haswell"], ["OPENBLAS_CORETYPE=SkylakeX"], ["OPENBLAS_CORETYPE=Zen"], ["OPENBLAS_CORETYPE=Nehalem"],
            ["GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F"],
        ] + KernelFamily.selectable().map { ["\(KernelFamily.variable)=\($0.rawValue)"] }

        private static let tiny = Settings.standard.with([
            "train.steps": "2", "train.prompts_per_step": "2", "rollout.samples_per_prompt": "2", "evaluate.problems": "1",
            "evaluate.samples_per_problem": "1",
        ])

        @Test("on any processor", arguments: processors)
        func processor(environment: [String]) throws {
            let folder = try TemporaryFolder()
            let files = RunFiles(path: "\(folder.path)/run")
            // The portable kernels take half a minute for what the others do in a second.
            let isSlow = environment.contains("\(KernelFamily.variable)=\(KernelFamily.portable.rawValue)")
            let settings = isSlow ? Self.tiny : .standard
            let outcome = try runProgram(
                ["train", "--single", "--ranks", "2", "--quiet", "--output", files.path] + settings.arguments, under: ["env"] + environment)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(files.adapter == (try Reference.run(settings).adapter))
            #expect(try files.comparableMetrics() == Reference.run(settings).files.comparableMetrics())
        }

        @Test("on processors of different kinds in one run")
        func mixed() throws {
            let folder = try TemporaryFolder()
            let files = RunFiles(path: "\(folder.path)/run")
            let slow = KernelFamily.selectable()[KernelFamily.selectable().count > 1 ? 1 : 0].rawValue
            let arguments = ["train", "--quiet", "--output", files.path] + Settings.standard.with(["ranks.learners": "2"]).arguments
            let outcome = try Program(
                arguments,
                each: [
                    ["OPENBLAS_CORETYPE=Haswell", "\(KernelFamily.variable)=\(slow)"],
                    ["OPENBLAS_CORETYPE=SkylakeX", "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F"], ["OPENBLAS_CORETYPE=Nehalem"],
                ]
            ).outcome()
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(files.adapter == (try Reference.run().adapter))
        }

        @Test("but where whole weight matrices are trained, learners with different kernels of OpenBLAS are refused")
        func cores() throws {
            let folder = try TemporaryFolder()
            let supervised = [
                "train", "--objective", "sft", "--model", "random", "--quiet",
                "--set", "train.steps=2", "--set", "train.prompts_per_step=4",
                "--set", "evaluate.problems=1", "--set", "evaluate.samples_per_problem=1",
                "--set", "train.schedule=constant",
            ]
            let run = "\(folder.path)/run"
            let refused = try Program(
                supervised + ["--output", run], each: [["OPENBLAS_CORETYPE=Haswell"], ["OPENBLAS_CORETYPE=Nehalem"]]
            ).outcome()
            #expect(refused.status == 78, "\(refused.errors)")
            #expect(refused.ownErrors.count == 1 && refused.errors.contains("rank 0 Haswell, rank 1 Nehalem"), "\(refused.errors)")
            #expect(!RunFiles(path: run).exists("config.yaml"))

            let first = try runProgram(supervised + ["--output", run], under: ["env", "OPENBLAS_CORETYPE=Haswell"])
            #expect(first.status == 0, "\(first.errors)")
            #expect(try RunFiles(path: run).metrics().allSatisfy { $0["openblas_core"] as? String == "Haswell" })
            let resumed = try runProgram(
                ["train", "--resume", "--output", run, "--set", "train.steps=3"], under: ["env", "OPENBLAS_CORETYPE=Nehalem"])
            #expect(resumed.status == 0 && resumed.errors.contains("OPENBLAS_CORETYPE=Haswell"), "\(resumed.errors)")
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
            let fresh = Settings.standard.with(["replay.share": "0"])
            #expect(try Reference.run(fresh).files.numbers("age_max") == [0] + Array(repeating: 1, count: steps - 1))
            let synchronous = try Reference.run(fresh.with(["lag": "0"]))
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
