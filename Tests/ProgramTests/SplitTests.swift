import Foundation
import Testing

extension ProgramTests {
    @Suite("Parts of the embedded task's problems")
    struct SplitTests {
        private static func datasets(_ settings: [String: String]) throws -> [String?] {
            let folder = try TemporaryFolder()
            let run = RunFiles(path: "\(folder.path)/run")
            let small = Settings.standard.with(["train.steps": "1"]).with(settings)
            let outcome = try runProgram(["train", "--quiet", "--output", run.path] + small.arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let json = try JSONSerialization.jsonObject(with: Data((run.text("evaluation.json") ?? "").utf8))
            let summaries = try #require(json as? [[String: Any]] ?? (json as? [String: Any]).map { [$0] })
            return summaries.map { $0["dataset"] as? String }
        }

        @Test("what is left out of training is what a run is evaluated on, unless others are named")
        func datasets() throws {
            #expect(try Self.datasets(["data.train": "pathsum"]) == ["pathsum-held-out"])
            #expect(try Self.datasets(["data.train": "pathsum-fit"]) == ["pathsum-validation"])
            #expect(try Self.datasets(["data.train": "pathsum-fit-low"]) == ["pathsum-validation-low"])
            #expect(
                try Self.datasets(["data.train": "pathsum-train-high", "data.evaluate": "pathsum-held-out-low"]) == ["pathsum-held-out-low"])
            let three = "pathsum-validation, pathsum-seen,pathsum"
            #expect(
                try Self.datasets(["data.train": "pathsum-fit", "data.evaluate": three])
                    == ["pathsum-validation", "pathsum-seen", "pathsum-held-out"])
        }

        @Test("settings are not chosen on problems that were learned from, and a name that there is not is a mistake", arguments: [
            (
                "pathsum-validation",
                "data.evaluate names pathsum-validation, which is part of what is trained on; set data.train=pathsum-fit, which leaves it out"
            ),
            (
                "pathsum-hold-out",
                "data.evaluate names 'pathsum-hold-out', expected of the embedded task pathsum-held-out, pathsum-validation, pathsum-seen, "
                    + "or -low or -high of them"
            ),
        ])
        func mistakes(evaluate: String, sentence: String) throws {
            let outcome = try runProgram(["train", "--set", "data.evaluate=\(evaluate)"])
            #expect(outcome.status == 78 && outcome.errors == "gfn-dist: \(sentence)\n")
        }

        @Test("parts are sampled, labelled and evaluated by their names, and divided by the kinds of problems")
        func commands() throws {
            let folder = try TemporaryFolder()
            let sampled = try runProgram(
                ["sample", "pathsum-validation", "--limit", "6", "--samples-per-problem", "2", "--output", "v.jsonl"], in: folder.path)
            #expect(sampled.status == 0, "\(sampled.errors)")
            let lines = try String(contentsOfFile: "\(folder.path)/v.jsonl", encoding: .utf8).split(separator: "\n")
            #expect(lines.count == 12 && lines.allSatisfy { $0.contains("\"dataset\":\"pathsum-validation\"") })
            let labelled = try runProgram(
                ["reward", "--label-with-rollouts", "pathsum-fit", "--limit", "1", "--samples-per-problem", "1", "--completions", "1", "--quiet"])
            #expect(labelled.status == 0 && labelled.output.contains("\"dataset\":\"pathsum-fit\""), "\(labelled.errors)")

            let call = ["pathsum-validation", "--samples", "v.jsonl", "--limit", "6", "--by", "steps", "--by", "solutions"]
            let json = try Evaluated(call, in: folder).json
            #expect(json.leaves["dataset"] == "'pathsum-validation'")
            for field in ["steps", "solutions"] {
                let parts = json.below("by/\(field)").leaves.filter { $0.key.hasSuffix("/problems") && $0.key.split(separator: "/").count == 2 }
                #expect(parts.values.compactMap { Double($0) }.reduce(0, +) == 6, "\(parts)")
            }
            // Samples of one part are not those of another.
            let other = try runProgram(["evaluate", "pathsum", "--samples", "v.jsonl"], in: folder.path)
            #expect(other.status == 65)
            #expect(
                other.errors == "gfn-dist: v.jsonl has samples of pathsum-validation, expected pathsum-held-out: evaluate the part that was "
                    + "sampled\n")
        }
    }
}
