import Foundation
import Model
import Problems
import Tensor
import Testing

@testable import gfn_dist

/// A solution as a file of samples has it.
private struct SampleText: Encodable {
    let problem_id: String
    var text: String
    var prompt: String?
    var tokens: [Int]?
    var stop: String?
    var temperature, logprob: Double?

    static func file(_ samples: [SampleText]) throws -> String {
        try samples.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) + "\n" }.joined()
    }
}

/// What these tests read of a line of labels.
private struct GivenLabels: Decodable, Equatable {
    let sample_index: Int
    let samples: String
    let completions: [String]
    let labels: [Bool]
    let correct: Bool
    let logprob: Double?

    static func all(in text: String) throws -> [GivenLabels] {
        try text.split(separator: "\n").map { try JSONDecoder().decode(GivenLabels.self, from: Data($0.utf8)) }
    }
}

extension ProgramTests {
    @Suite("reward --label-with-rollouts --samples")
    struct Given {
        private static let labelling = ["reward", "--label-with-rollouts", "pathsum"]
        private static let problems = 7, samplesPerProblem = 5
        private static let options = ["--limit", "\(problems)", "--completions", "3", "--temperature", "1.2"]

        /// Of the embedded task's first problems, and what the same call says of them that samples them itself.
        private struct Sampled {
            /// By problem, and of each by sample.
            let samples: [[SampleText]]
            /// The lines of labels.
            let lines: [String]

            /// All samples, problem by problem.
            func file() throws -> String { try SampleText.file(samples.flatMap { $0 }) }

            /// The lines as they are where a set of this name is given.
            func text(givenAs name: String) -> String {
                let field = ",\"temperature\":"
                return lines.map { $0.replacingOccurrences(of: field, with: ",\"samples\":\"\(name)\"\(field)") + "\n" }.joined()
            }
        }

        private static let sampled = Result {
            let text = try output(labelling + ["--samples-per-problem", "\(samplesPerProblem)"] + options, in: nil)
            let configuration = try RunConfiguration(try SamplingOptions.parse([]).layers(problems: "pathsum"), for: .sampling)
            let work = try SampleWork(configuration, temperatures: [1.2], split: .train, on: .ofOneRank)
            let requests = (0..<problems).map { problem in
                let streams = (0..<samplesPerProblem).map {
                    RandomStream(seed: configuration.seed, purpose: .labelSolutions, slot: problem, sample: $0)
                }
                return SampleRequest(prompt: work.task.promptTokens(of: problem), streams: streams)
            }
            let responses = work.policy().sample(requests, settings: work.samplingSettings(at: 1.2))
            let samples = responses.enumerated().map { problem, responses in
                responses.map { response in
                    SampleText(
                        problem_id: "\(problem)", text: work.task.text(of: response.tokens),
                        prompt: work.task.text(of: work.task.promptTokens(of: problem)), tokens: response.tokens.map(Int.init),
                        stop: response.stop == .stopToken ? "stop" : "length", temperature: 1.2, logprob: response.logProbability)
                }
            }
            return Sampled(samples: samples, lines: text.split(separator: "\n").map(String.init))
        }

        /// What the program writes to standard output; anything but exit code 0 is an error.
        private static func output(_ arguments: [String], under launcher: [String] = [], in folder: String?) throws -> String {
            let outcome = try runProgram(arguments + ["--quiet"], under: launcher, in: folder)
            guard outcome.status == 0 else { throw Program.Failure(text: "\(arguments) ended with \(outcome.status): \(outcome.errors)") }
            return outcome.output
        }

