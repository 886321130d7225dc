import Foundation
import Tensor
import Testing

/// A small model in Q4_0 with adapters of its own: all of a run but its weights. Made once.
private enum QuantisedBase {
    private static let made: Result<TemporaryFolder, any Error> = Result {
        let folder = try TemporaryFolder()
        let outcome = try runProgram(["make-model", "--shape", "tiny", "--format", "q4_0", "\(folder.path)/tiny.gguf"])
        guard outcome.status == 0 else { throw Program.Failure(text: outcome.errors) }
        let problems = (1...12).map { "{\"prompt\": \"\($0) + \(2 * $0) is\", \"answer\": \"\(3 * $0)\"}\n" }
        _ = try folder.write(problems.joined(), to: "sums.jsonl")
        return folder
    }

    /// A random model is never right, so that its samples differ in likelihood only, which they are to become equal in.
    static func settings(cache: Precision) throws -> Settings {
        let path = try made.get().path
        return Settings.standard.with([
            "model": "\(path)/tiny.gguf", "data.train": "\(path)/sums.jsonl", "data.chat_template": "plain", "reward.reference": "0",
            "rollout.max_new_tokens": "6", "states": "tokens", "attention.cache": cache.rawValue, "evaluate.problems": "1",
            "base.cache": "never",
        ])
    }
}

extension ProgramTests {
    @Suite("on a quantised base, computed from its blocks, as on any")
    struct Quantised {
        private func expectReference(_ run: FinishedRun, _ settings: Settings, steps: Int = Settings.steps) throws {
            let reference = try Reference.run(settings)
            #expect(run.adapter == reference.adapter && run.digest == reference.digest)
            try run.files.expectEveryStepOnce(steps)
        }

        @Test("the bytes are the same on any layout of ranks", arguments: Precision.allCases, [
            Layout.mpirun(2), .mpirun(4), .single(3), .single(1, threads: 2),
        ])
        func layouts(cache: Precision, layout: Layout) throws {
            let settings = try QuantisedBase.settings(cache: cache)
            try expectReference(try train(settings, layout.isWide ? ["--set", "ranks.learners=2"] : [], on: layout), settings)
        }

        @Test("with every family of kernels", arguments: Precision.allCases, KernelFamily.selectable())
        func families(cache: Precision, family: KernelFamily) throws {
            let settings = try QuantisedBase.settings(cache: cache).with(["kernels": family.rawValue, "train.steps": "3"])
            #expect(try train(settings, on: .single(2)).adapter == Reference.run(settings.with(["kernels": "auto"])).adapter)
        }

        @Test("with files in the cache that ranks map, made and found")
        func mapped() throws {
            let settings = try QuantisedBase.settings(cache: .fp32), folder = try TemporaryFolder()
            for name in ["first", "second"] {
                let run = RunFiles(path: "\(folder.path)/\(name)")
                let outcome = try runProgram(
                    ["train", "--threads", "1", "--quiet", "--output", run.path] + settings.with(["base.cache": "always"]).arguments,
                    under: ["GFN_CACHE=\(folder.path)/cache", "mpirun", "-n", "2"])
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(run.adapter == (try Reference.run(settings).adapter))
            }
        }

        @Test("after kill -9 and a resume on other ranks", arguments: Precision.allCases)
        func killed(cache: Precision) throws {
            // Long enough not to be over before the signal, where a step takes 12 ms.
            let steps = 32, settings = try QuantisedBase.settings(cache: cache).with(["train.steps": "\(steps)"])
            let folder = try TemporaryFolder(), files = RunFiles(path: "\(folder.path)/run")
            let program = try Program(train: settings.arguments + ["--quiet", "--output", files.path], on: .mpirun(3))
            try program.reaches("a checkpoint") { files.latest != nil }
            let victims = [program.identifier] + (try program.rankProcesses(3))
            for victim in victims { kill(victim, SIGKILL) }
            #expect(try program.outcome().status == SIGKILL)
            #expect(holds(within: .seconds(10)) { victims.allSatisfy { kill($0, 0) != 0 } })
            try expectReference(try train(on: .single(2), in: folder, resuming: true), settings, steps: steps)
        }

        @Test("learners compute the log-probabilities that rollouts recorded, and learn", arguments: Precision.allCases)
        func logProbabilities(cache: Precision) throws {
            let run = try Reference.run(try QuantisedBase.settings(cache: cache))
            #expect(try run.files.numbers("logprob_difference_max") == Array(repeating: 0, count: Settings.steps))
            #expect(try run.files.numbers("tokens_sampled").allSatisfy { $0 > 0 } && run.files.numbers("gradient_norm").allSatisfy { $0 > 0 })
        }

        @Test("weights and keys in other numbers make another run, which no resume turns into", arguments: [
            ("base.weights", "blocks", "bf16"), ("attention.cache", "fp32", "bf16"),
        ])
        func differences(name: String, value: String, other: String) throws {
            let settings = try QuantisedBase.settings(cache: .fp32)
            #expect(try Reference.run(settings).adapter != Reference.run(settings.with([name: other])).adapter)
            let run = try train(settings.with(["train.schedule": "constant"]), on: .single(1))
            let resumed = try Program(
                train: ["--resume", "--output", run.files.path, "--set", "train.steps=9", "--set", "\(name)=\(other)"], on: .single(1)
            ).outcome()
            #expect(resumed.status == 78 && resumed.errors.contains(name) && resumed.errors.contains(value), "\(resumed.errors)")
        }
    }
}

extension Layout {
    /// Enough ranks for two learners.
    fileprivate var isWide: Bool { if case .mpirun(4) = self { true } else { false } }
}
