import Foundation
import Testing

@testable import gfn_dist

/// A line of a samples file, as others read it.
struct SampleRecord: Decodable, Equatable {
    let problem_id, sample_index: Int
    let dataset: String
    let temperature: Double
    let prompt, text: String
    let prompt_tokens, tokens: [Int]
    let logprob: Double
    let logprobs: [Float]
    let entropy: Double
    let stop: String
    let answer: String?
    let correct: Bool
    let verdict: String
    let reward: Double
    let policy_version: Int?

    static func all(in text: String) throws -> [SampleRecord] {
        try text.split(separator: "\n").map { try JSONDecoder().decode(SampleRecord.self, from: Data($0.utf8)) }
    }
}

/// What `sample` writes to standard output; anything but exit code 0 is an error.
func sample(_ arguments: [String], under launcher: [String] = [], in folder: String? = nil) throws -> String {
    let outcome = try runProgram(["sample", "--quiet"] + arguments, under: launcher, in: folder)
    guard outcome.status == 0 else { throw Program.Failure(text: "sample \(arguments) ended with \(outcome.status): \(outcome.errors)") }
    return outcome.output
}

extension ProgramTests {
    @Suite("sample")
    struct Sample {
        private static let several = ["pathsum", "--limit", "5", "--samples-per-problem", "3", "--temperature", "0.6,1.5", "--greedy"]

        @Test("lines come problem by problem, by temperature as given with the greedy one last, and by sample")
        func order() throws {
            let text = try sample(Self.several)
            let records = try SampleRecord.all(in: text)
            let expected = (0..<5).flatMap { problem in
                [(0.6, 0), (0.6, 1), (0.6, 2), (1.5, 0), (1.5, 1), (1.5, 2), (0.0, 0)].map { "\(problem) \($0.0) \($0.1)" }
            }
            #expect(records.map { "\($0.problem_id) \($0.temperature) \($0.sample_index)" } == expected)
            #expect(records.allSatisfy { $0.dataset == "pathsum-held-out" && $0.policy_version == 0 })
            // Repeated options, and 0 among the temperatures, ask for the same.
            #expect(try sample(Array(Self.several[..<5]) + ["--temperature", "0.6", "--temperature", "1.5,0"]) == text)
            // Each setting changes what it says and nothing else.
            let others = try SampleRecord.all(in: try sample(Self.several + ["--seed", "2"]))
            #expect(others.filter { $0.temperature == 0 } == records.filter { $0.temperature == 0 })
            #expect(others.filter { $0.temperature == 1.5 } != records.filter { $0.temperature == 1.5 })
        }