        @Test("solutions of a file get the labels that they get where they are sampled, on any ranks")
        func sameLabels() throws {
            let sampled = try Self.sampled.get()
            #expect(sampled.lines.count > 10 && sampled.lines.count < Self.problems * Self.samplesPerProblem)
            let folder = try TemporaryFolder()
            _ = try folder.write(try sampled.file(), to: "all.jsonl")
            let call = Self.labelling + ["--samples", "all.jsonl"] + Self.options
            let expected = sampled.text(givenAs: "all")
            for (launcher, options) in [
                ([], []), ([], ["--single", "--ranks", "3", "--threads", "1"]), (["mpirun", "-n", "2"], ["--threads", "1"]),
            ] {
                #expect(try Self.output(call + options, under: launcher, in: folder.path) == expected, "\(launcher) \(options)")
            }
            // The order of problems is the file of problems' own, and each may have temperatures of its own.
            var mixed = (0..<Self.samplesPerProblem).flatMap { number in sampled.samples.reversed().map { $0[number] } }
            for index in mixed.indices { mixed[index].temperature = index % 2 == 0 ? 0.5 : nil }
            _ = try folder.write(try SampleText.file(mixed), to: "mixed.jsonl")
            let named = Self.labelling + ["--samples", "all=mixed.jsonl"] + Self.options
            #expect(try Self.output(named, in: folder.path) == expected)
        }

        @Test("tokens are taken where they say what the text says, and the text elsewhere")
        func tokens() throws {
            let sampled = try Self.sampled.get()
            let folder = try TemporaryFolder()
            let legible = sampled.samples.flatMap { $0 }.filter { PathSum.tokens(of: $0.text).map(Int.init) == $0.tokens }
            #expect(legible.count > 10)
            let changes: [(inout SampleText) -> Void] = [
                { $0.tokens = nil },
                // Of a larger vocabulary; of one in which the ids say something else; with ⊤.
                { $0.tokens = $0.tokens?.map { $0 + 119 } },
                { $0.tokens = $0.tokens?.reversed() },
                { $0.tokens?.append(2) },
            ]
            _ = try folder.write(try SampleText.file(legible), to: "tokens.jsonl")
            let call = Self.labelling + Self.options + ["--samples"]
            let expected = try Self.output(call + ["s=tokens.jsonl"], in: folder.path)
            for (number, change) in changes.enumerated() {
                var changed = legible
                for index in changed.indices { change(&changed[index]) }
                _ = try folder.write(try SampleText.file(changed), to: "\(number).jsonl")
                #expect(try Self.output(call + ["s=\(number).jsonl"], in: folder.path) == expected, "\(number)")
            }
            // The same text in other tokens: a space of its own and a digit.
            let text = "+1 1\n"
            let apart = [114, 5, 3, 5, 118]
            func file(_ tokens: [Int]?) throws -> String {
                try SampleText.file([SampleText(problem_id: "0", text: text, tokens: tokens, stop: "stop")])
            }
            _ = try folder.write(try file(nil), to: "together.jsonl")
            _ = try folder.write(try file(apart), to: "apart.jsonl")
            let together = try GivenLabels.all(in: try Self.output(call + ["together.jsonl"], in: folder.path))
            let divided = try GivenLabels.all(in: try Self.output(call + ["apart.jsonl"], in: folder.path))
            #expect(together.map(\.completions) == [["+1 1"]] && divided.map(\.completions) == [["+1 1"]])
            #expect(together[0].labels == [true] && divided[0].labels == [false], "a line in other tokens is malformed")
        }

        @Test("--samples-per-problem takes the first of each problem, and --limit the first problems")
        func selection() throws {
            let sampled = try Self.sampled.get()
            let folder = try TemporaryFolder()
            _ = try folder.write(try sampled.file(), to: "all.jsonl")
            let call = Self.labelling + ["--samples", "all.jsonl"] + Self.options.dropFirst(2)
            func lines(_ places: [(problem: Int, sample: Int)]) -> String {
                sampled.text(givenAs: "all").split(separator: "\n").filter { line in
                    places.contains { line.hasPrefix("{\"problem_id\":\($0.problem),\"sample_index\":\($0.sample),") }
                }.map { $0 + "\n" }.joined()
            }
            let first = try Self.output(call + ["--samples-per-problem", "2"], in: folder.path)
            #expect(first == lines((0..<Self.problems).flatMap { [($0, 0), ($0, 1)] }) && !first.isEmpty)
            let few = try Self.output(call + ["--limit", "2"], in: folder.path)
            #expect(few == lines((0..<2).flatMap { problem in (0..<Self.samplesPerProblem).map { (problem, $0) } }) && !few.isEmpty)
        }

