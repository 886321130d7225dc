import Foundation
@testable import Model
import Problems
import Tensor
import Testing

@testable import gfn_dist

/// A line of labels, as others read it.
private struct LabelRecord: Decodable, Equatable {
    let problem_id, sample_index: Int
    let dataset: String
    let temperature: Double
    let rollouts, seed: Int
    let prompt: String
    let completions: [String]
    let labels: [Bool]
    let soft_labels: [Double]
    let answer: String
    let correct: Bool
    let logprob: Double
    let exact_labels: [Bool]?

    static func all(in text: String) throws -> [LabelRecord] {
        try text.split(separator: "\n").map { try JSONDecoder().decode(LabelRecord.self, from: Data($0.utf8)) }
    }
}

/// What a line says of a problem that has a name.
private struct LabelText: Decodable, Equatable {
    let problem_id, prompt: String
    let completions: [String]
    let labels: [Bool]
    let soft_labels: [Double]
    let answer: String

    static func all(in text: String) throws -> [LabelText] {
        try text.split(separator: "\n").map { try JSONDecoder().decode(LabelText.self, from: Data($0.utf8)) }
    }
}

/// What labelling by rollouts writes to standard output; anything but exit code 0 is an error.
private func label(_ arguments: [String], under launcher: [String] = [], in folder: String? = nil) throws -> String {
    let outcome = try runProgram(["reward", "--label-with-rollouts", "--quiet"] + arguments, under: launcher, in: folder)
    guard outcome.status == 0 else { throw Program.Failure(text: "reward \(arguments) ended with \(outcome.status): \(outcome.errors)") }
    return outcome.output
}

extension ProgramTests {
    @Suite("reward --label-with-rollouts")
    struct Label {
        private static let call = ["pathsum", "--limit", "9", "--samples-per-problem", "6", "--completions", "3", "--temperature", "1.2"]
        private static let text = Result { try label(call) }

        @Test("the same bytes come out whatever the ranks and the threads")
        func sameBytes() throws {
            let expected = try Self.text.get()
            #expect(expected.split(separator: "\n").count > 18)
            for (launcher, options) in [
                ([], ["--single", "--ranks", "1", "--threads", "1"]), ([], ["--single", "--ranks", "2", "--threads", "2"]),
                ([], ["--single", "--ranks", "3", "--threads", "1"]), (["mpirun", "-n", "2"], ["--threads", "1"]),
                ([], ["--set", "kernels=portable"]),
            ] {
                #expect(try label(Self.call + options, under: launcher) == expected, "\(launcher) \(options)")
            }
            #expect(try label(Self.call + ["--seed", "2"]) != expected)
        }

        @Test("every line is whole, each solution comes once, and its labels follow from one another")
        func labels() throws {
            let records = try LabelRecord.all(in: try Self.text.get())
            for record in records {
                #expect(record.dataset == "pathsum-train" && record.prompt.hasSuffix(" \(record.answer):"))
                let asked = PathSum.tokens(of: record.prompt)
                #expect(asked.count == 3 && !asked.contains(PathSum.Vocabulary.pad))
                #expect(!record.completions.isEmpty && record.completions.allSatisfy { !$0.hasSuffix("\n") })
                #expect(record.labels.count == record.completions.count && record.exact_labels?.count == record.completions.count)
                #expect(record.labels == record.soft_labels.map { $0 > 0 })
                #expect(record.soft_labels.allSatisfy { [0, 1 / 3, 2 / 3, 1].contains($0) })
            }
            #expect(records.allSatisfy { !$0.correct || $0.exact_labels?.last == true })
            let places = records.map { [$0.problem_id, $0.sample_index] }
            #expect(places == places.sorted { $0.lexicographicallyPrecedes($1) })
            #expect(Set(records.map { "\($0.problem_id) \($0.completions)" }).count == records.count)
            #expect(records.count < 9 * 6 && records.contains { $0.soft_labels.contains { $0 > 0 && $0 < 1 } })
            #expect(records.contains { $0.correct } && records.contains { !$0.correct } && records.contains { $0.labels.count > 2 })
        }

