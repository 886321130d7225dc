import Foundation
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("memory.limit")
    struct MemoryLimits {
        private static let tooLittle = ["--set", "memory.limit=1MiB"]

        /// What a command says that needs more than it may have; it ends with the code of a wrong configuration, and writes nothing.
        private func refusal(_ arguments: [String], under launcher: [String] = []) throws -> String {
            let (folder, cache) = (try TemporaryFolder(), try TemporaryFolder())
            let outcome = try runProgram(
                arguments + Self.tooLittle, under: ["GFN_CACHE=\(cache.path)"] + launcher, in: folder.path)
            #expect(outcome.status == 78 && outcome.output.isEmpty, "\(outcome.errors)")
            #expect(outcome.ownErrors.count == 1, "it is said once: \(outcome.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: cache.path).isEmpty, "weights were not packed")
            return outcome.ownErrors.first ?? ""
        }

        @Test("what cannot fit is refused before the model is read, once for all ranks, with the numbers", arguments: [
            ([], [], "its 1 rank needs", ""),
            (["mpirun", "-n", "2"], [], "its 2 ranks need", ", let fewer ranks learn (ranks.learners=1), start fewer ranks on a node"),
            (
                ["mpirun", "-n", "2"], ["--set", "ranks.learners=1"], "its 1 learner and 1 rollout need",
                ", start fewer ranks on a node"
            ),
            ([], ["--single", "--ranks", "3"], "its 3 ranks need", ", let fewer ranks learn (ranks.learners=1)"),
        ])
        func training(launcher: [String], options: [String], who: String, fewer: String) throws {
            let sentence = try refusal(
                ["train", "--output", "run"] + options + Settings.standard.with(["base.cache": "always"]).arguments, under: launcher)
            #expect(
                sentence.hasPrefix("gfn-dist: memory.limit is 1 MiB for a node, but \(who) at least "), "\(sentence)")
            #expect(sentence.contains("the base 2 MiB") && sentence.contains("packed adapters") && sentence.contains("pass"), "\(sentence)")
            #expect(
                sentence.hasSuffix("; lower rollout.samples_per_prompt or rollout.max_new_tokens\(fewer), or raise memory.limit"),
                "\(sentence)")
        }

        @Test("whole weights are advised against", arguments: [["--objective", "sft"], []])
        func full(objective: [String]) throws {
            let sentence = try refusal(["train", "--output", "run", "--set", "trainable=full"] + objective)
            #expect(sentence.contains("train adapters (trainable=lora), or raise memory.limit"), "\(sentence)")
            #expect(sentence.contains(objective.isEmpty ? "; lower rollout." : "; take shorter examples"), "\(sentence)")
        }

        @Test("commands that compute with a model refuse its base")
        func others() throws {
            let sample = try refusal(["sample", "pathsum", "--limit", "1", "--output", "samples.jsonl"], under: ["mpirun", "-n", "2"])
            #expect(sample.contains("but its 2 processes need at least "), "\(sample)")
            #expect(sample.contains("; start fewer ranks on a node, or raise memory.limit"), "\(sample)")
            #expect(try refusal(["evaluate", "pathsum", "--output", "evaluation"]).contains("but its 1 process needs at least "))
        }

        @Test("a limit that is just large enough makes the bytes of a run without one, whatever it leaves for activations")
        func enough() throws {
            func run(_ limit: String) throws -> (outcome: Program.Outcome, adapter: Data?) {
                let folder = try TemporaryFolder()
                let settings = Settings.standard.with(["memory.limit": limit, "train.steps": "2"])
                let outcome = try runProgram(
                    ["train", "--output", "\(folder.path)/run"] + settings.arguments,
                    under: ["mpirun", "-n", "2"])
                return (outcome, RunFiles(path: "\(folder.path)/run").adapter)
            }
            let sentence = try #require(try run("1MiB").outcome.ownErrors.first)
            let least = try #require(sentence.firstMatch(of: /need at least ([0-9]+) MiB:/)?.1).description
            let expected = try run("auto")
            #expect(expected.outcome.status == 0 && expected.adapter != nil, "\(expected.outcome.errors)")
            for limit in ["\(least)MiB", "64GiB"] {
                let found = try run(limit)
                #expect(found.outcome.status == 0 && found.adapter == expected.adapter, "\(found.outcome.errors)")
            }
            let below = try run("\((Int(least) ?? 0) - 1)MiB")
            #expect(below.outcome.status == 78 && below.adapter == nil)
        }

        @Test("is a number with a unit, or auto")
        func spelling() throws {
            let outcome = try runProgram(["train", "--dry-run", "--set", "memory.limit=20G"])
            #expect(outcome.status == 78)
            #expect(outcome.ownErrors.count == 1 && outcome.ownErrors[0].contains("memory.limit is '20G', expected a size such as 500MiB"))
        }
    }
}