        @Test("what the limit cut loses its last step, and what is longer than the limit is left out with a note")
        func limits() throws {
            let folder = try TemporaryFolder()
            func sample(_ text: String, _ stop: String?) -> SampleText { SampleText(problem_id: "0", text: text, stop: stop) }
            let (one, two) = ("+2 2\n", "+2 2\n-1 1\n")
            _ = try folder.write(
                try SampleText.file([
                    sample(one, "length"), sample(two, "length"), sample(two + "+3", "max_tokens"), sample(one, nil), sample(two, "eos"),
                ]), to: "s.jsonl")
            func labels(_ limit: Int) throws -> (records: [GivenLabels], errors: String) {
                let outcome = try runProgram(
                    Self.labelling + ["--samples", "s.jsonl", "--limit", "1", "--max-new-tokens", "\(limit)"], in: folder.path)
                #expect(outcome.status == 0)
                return (try GivenLabels.all(in: outcome.output), outcome.errors)
            }
            func isSame(_ records: [GivenLabels], _ expected: [(Int, [String])]) -> Bool {
                records.map(\.sample_index) == expected.map(\.0) && records.map(\.completions) == expected.map(\.1)
            }
            let whole = try labels(16)
            #expect(isSame(whole.records, [(1, ["+2 2"]), (2, ["+2 2", "-1 1"]), (3, ["+2 2"]), (4, ["+2 2", "-1 1"])]))
            #expect(whole.records.map(\.correct) == [false, false, false, true] && whole.records.allSatisfy { $0.logprob == nil })
            #expect(!whole.errors.contains("left out"))
            // Two steps are eight tokens: nine have room for ⊤ as well, eight have not.
            let nine = try labels(9)
            #expect(isSame(nine.records, [(1, ["+2 2"]), (3, ["+2 2"]), (4, ["+2 2", "-1 1"])]))
            #expect(nine.errors.contains("reward: s.jsonl has 1 solution of more than the 9 tokens"), "\(nine.errors)")
            let eight = try labels(8)
            #expect(isSame(eight.records, [(1, ["+2 2"]), (3, ["+2 2"])]))
            #expect(eight.errors.contains("reward: s.jsonl has 2 solutions of more than the 8 tokens"), "\(eight.errors)")
        }

