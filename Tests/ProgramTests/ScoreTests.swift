import Foundation
import Testing

extension ProgramTests {
    @Suite("score")
    struct Score {
        private struct Line: Decodable, Equatable {
            let problem_id: Int?
            let sample_index: Int?
            let completion_tokens: [Int]
            let logprobs, stop_logprobs: [Float]
            let sum_logprob: Double
        }

        private struct Sample: Decodable {
            let prompt_tokens, tokens: [Int]
            let logprobs: [Float]
            let policy_version: Int
        }

        private static func lines<Line: Decodable>(_ text: String, of type: Line.Type = Line.self) throws -> [Line] {
            try text.split(separator: "\n").map { try JSONDecoder().decode(type, from: Data($0.utf8)) }
        }

        private static func score(_ arguments: [String], under launcher: [String] = [], in folder: String? = nil) throws -> String {
            let outcome = try runProgram(["score", "--quiet"] + arguments, under: launcher, in: folder)
            guard outcome.status == 0 else { throw Program.Failure(text: "score \(arguments) ended with \(outcome.status): \(outcome.errors)") }
            #expect(outcome.errors.isEmpty)
            return outcome.output
        }

        /// Prompts that repeat in a row and ones that do not, completions from none to many tokens, for the embedded base.
        private static let mixed: String = {
            var lines: [String] = []
            for index in 0..<40 {
                let prompt = [1, 40 + (index / 3) % 5, 45 + (index / 3) % 7, 117]
                let completion = (0..<(index * 5) % 23).map { 10 + ($0 * 17 + index * 3) % 100 }
                lines.append("{\"prompt_tokens\": \(prompt), \"completion_tokens\": \(completion), \"problem_id\": \(index)}")
            }
            return lines.joined(separator: "\n") + "\n"
        }()

