import Foundation
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("replay")
    struct RepeatedStepTests {
        private static let settings = Settings.standard.with(["checkpoint.every": "3", "checkpoint.keep": "9"])

        private func replay(_ run: FinishedRun, _ arguments: [String] = [], under launcher: [String] = []) throws -> Program.Outcome {
            try runProgram(["replay", run.files.path, "--threads", "1"] + arguments, under: launcher)
        }

        @Test("steps end with what was recorded, from a checkpoint and from the beginning, on any ranks, and the run stays as it is")
        func same() throws {
            let run = try train(Self.settings, on: .single(1))
            let before = try FileManager.default.subpathsOfDirectory(atPath: run.files.path).sorted()
            let newest = try replay(run)
            #expect(newest.status == 0 && newest.output.hasPrefix("step 7 made again from \(run.files.path)/checkpoints/step-6: all "), "\(newest)")
            let last = try replay(run, ["--step", "8"], under: ["mpirun", "-n", "2"])
            #expect(last.status == 0 && last.output.hasPrefix("steps 7 to 8 made again"), "\(last)")
            #expect(last.output.contains("weights \(run.digest)\n"), "\(last)")
            let early = try replay(run, ["--step", "2", "--single", "--ranks", "3"])
            #expect(early.status == 0 && early.output.hasPrefix("steps 1 to 2 made again from the beginning"), "\(early)")
            #expect(try FileManager.default.subpathsOfDirectory(atPath: run.files.path).sorted() == before)
        }

        @Test("steps of a method that learns from data do too")
        func examples() throws {
            let folder = try TemporaryFolder()
            let trained = try runProgram([
                "train", "--objective", "sft", "--model", "random", "--quiet", "--output", "\(folder.path)/run", "--threads", "1",
                "--set", "train.steps=5", "--set", "train.prompts_per_step=6", "--set", "train.warmup_steps=1", "--set", "checkpoint.every=3",
                "--set", "evaluate.problems=1", "--set", "evaluate.samples_per_problem=1",
            ])
            #expect(trained.status == 0, "\(trained.errors)")
            let outcome = try runProgram(["replay", "\(folder.path)/run", "--step", "5", "--json"])
            #expect(outcome.status == 0 && outcome.output.hasPrefix(#"{"first_step":4,"last_step":5,"equal":"#), "\(outcome)")
        }

        @Test("a figure that is not as it was recorded is named, and ends with 70")
        func different() throws {
            let run = try train(Self.settings.with(["objective": "vargrad", "lag": "0"]), on: .single(1))
            #expect(try replay(run).status == 0)
            let path = "\(run.files.path)/metrics.jsonl"
            let text = try #require(run.files.text("metrics.jsonl")).split(separator: "\n").map { line in
                line.hasPrefix("{\"step\":7,") ? String(line).replacing("\"policy_version\":7", with: "\"policy_version\":6") : String(line)
            }
            try (text.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
            let outcome = try replay(run)
            #expect(outcome.status == 70 && outcome.errors.contains("step 7, policy_version: 6 was recorded, now 7"), "\(outcome.errors)")
        }

        @Test("what is not there is said")
        func missing() throws {
            let folder = try TemporaryFolder()
            let none = try runProgram(["replay", folder.path])
            #expect(none.status == 66 && none.errors.contains("is not a run folder"))
            let run = try train(Self.settings.with(["train.steps": "4"]), on: .single(1))
            let late = try replay(run, ["--step", "9"])
            #expect(late.status == 66 && late.errors.contains("has no step 9; it has 4 steps"), "\(late.errors)")
        }
    }
}