        @Test("text in words continues the prompt; problems go by their names, or by their places where none is known", arguments: [
            ["sum", "product"], ["0", "2"],
        ])
        func words(names: [String]) throws {
            let folder = try TemporaryFolder()
            let model = try RoteModel(ResponseEnds.families[3], answering: "5", "<|im_end|>").write(to: "\(folder.path)/model")
            let file = try folder.write(
                """
                {"id": "sum", "problem": "2+3?", "answer": "5"}
                {"id": "open", "problem": "What now?"}
                {"id": "product", "problem": "2*3?", "answer": "6"}
                """, to: "problems.jsonl")
            let sum = "It is 2+3.\n5"
            _ = try folder.write(
                try SampleText.file([
                    SampleText(problem_id: names[1], text: "2*3\n6"), SampleText(problem_id: names[0], text: sum, logprob: -3.5),
                    // The end token's name is text of its own here.
                    SampleText(problem_id: names[0], text: "<|im_end|>\nSo 5"), SampleText(problem_id: names[0], text: sum),
                ]), to: "s.jsonl")
            let outcome = try runProgram(
                [
                    "reward", "--label-with-rollouts", file, "--model", model, "--samples", "s.jsonl", "--completions", "2",
                    "--max-new-tokens", "40",
                ], in: folder.path)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("names problems by their places") == (names[0] == "0"), "\(outcome.errors)")
            // After a line's end the model says 5, and after that it ends.
            func labels(_ sample: Int, _ steps: [String], _ labels: [Bool], _ isCorrect: Bool, _ logprob: Double? = nil) -> GivenLabels {
                GivenLabels(sample_index: sample, samples: "s", completions: steps, labels: labels, correct: isCorrect, logprob: logprob)
            }
            #expect(
                try GivenLabels.all(in: outcome.output) == [
                    labels(0, ["It is 2+3.", "5"], [true, true], true, -3.5),
                    labels(1, ["<|im_end|>", "So 5"], [true, true], true),
                    labels(0, ["2*3", "6"], [false, false], true),
                ])
        }

        @Test("wherever the file was cut, --resume ends with the same bytes; with other samples it is refused")
        func resume() throws {
            let sampled = try Self.sampled.get()
            let folder = try TemporaryFolder()
            _ = try folder.write(try sampled.file(), to: "all.jsonl")
            let call = Self.labelling + Self.options + ["--quiet", "--output", "out", "--resume"]
            let whole = sampled.text(givenAs: "all")
            let lines = whole.split(separator: "\n").map { $0 + "\n" }
            for kept in [0, 4, lines.count] {
                _ = try folder.write(lines[..<kept].joined() + (kept == 4 ? "{\"torn" : ""), to: "out.partial")
                let outcome = try runProgram(call + ["--samples", "all.jsonl"], in: folder.path)
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(try String(contentsOfFile: "\(folder.path)/out", encoding: .utf8) == whole)
                try FileManager.default.removeItem(atPath: "\(folder.path)/out")
            }
            for other in [["--samples", "other=all.jsonl"], []] {
                _ = try folder.write(lines[..<4].joined(), to: "out.partial")
                let outcome = try runProgram(call + other, in: folder.path)
                #expect(outcome.status == 78 && outcome.ownErrors.count == 1, "\(outcome.errors)")
                #expect(outcome.errors.contains("out.partial:1 is not what this call writes"), "\(outcome.errors)")
            }
        }

        static let mistakes = [
            Label.Mistake("samples without labels", ["reward", "--samples", "good.jsonl"], 64, ["--samples", "--label-with-rollouts"]),
            Label.Mistake("no name", labelling + ["--samples", ""], 64, ["--samples is empty"]),
            Label.Mistake("no file", labelling + ["--samples", "nowhere.jsonl"], 66, ["nowhere.jsonl does not exist"]),
            Label.Mistake("no samples", labelling + ["--samples", "empty.jsonl"], 65, ["empty.jsonl"]),
            Label.Mistake("an unknown problem", labelling + ["--samples", "unknown.jsonl"], 65, ["unknown.jsonl", "line 2", "'riddle'"]),
            Label.Mistake(
                "problems of the other set", ["reward", "--label-with-rollouts", "pathsum-held-out", "--samples", "good.jsonl"], 65,
                ["good.jsonl:1", "'<s> 0 1:'", "problem 0 of pathsum-held-out"]),
            Label.Mistake("a line without text", labelling + ["--samples", "textless.jsonl"], 65, ["textless.jsonl:1", "text"]),
            Label.Mistake(
                "nothing within the limit", labelling + ["--samples", "good.jsonl", "--max-new-tokens", "2"], 65,
                ["good.jsonl has 2 solutions of more than the 2 tokens", "--max-new-tokens"]),
            Label.Mistake(
                "nothing of the first problems", labelling + ["--samples", "late.jsonl", "--limit", "3"], 65,
                ["late.jsonl", "3 problems"]),
        ]

        @Test("mistakes are said once, with their exit code, and leave no file", arguments: mistakes)
        func refuses(_ mistake: Label.Mistake) throws {
            let folder = try TemporaryFolder()
            let good = "{\"problem_id\":0,\"text\":\"+1 1\\n\",\"prompt\":\"<s> 0 1:\"}\n"
            let files = [
                "good.jsonl": good + good, "empty.jsonl": "", "unknown.jsonl": good + "{\"problem_id\":\"riddle\",\"text\":\"\"}\n",
                "textless.jsonl": "{\"problem_id\":0}\n", "late.jsonl": "{\"problem_id\":3,\"text\":\"+1 1\\n\"}\n",
            ]
            for (name, text) in files { _ = try folder.write(text, to: name) }
            let labels = mistake.status == 64 ? [] : ["--output", "out"]
            let outcome = try runProgram(mistake.arguments + labels, in: folder.path)
            #expect(outcome.status == mistake.status, "\(outcome.errors)")
            let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("gfn-dist: ") }
            #expect(lines.count == 1 && mistake.texts.allSatisfy { lines.first?.contains($0) == true }, "\(outcome.errors)")
            #expect(try Set(FileManager.default.contentsOfDirectory(atPath: folder.path)) == Set(files.keys))
        }
    }
}