        @Test("a beginning has the same labels wherever it stands, at the end of a solution as well")
        func beginnings() throws {
            let records = try LabelRecord.all(in: try Self.text.get())
            var (shares, ends, others): ([String: Set<Double>], Set<String>, Set<String>) = ([:], [], [])
            for record in records {
                for (step, share) in record.soft_labels.enumerated() {
                    let beginning = "\(record.problem_id) \(record.completions[...step])"
                    shares[beginning, default: []].insert(share)
                    if step == record.labels.count - 1 { ends.insert(beginning) } else { others.insert(beginning) }
                }
            }
            #expect(shares.values.allSatisfy { $0.count == 1 })
            // Were the verdict the last label, it would be 0 or 1.
            #expect(!ends.isDisjoint(with: others))
            #expect(records.contains { ($0.soft_labels.last ?? 0) > 0 && ($0.soft_labels.last ?? 0) < 1 })
        }

        /// Whether a correct solution begins with these lines: found by trying all that may follow.
        private func isBeginning(_ lines: [String], from start: Int, to target: Int) -> Bool {
            var value = start
            for line in lines {
                guard let step = line.wholeMatch(of: /([-+*])(\d) (\d+)/), let digit = Int(step.2), let result = Int(step.3)
                else { return false }
                guard digit > (step.1 == "*" ? 1 : 0) else { return false }
                value = step.1 == "+" ? value + digit : step.1 == "-" ? value - digit : value * digit
                guard value == result, (0...99).contains(value) else { return false }
            }
            func reaches(_ value: Int, _ left: Int) -> Bool {
                guard (0...99).contains(value), left >= 0 else { return false }
                if value == target { return true }
                let next = (1...9).flatMap { [value + $0, value - $0] } + (2...9).map { value * $0 }
                return left > 0 && next.contains { reaches($0, left - 1) }
            }
            return reaches(value, 3 - lines.count)
        }