        @Test("every number is what score and the task say of the same tokens")
        func numbers() throws {
            struct Scores: Decodable { let logprobs, stop_logprobs: [Float], sum_logprob: Double }
            let folder = try TemporaryFolder()
            for limit in ["auto", "6"] {
                let text = try sample(Self.several + ["--set", "rollout.max_new_tokens=\(limit)"])
                let records = try SampleRecord.all(in: text)
                let file = try folder.write(text, to: "samples.jsonl")
                let scores = try runProgram(["score", file, "--quiet"]).output.split(separator: "\n").map {
                    try JSONDecoder().decode(Scores.self, from: Data($0.utf8))
                }
                try #require(scores.count == records.count)
                for (record, scores) in zip(records, scores) {
                    let hasEnded = record.stop == "stop"
                    #expect(hasEnded || record.stop == "length")
                    #expect(record.logprobs == scores.logprobs)
                    let whole = scores.sum_logprob + (hasEnded ? Double(try #require(scores.stop_logprobs.last)) : 0)
                    #expect(abs(record.logprob - whole) < 1e-12)
                    #expect(record.correct == (record.verdict == "correct") && record.entropy > 0)
                    if record.correct {
                        #expect(record.reward == 8 && record.prompt.hasSuffix(" \(record.answer ?? "none"):"))
                    }
                    if !hasEnded { #expect(record.verdict == "unfinished" && record.answer == nil && record.tokens.count == 6) }
                }
                #expect(records.contains { $0.correct } && records.contains { !$0.correct })
                #expect(records.contains { $0.stop == "length" } == (limit == "6"))
            }
        }

        @Test("the same bytes come out whatever the ranks and the threads")
        func sameBytes() throws {
            let arguments = ["pathsum", "--limit", "23", "--samples-per-problem", "9", "--temperature", "0.8,1", "--greedy"]
            let expected = try sample(arguments + ["--threads", "1"])
            #expect(expected.split(separator: "\n").count == 23 * 19)
            for (launcher, options) in [
                (["mpirun", "-n", "1"], ["--threads", "1"]), (["mpirun", "-n", "2"], ["--threads", "1"]),
                (["mpirun", "-n", "3"], ["--threads", "1"]), ([], ["--single", "--ranks", "3", "--threads", "2"]),
                ([], ["--set", "kernels=portable"]),
            ] {
                #expect(try sample(arguments + options, under: launcher) == expected, "\(launcher) \(options)")
            }
        }

        @Test("an adapter's samples are those of the evaluation at the end of its training")
        func evaluation() throws {
            let run = try Reference.run()
            let temperatures = try #require(try run.files.object("evaluation.json")["temperatures"] as? [String: [String: Any]])
            let evaluation = try #require(temperatures["1.0"])
            let records = try SampleRecord.all(
                in: try sample(["pathsum", "--adapter", "\(run.files.path)/adapter", "--limit", "4", "--samples-per-problem", "2"]))
            func mean(_ value: (SampleRecord) -> Double) -> Double { records.reduce(0) { $0 + value($1) } / Double(records.count) }
            #expect(records.count == 8 && records.allSatisfy { $0.policy_version == nil })
            #expect(abs(mean { $0.correct ? 1 : 0 } - (evaluation["accuracy"] as? Double ?? -1)) < 1e-12)
            #expect(abs(mean { Double($0.tokens.count) } - (evaluation["mean_length"] as? Double ?? -1)) < 1e-12)
            #expect(abs(mean(\.entropy) - (evaluation["entropy_per_token"] as? Double ?? -1)) < 1e-12)
        }

        @Test("problems in words are posed, answered and judged, and called what their file calls them")
        func words() throws {
            let folder = try TemporaryFolder()
            let model = try RoteModel(ResponseEnds.families[3], answering: "5", "<|im_end|>").write(to: "\(folder.path)/model")
            let problems = [("sum", "2+3?", "5"), ("product", "2*3?", "6")].map { name, question, answer in
                "{\"id\": \"\(name)\", \"question\": \"\(question)\", \"answer\": \"#### \(answer)\"}"
            }
            let file = try folder.write(problems.joined(separator: "\n"), to: "problems.jsonl")
            let text = try sample([file, "--model", model, "--samples-per-problem", "2", "--max-new-tokens", "9"])
            let lines = try text.split(separator: "\n").map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
            #expect(lines.map { $0["problem_id"] as? String } == ["sum", "sum", "product", "product"])
            #expect(lines.map { $0["verdict"] as? String } == ["correct", "correct", "wrong", "wrong"])
            for (field, value) in [("text", "5"), ("stop", "stop"), ("dataset", "problems.jsonl")] {
                #expect(lines.allSatisfy { $0[field] as? String == value }, "\(field)")
            }
            #expect(lines.map { $0["reward"] as? Double } == [10, 10, 0, 0])
            #expect(lines.allSatisfy { abs($0["logprob"] as? Double ?? -1) < 1e-5 && ($0["prompt"] as? String)?.contains("3?") == true })
        }

        @Test("--dry-run prints the settings with their origins, the file of problems among them")
        func dryRun() throws {
            let outcome = try runProgram(
                ["sample", "pathsum", "--dry-run", "--samples-per-problem", "3", "--temperature", "0.7", "--top-p", "0.9"])
            #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
            for line in [
                "  evaluate: \"pathsum\"   # the problems named", "  samples_per_problem: 3   # --samples-per-problem",
                "  temperature: 0.7   # --temperature", "  top_p: 0.9   # --top-p", "  correct: 8   # embedded pathsum.yaml:",
            ] {
                #expect(outcome.output.contains(line), "\(line) is not in:\n\(outcome.output)")
            }
        }

        @Test("progress and totals are said on standard error")
        func progress() throws {
            let outcome = try runProgram(["sample"] + Self.several)
            let lines = outcome.errors.split(separator: "\n").map(String.init)
            #expect(lines.last?.hasPrefix("sample: 35 solutions of 5 problems, ") == true, "\(outcome.errors)")
            #expect(lines.dropLast().allSatisfy { $0.hasPrefix("problem ") }, "\(outcome.errors)")
            #expect(lines.dropLast().last?.hasPrefix("problem 5/5  solutions 35  tok/s ") == true, "\(outcome.errors)")
        }

        struct Mistake: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let arguments: [String]
            let status: Int32
            let texts: [String]

            init(_ name: String, _ arguments: [String], _ status: Int32, _ texts: [String]) {
                (testDescription, self.arguments, self.status, self.texts) = (name, arguments, status, texts)
            }
        }

        static let mistakes = [
            Mistake("a missing file", ["nowhere.jsonl", "--model", "MODEL"], 66, ["nowhere.jsonl"]),
            Mistake("a bad line", ["bad.jsonl", "--model", "MODEL"], 65, ["bad.jsonl:2", "JSON object"]),
            Mistake("no model", ["bad.jsonl"], 78, ["no model", "--model"]),
            Mistake("a missing model", ["pathsum", "--model", "nowhere"], 66, ["nowhere", "model"]),
            Mistake("a missing adapter", ["pathsum", "--adapter", "nowhere"], 66, ["nowhere", "adapter_config.json"]),
            Mistake("a random model", ["pathsum", "--model", "random"], 78, ["random"]),
            Mistake("an unknown setting", ["pathsum", "--set", "sample.topp=1"], 78, ["sample.topp", "sample.top_p"]),
            Mistake("a share above 1", ["pathsum", "--top-p", "2"], 78, ["sample.top_p is 2.0", "0.0 to 1.0"]),
            Mistake("no samples", ["pathsum", "--samples-per-problem", "0"], 78, ["evaluate.samples_per_problem is 0", "1 to 4096"]),
            Mistake("more tokens than the context", ["pathsum", "--max-new-tokens", "61"], 78, ["context of 64", "answer of 61"]),
            Mistake("a folder that is not there", ["pathsum", "--output", "no/x.jsonl"], 74, ["no/x.jsonl cannot be written"]),
            Mistake(
                "a full device", ["pathsum", "--limit", "2", "--output", "/dev/full"], 74, ["/dev/full cannot be written", "No space"]),
        ]

        @Test("mistakes are said once, with their exit code, and leave no file", arguments: mistakes)
        func refuses(_ mistake: Mistake) throws {
            let folder = try TemporaryFolder()
            _ = try folder.write("{\"question\": \"1 + 1\", \"answer\": \"#### 2\"}\n{\"question\":\n", to: "bad.jsonl")
            let binaries = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            let model = binaries.appendingPathComponent("gfn-dist_gfn-dist.resources/Resources/pathsum-base").path
            let arguments = mistake.arguments.map { $0 == "MODEL" ? model : $0 }
            let output = arguments.contains("--output") ? [] : ["--output", "out.jsonl"]
            // Every way in which ranks learn of a failure once under mpirun, which takes a second to start.
            let forAll = ["a bad line", "an unknown setting", "a folder that is not there", "a full device"]
            let isForAll = forAll.contains(mistake.testDescription)
            for launcher in isForAll ? [[], ["mpirun", "-n", "2"]] : [[]] {
                let outcome = try runProgram(["sample", "--quiet"] + arguments + output, under: launcher, in: folder.path)
                #expect(outcome.status == mistake.status, "\(launcher): \(outcome.errors)")
                #expect(outcome.ownErrors.count == 1, "\(launcher): \(outcome.errors)")
                #expect(mistake.texts.allSatisfy { outcome.ownErrors.first?.contains($0) == true }, "\(outcome.errors)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["bad.jsonl"])
            }
        }

        @Test("options that make no sense are errors of usage", arguments: [
            (["--temperature", "warm"], "temperature"), (["--temperature", "20"], "0.05 to 10"), (["--temperature", "1,1"], "twice"),
            (["--resume"], "--output"), (["--temperature", ""], "temperature"), (["--output", ""], "--output is empty"),
        ])
        func usage(arguments: [String], named: String) throws {
            let outcome = try runProgram(["sample", "pathsum"] + arguments)
            #expect(outcome.status == 64)
            let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("gfn-dist: ") }
            #expect(lines.count == 1 && lines[0].contains(named), "\(outcome.errors)")
        }

        @Test("a full disk and a reader that has gone end all ranks with 74", arguments: [
            ("exec \"$0\" \"$@\" > /dev/full", "No space left"), ("(\"$0\" \"$@\"; echo $? > status) | head -n 1", "Broken pipe"),
        ])
        func lostOutput(script: String, reason: String) throws {
            for layout in [["--single", "--ranks", "1"], ["--single", "--ranks", "3"]] {
                let folder = try TemporaryFolder()
                let outcome = try runProgram(
                    ["sample", "pathsum", "--quiet", "--limit", "60", "--samples-per-problem", "20"] + layout, under: ["sh", "-c", script],
                    in: folder.path)
                let piped = FileManager.default.contents(atPath: "\(folder.path)/status").map { String(decoding: $0, as: UTF8.self) }
                #expect(piped.map { $0 == "74\n" } ?? (outcome.status == 74), "\(outcome.status) \(piped ?? "")")
                #expect(outcome.ownErrors.count == 1 && outcome.errors.contains(reason), "\(outcome.errors)")
            }
        }
    }
}