        @Test("a samples file gets the numbers that were recorded while sampling, bit for bit, with the adapter of that step")
        func samples() throws {
            let settings = Settings.standard.with([
                "train.steps": "2", "lag": "0", "samples.every": "1", "checkpoint.every": "1", "evaluate.problems": "1",
            ])
            let run = try train(settings, on: .single(1))
            for (step, adapter) in [(1, []), (2, ["--adapter", "\(run.files.path)/checkpoints/step-1"])] {
                let samples = try Self.lines(try #require(run.files.text("samples/step-\(step).jsonl")), of: Sample.self)
                let scores: [Line] = try Self.lines(try Self.score(["\(run.files.path)/samples/step-\(step).jsonl"] + adapter))
                #expect(samples.count == 16 && samples.allSatisfy { $0.policy_version == step - 1 })
                #expect(scores.map(\.completion_tokens) == samples.map(\.tokens))
                #expect(scores.map(\.logprobs) == samples.map(\.logprobs), "step \(step)")
            }
        }

        @Test("the same bytes come out whatever the ranks, the threads and the batch")
        func sameBytes() throws {
            let folder = try TemporaryFolder()
            let input = try folder.write(Self.mixed, to: "in.jsonl")
            let expected = try Self.score([input, "--threads", "1"])
            #expect(expected.split(separator: "\n").count == 40)
            for (launcher, arguments) in [
                ([], ["--threads", "3", "--batch-tokens", "1"]),
                ([], ["--single", "--ranks", "4", "--threads", "2", "--batch-tokens", "60"]),
                (["mpirun", "-n", "3"], ["--threads", "1", "--batch-tokens", "25"]),
                (["mpirun", "-n", "2"], ["--threads", "1"]),
            ] {
                #expect(try Self.score([input] + arguments, under: launcher) == expected, "\(launcher) \(arguments)")
            }
            // By a pipe and into a file.
            let piped = ["sh", "-c", "cat \(input) | \"$0\" \"$@\""]
            #expect(try Self.score(["--output", "\(folder.path)/out.jsonl"], under: piped).isEmpty)
            #expect(try String(contentsOfFile: "\(folder.path)/out.jsonl", encoding: .utf8) == expected)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["in.jsonl", "out.jsonl"])
        }

        @Test("a completion's scores are one longer for the stop token, continue each other, and add up")
        func meaning() throws {
            let folder = try TemporaryFolder()
            let (prompt, tokens) = ([1, 40, 45, 117], [114, 9, 45, 118])
            let parts = (0...4).map { "{\"prompt_tokens\": \(prompt), \"completion_tokens\": \(Array(tokens.prefix($0)))}" }
            // The stop token as a target of its own, and text instead of ids.
            let stopped = "{\"prompt_tokens\": \(prompt), \"completion_tokens\": \(tokens + [2])}"
            let text = "{\"prompt\": \"<s> 26 31:\", \"completion\": \"+5 31\\n\"}"
            let input = try folder.write((parts + [stopped, "", text]).joined(separator: "\r\n"), to: "in.jsonl")
            let scores: [Line] = try Self.lines(try Self.score([input]))
            try #require(scores.count == 7)
            let whole = scores[4]
            for (count, score) in scores.prefix(5).enumerated() {
                #expect(score.logprobs == Array(whole.logprobs.prefix(count)))
                #expect(score.stop_logprobs == Array(whole.stop_logprobs.prefix(count + 1)))
                #expect(score.sum_logprob == score.logprobs.reduce(0) { $0 + Double($1) })
            }
            #expect(whole.logprobs.allSatisfy { $0 < 0 } && whole.stop_logprobs.allSatisfy { $0 < 0 })
            #expect(scores[5].logprobs == whole.logprobs + [whole.stop_logprobs[4]])
            #expect(scores[6] == whole)
        }

        struct Mistake: Sendable, CustomTestStringConvertible {
            let testDescription: String
            var line: String?
            var arguments: [String] = []
            let status: Int32
            let texts: [String]
        }

        static let mistakes = [
            Mistake(testDescription: "no JSON", line: "{\"prompt\": ", status: 65, texts: ["in.jsonl:3", "JSON object"]),
            Mistake(testDescription: "no completion", line: "{\"prompt\": \"<s>\"}", status: 65, texts: ["in.jsonl:3", "no completion"]),
            Mistake(testDescription: "no prompt", line: "{\"text\": \"<s>\"}", status: 65, texts: ["in.jsonl:3", "no prompt"]),
            Mistake(
                testDescription: "an empty prompt", line: "{\"prompt_tokens\": [], \"completion\": \"\"}", status: 65,
                texts: ["in.jsonl:3", "prompt has no tokens"]),
            Mistake(
                testDescription: "a wrong type", line: "{\"prompt_tokens\": [1], \"completion_tokens\": \"x\"}", status: 65,
                texts: ["in.jsonl:3", "completion_tokens", "a list of token ids"]),
            Mistake(
                testDescription: "a strange id", line: "{\"prompt_tokens\": [1], \"completion_tokens\": [119]}", status: 65,
                texts: ["in.jsonl:3", "119", "0 to 118"]),
            Mistake(
                testDescription: "more than the context",
                line: "{\"prompt_tokens\": [1], \"completion_tokens\": \([Int](repeating: 9, count: 64))}", status: 65,
                texts: ["in.jsonl:3", "1 + 64 tokens", "is 64"]),
            Mistake(testDescription: "a missing file", arguments: ["nowhere.jsonl"], status: 66, texts: ["nowhere.jsonl does not exist"]),
            Mistake(testDescription: "a missing adapter", arguments: ["--adapter", "nowhere"], status: 66, texts: ["nowhere", "adapter_config.json"]),
            Mistake(testDescription: "an unknown precision", arguments: ["--precision", "fp8"], status: 78, texts: ["precision is 'fp8'", "bf16"]),
            Mistake(testDescription: "a random model", arguments: ["--model", "random"], status: 78, texts: ["model is 'random'"]),
        ]

        @Test("mistakes are said once, with line and exit code, and no file is left", arguments: mistakes)
        func refuses(_ mistake: Mistake) throws {
            let good = "{\"prompt_tokens\": [1, 40], \"completion_tokens\": [114]}\n"
            let folder = try TemporaryFolder()
            _ = try folder.write(good + "\n" + (mistake.line ?? good) + "\n" + good, to: "in.jsonl")
            let input = mistake.arguments.first?.hasSuffix("jsonl") == true ? [] : ["in.jsonl"]
            // Every way in which ranks learn of a failure once under mpirun, which takes a second to start.
            let isForAll = ["no JSON", "a missing file", "a missing adapter"].contains(mistake.testDescription)
            for launcher in isForAll ? [[], ["mpirun", "-n", "2"]] : [[]] {
                let outcome = try runProgram(
                    ["score", "--batch-tokens", "3", "--output", "out.jsonl"] + input + mistake.arguments, under: launcher, in: folder.path)
                #expect(outcome.status == mistake.status, "\(launcher): \(outcome.errors)")
                #expect(outcome.ownErrors.count == 1, "\(launcher): \(outcome.errors)")
                #expect(mistake.texts.allSatisfy { outcome.ownErrors.first?.contains($0) == true }, "\(outcome.errors)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["in.jsonl"])
            }
        }

        @Test("lines before a bad one reach standard output, the same ones on any number of ranks")
        func untilTheBadLine() throws {
            let folder = try TemporaryFolder()
            let bad = Self.mixed.split(separator: "\n").prefix(11).joined(separator: "\n") + "\n{\n"
            let input = try folder.write(bad, to: "in.jsonl")
            for layout in [["--single", "--ranks", "1"], ["--single", "--ranks", "3", "--batch-tokens", "9"]] {
                let outcome = try runProgram(["score", input] + layout)
                #expect(outcome.status == 65)
                #expect(try Self.lines(outcome.output, of: Line.self).map(\.problem_id) == (0..<11).map { $0 })
            }
        }
    }
}