        @Test("exact labels say whether a correct solution begins so")
        func exact() throws {
            let records = try LabelRecord.all(
                in: try label([
                    "pathsum-held-out", "--limit", "40", "--samples-per-problem", "4", "--completions", "1", "--temperature", "1.5",
                ]))
            var seen: [Bool: Int] = [:]
            for record in records {
                #expect(record.dataset == "pathsum-held-out")
                let numbers = record.prompt.dropLast().split(separator: " ").compactMap { Int($0) }
                for (step, label) in (try #require(record.exact_labels)).enumerated() {
                    let expected = isBeginning(Array(record.completions[...step]), from: numbers[0], to: numbers[1])
                    #expect(label == expected, "\(record)")
                    // What led to a right answer can lead to one; the converse takes luck.
                    if record.labels[step] { #expect(label) }
                    seen[label, default: 0] += 1
                }
            }
            #expect((seen[true] ?? 0) > 40 && (seen[false] ?? 0) > 40, "\(seen)")
        }

        /// The same by sampling one response after the other, each alone.
        private func slowLabels(problems: Int, samples: Int, completions: Int, limit: Int) throws -> [LabelRecord] {
            let options = try SamplingOptions.parse([
                "--samples-per-problem", "\(samples)", "--limit", "\(problems)", "--max-new-tokens", "\(limit)", "--seed", "5",
            ])
            let configuration = try RunConfiguration(try options.layers(problems: "pathsum"), for: .sampling)
            let work = try SampleWork(configuration, temperatures: [1], split: .train, on: .ofOneRank)
            let (task, policy) = (work.task, work.policy())
            func sample(_ prompt: [Int32], _ stream: RandomStream, limit: Int) -> SampledResponse {
                let settings = SamplingSettings(temperature: 1, maxNewTokens: limit)
                return policy.sample([SampleRequest(prompt: prompt, streams: [stream])], settings: settings)[0][0]
            }
            var records: [LabelRecord] = []
            for problem in 0..<problems {
                let prompt = task.promptTokens(of: problem)
                var (known, said): ([[Int32]: Int], Set<[Int32]>) = ([:], [])
                for number in 0..<samples {
                    let address = RandomStream(seed: 5, purpose: .labelSolutions, slot: problem, sample: number)
                    let response = sample(prompt, address, limit: limit)
                    let (tokens, isCut) = (response.tokens, response.stop == .length)
                    var ends = tokens.indices.filter { tokens[$0] == PathSum.Vocabulary.newline }.map { $0 + 1 }
                    if isCut, ends.last == tokens.count { ends.removeLast() }
                    if !isCut, ends.last != tokens.count { ends.append(tokens.count) }
                    guard let last = ends.last, last > 0 else { continue }
                    // Cut solutions are told from whole ones by a token that is in none.
                    guard said.insert(Array(tokens[..<last]) + (isCut ? [-1] : [])).inserted else { continue }
                    let isCorrect = task.verdict(on: tokens, stop: response.stop, problem: problem).isCorrect
                    let right = ends.enumerated().map { step, end in
                        let beginning = Array(tokens[..<end])
                        let count = known[beginning] ?? (0..<completions).count { completion in
                            let stream = RandomStream(
                                seed: 5, purpose: .labelCompletions, step: step, slot: problem, sample: number * completions + completion)
                            let rest = sample(prompt + beginning, stream, limit: limit - end)
                            return task.verdict(on: beginning + rest.tokens, stop: rest.stop, problem: problem).isCorrect
                        }
                        known[beginning] = count
                        return count
                    }
                    let text = task.text(of: Array(tokens[..<last]))
                    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
                    records.append(
                        LabelRecord(
                            problem_id: problem, sample_index: number, dataset: task.name, temperature: 1, rollouts: completions, seed: 5,
                            prompt: task.question(of: problem),
                            completions: Array(lines.prefix(ends.count)), labels: right.map { $0 > 0 },
                            soft_labels: right.map { Double($0) / Double(completions) }, answer: try #require(task.gold(of: problem)),
                            correct: isCorrect, logprob: response.logProbability, exact_labels: nil))
                }
            }
            return records
        }

        @Test("every label is what the responses say that are sampled alone, cut ones as well", arguments: [
            (1, 16), (4, 16), (3, 8), (2, 6), (3, 5),
        ])
        func slow(completions: Int, limit: Int) throws {
            let expected = try slowLabels(problems: 6, samples: 5, completions: completions, limit: limit)
            let records = try LabelRecord.all(
                in: try label([
                    "pathsum", "--limit", "6", "--samples-per-problem", "5", "--completions", "\(completions)", "--seed", "5",
                    "--max-new-tokens", "\(limit)",
                ]))
            let plain = records.map {
                LabelRecord(
                    problem_id: $0.problem_id, sample_index: $0.sample_index, dataset: $0.dataset, temperature: $0.temperature,
                    rollouts: $0.rollouts, seed: $0.seed, prompt: $0.prompt, completions: $0.completions, labels: $0.labels,
                    soft_labels: $0.soft_labels, answer: $0.answer, correct: $0.correct, logprob: $0.logprob, exact_labels: nil)
            }
            #expect(plain == expected && !plain.isEmpty)
            if completions == 1 { #expect(plain.allSatisfy { $0.soft_labels == $0.labels.map { $0 ? 1 : 0 } }) }
            // What ended itself within five tokens has one step, and leaves a token to complete it with.
            if limit == 5 { #expect(plain.contains { $0.correct && $0.soft_labels == [1] }) }
            if limit == 6 { #expect(plain.contains { !$0.correct && $0.labels.count == 1 }) }
        }

        @Test("wherever the file was cut, --resume ends with the same bytes, on other ranks as well", arguments: [
            (0, 0), (0, 30), (1, 0), (4, 1), (7, 100), (11, 0), (18, 17), (-1, 0),
        ])
        func cut(lines: Int, bytes: Int) throws {
            let whole = try Self.text.get()
            let folder = try TemporaryFolder()
            let all = whole.split(separator: "\n").map { $0 + "\n" }
            let kept = lines < 0 ? all.count : lines
            _ = try folder.write(all[..<kept].joined() + (kept < all.count ? String(all[kept].prefix(bytes)) : ""), to: "out.partial")
            let layout = kept % 2 == 0 ? [] : ["--single", "--ranks", "3"]
            let outcome = try runProgram(
                ["reward", "--label-with-rollouts", "--output", "out", "--resume"] + Self.call + layout, in: folder.path)
            #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome.errors)")
            #expect(outcome.errors.contains("reward: \(kept) lines are there already") == (kept > 0), "\(outcome.errors)")
            #expect(try String(contentsOfFile: "\(folder.path)/out", encoding: .utf8) == whole)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out"])
        }

        @Test("a file of another call is refused with a line, and stays as it is", arguments: [
            ["--seed", "2"], ["--limit", "1"], ["--samples-per-problem", "1"], ["--completions", "4"], ["--temperature", "0.9"],
        ])
        func foreign(change: [String]) throws {
            let part = try Self.text.get().split(separator: "\n").prefix(15).map { $0 + "\n" }.joined()
            let folder = try TemporaryFolder()
            _ = try folder.write(part + "{\"torn", to: "out.partial")
            var call = Self.call
            if let index = call.firstIndex(of: change[0]) { call.removeSubrange(index...index + 1) }
            let outcome = try runProgram(
                ["reward", "--label-with-rollouts", "--output", "out", "--resume"] + call + change, in: folder.path)
            #expect(outcome.status == 78 && outcome.ownErrors.count == 1, "\(outcome.errors)")
            // What makes labels other ones is in every line, so that no chance is needed to see it.
            let line = change[0] == "--limit" || change[0] == "--samples-per-problem" ? "\\d+" : "1"
            let expected = try Regex("out\\.partial:\(line) is not what this call writes")
            #expect(outcome.errors.contains(expected), "\(outcome.errors)")
            #expect(try String(contentsOfFile: "\(folder.path)/out.partial", encoding: .utf8) == part + "{\"torn")
        }

        @Test("a signal ends all ranks with 75 and whole lines, and --resume goes on")
        func stopped() throws {
            let folder = try TemporaryFolder()
            let arguments = [
                "reward", "--label-with-rollouts", "--quiet", "--threads", "1", "--output", "out", "--limit", "400", "--completions", "16",
                "pathsum",
            ]
            let program = try Program(arguments + ["--single", "--ranks", "2"], in: folder.path)
            try program.reaches("the middle of the call") {
                (FileManager.default.contents(atPath: "\(folder.path)/out.partial") ?? Data()).count { $0 == UInt8(ascii: "\n") } > 20
            }
            program.send(SIGTERM)
            let outcome = try program.outcome()
            #expect(outcome.status == 75 && outcome.ownErrors.count == 1 && outcome.errors.contains("--resume"), "\(outcome.errors)")
            let part = try String(contentsOfFile: "\(folder.path)/out.partial", encoding: .utf8)
            // All problems of the part, and some more that nobody has begun.
            let problems = (try LabelRecord.all(in: part).last?.problem_id ?? 0) + 3
            #expect(part.hasSuffix("\n"))
            var shorter = arguments
            shorter[try #require(shorter.firstIndex(of: "400"))] = "\(problems)"
            #expect(try runProgram(shorter + ["--resume"], in: folder.path).status == 0)
            let whole = try String(contentsOfFile: "\(folder.path)/out", encoding: .utf8)
            let undisturbed = shorter.filter { !["--output", "out"].contains($0) }
            #expect(try runProgram(undisturbed, in: folder.path).output == whole && whole.hasPrefix(part))
        }

        @Test("problems in words are asked, answered and judged; equal solutions come once, and what has no answer has no line")
        func words() throws {
            let folder = try TemporaryFolder()
            let model = try RoteModel(ResponseEnds.families[3], answering: "5", "<|im_end|>").write(to: "\(folder.path)/model")
            let file = try folder.write(
                """
                {"id": "sum", "problem": "2+3?", "answer": "5"}
                {"id": "open", "problem": "What now?"}
                {"id": "product", "problem": "2*3?", "answer": "6"}
                """, to: "problems.jsonl")
            let arguments = [file, "--model", model, "--samples-per-problem", "3", "--completions", "2", "--max-new-tokens"]
            let records = try LabelText.all(in: try label(arguments + ["9"]))
            #expect(
                records == [
                    LabelText(problem_id: "sum", prompt: "2+3?", completions: ["5"], labels: [true], soft_labels: [1], answer: "5"),
                    LabelText(problem_id: "product", prompt: "2*3?", completions: ["5"], labels: [false], soft_labels: [0], answer: "6"),
                ])
            #expect(try label(arguments + ["1"]) == "", "a step that was broken off is none")
            // Where a step ends in words, by the ids of this tokenizer, which are the bytes.
            let options = try SamplingOptions.parse(["--model", model])
            let configuration = try RunConfiguration(try options.layers(problems: file), for: .sampling)
            let work = try SampleWork(configuration, temperatures: [1], on: .ofOneRank)
            func solution(_ text: String, _ stop: StopReason) -> StepwiseSolution? {
                let scores = ResponseScores(tokenLogProbabilities: [-1, -2], stopLogProbabilities: [0, 0, -4], entropies: [])
                let response = SampledResponse(tokens: text.utf8.map { Int32($0) }, stop: stop, scores: scores)
                return StepwiseSolution(
                    response.tokens, stop: stop, logProbability: response.logProbability, of: 0, sample: 0, task: work.task)
            }
            let whole = try #require(solution("2 and 3\n\nare é\n#### 5", .stopToken))
            #expect(whole.stepTexts(work.task) == ["2 and 3", "\nare é", "#### 5"])
            #expect(whole.logProbability == -7 && solution("2\n5", .length)?.logProbability == -3)
            #expect(whole.verdict.isCorrect && whole.ends.last == whole.tokens.count)
            let cut = try #require(solution("2 and 3\nare \n#### 5", .length))
            #expect(cut.stepTexts(work.task) == ["2 and 3", "are "] && !cut.verdict.isCorrect)
            let other = try #require(solution("2 and 3\nare \n####", .length))
            let ended = try #require(solution("2 and 3\nare \n", .stopToken))
            #expect(cut.isSame(as: other) && cut.tokens == ended.tokens && !cut.isSame(as: ended))
            #expect(solution("", .stopToken) == nil && solution("5", .length) == nil)
        }

        @Test("the page shows what the program prints")
        func page() throws {
            let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
            let page = try String(contentsOf: root.appendingPathComponent("docs/reward-model.md"), encoding: .utf8)
            let command = try #require(page.firstMatch(of: /\$ gfn-dist reward --label-with-rollouts (pathsum .*)\n/))
            let shown = page[command.range.upperBound...].prefix { $0 != "`" }
            #expect(try label(command.1.split(separator: " ").map(String.init)) == String(shown))
        }

        @Test("totals are said on standard error")
        func totals() throws {
            let records = try LabelRecord.all(in: try Self.text.get())
            let outcome = try runProgram(["reward", "--label-with-rollouts"] + Self.call)
            let (labels, soft) = (records.flatMap(\.labels), records.flatMap(\.soft_labels))
            let good = Double(labels.count { $0 }) / Double(labels.count)
            let mean = soft.reduce(0, +) / Double(soft.count)
            let beginnings = Set(
                records.flatMap { record in
                    record.completions.indices.map { "\(record.problem_id) \(record.completions[...$0])" }
                })
            let expected = "reward: \(records.count) solutions of 9 problems, \(labels.count) steps, good ones \(decimals(good, 3)), "
                + "mean soft label \(decimals(mean, 3)); \(3 * beginnings.count) completions in "
            #expect(outcome.errors.split(separator: "\n").last?.hasPrefix(expected) == true, "\(outcome.errors)\n\(expected)")
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
            Mistake("no --label-with-rollouts", ["reward", "pathsum"], 64, ["--label-with-rollouts"]),
            Mistake("nowhere to go on", ["LABEL", "pathsum", "--resume"], 64, ["--resume goes with --output"]),
            Mistake("an empty name", ["LABEL", "pathsum", "--output", ""], 64, ["--output is empty"]),
            Mistake("no completions", ["LABEL", "pathsum", "--completions", "0"], 64, ["--completions is 0", "1 to 4096"]),
            Mistake("too many completions", ["LABEL", "pathsum", "--completions", "4097"], 64, ["--completions is 4097", "1 to 4096"]),
            Mistake("two temperatures", ["LABEL", "pathsum", "--temperature", "0.5,1"], 64, ["2 temperatures", "expected one"]),
            Mistake("temperature 0", ["LABEL", "pathsum", "--temperature", "0"], 64, ["--temperature is 0"]),
            Mistake("a missing file", ["LABEL", "nowhere.jsonl", "--model", "MODEL", "--output", "out"], 66, ["nowhere.jsonl"]),
            Mistake("a missing model", ["LABEL", "pathsum", "--model", "nowhere", "--output", "out"], 66, ["nowhere", "model"]),
            Mistake("no model", ["LABEL", "nowhere.jsonl", "--output", "out"], 78, ["no model", "--model"]),
            Mistake(
                "more tokens than the context", ["LABEL", "pathsum", "--max-new-tokens", "61", "--output", "out"], 78,
                ["context of 64", "answer of 61"]),
        ]

        @Test("mistakes are said once, with their exit code, and leave no file", arguments: mistakes)
        func refuses(_ mistake: Mistake) throws {
            let folder = try TemporaryFolder()
            let binaries = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            let model = binaries.appendingPathComponent("gfn-dist_gfn-dist.resources/Resources/pathsum-base").path
            let words = ["MODEL": [model], "LABEL": ["reward", "--label-with-rollouts"]]
            let arguments = mistake.arguments.flatMap { words[$0] ?? [$0] }
            let outcome = try runProgram(arguments, in: folder.path)
            #expect(outcome.status == mistake.status, "\(outcome.errors)")
            let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("gfn-dist: ") }
            #expect(lines.count == 1 && mistake.texts.allSatisfy { lines.first?.contains($0) == true }, "\(outcome.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }
    }
}
