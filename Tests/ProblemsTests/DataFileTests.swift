import Foundation
import Model
import TestSupport
import Testing

@testable import Problems

@Suite("Data files")
struct DataFileTests {
    private func error(_ text: String) -> String {
        do throws(DataFileError) {
            _ = try ProblemFile.parse(Array(text.utf8), path: "p")
            return ""
        } catch { return "\(error)" }
    }

    @Test(
        "a bad line is reported with its number, the field, what was expected and what was found",
        arguments: [
            ("{\"question\": \"a\", \"answer\": \"1\"}\n\n{oops", "p:3: expected a JSON object with a key in quotes at byte 1, found 'o'"),
            ("[1]", "p:1: expected a JSON object, found an array of 1"),
            ("{\"b\": 1, \"a\": 2}", "p:1: expected a prompt, question, problem or query with an answer or a solution, or messages, found the fields b, a"),
            ("{\"question\": [], \"answer\": \"1\"}", "p:1: question: expected a text, found an array of 0"),
            ("{\"problem\": \"a\", \"answer\": true}", "p:1: answer: expected a text, found true"),
            ("{\"messages\": [3]}", "p:1: messages[0]: expected an object, found 3"),
            ("{\"messages\": [{\"role\": \"user\"}]}", "p:1: messages[0].content: expected a text, found nothing"),
            ("{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}", "p:1: messages: expected a turn of the user, and at most one reply after it, found an array of 1"),
            ("{\"problem\": \"cut", "p:1: expected a JSON object with the closing quote at byte 16, found the end of the text"),
            (String(repeating: "[", count: 100_000), "p:1: expected a JSON object with at most 64 levels of nesting at byte 65, found '['"),
            ("\n", "p has no problems"), ("", "p has no problems"), ("\u{FEFF}", "p has no problems"),
        ])
    func badLines(text: String, message: String) {
        #expect(error(text) == message)
    }

    @Test("lines may end in CRLF, the last one need not end, a byte order mark and blank lines are skipped")
    func lineEnds() throws {
        let text = "\u{FEFF}{\"problem\": \"a\", \"answer\": 1}\r\n\r\n \t\n{\"problem\": \"b\", \"answer\": 2.5}"
        let problems = try ProblemFile.parse(Array(text.utf8), path: "p")
        #expect(problems.map(\.line) == [1, 4])
        #expect(problems.map(\.answer) == ["1", "2.5"])
    }

    @Test("bytes that are no UTF-8 are a bad line, and the lines around it are read")
    func encoding() {
        let bytes = Array("{\"problem\": \"a\"}\n{\"problem\": \"".utf8) + [0xFF, 0xC3] + Array("\"}\n{\"problem\": 3e999}\n".utf8)
        #expect {
            try ProblemFile.parse(bytes, path: "p")
        } throws: {
            "\($0)" == "p:2: expected UTF-8 text, found invalid UTF-8\np:3: expected a JSON object with a finite number at byte 12, found 3e999"
        }
    }

    @Test("all bad lines are counted, and the first twenty shown")
    func manyBadLines() {
        let lines = error((0..<30).map { $0 % 2 == 0 ? "{\"problem\": \"\($0)\"}" : "{}" }.joined(separator: "\n") + String(repeating: "\nx", count: 50)).split(separator: "\n")
        #expect(lines.count == 21)
        #expect(lines.first == "p:2: expected a prompt, question, problem or query with an answer or a solution, or messages, found no fields")
        #expect(lines.last == "p: 45 more bad lines")
    }

    @Test("a line beyond the bound is refused without being kept, and what follows it is read")
    func longLine() throws {
        let bytes = Array("{\"problem\": \"a\"}\n".utf8) + [UInt8](repeating: 0x41, count: JSONLines.longestLine + 100_000) + Array("\n{\"problem\": 1}\n[]".utf8)
        #expect {
            try ProblemFile.parse(bytes, path: "p")
        } throws: {
            "\($0)" == "p:2: expected at most 32 MB, found a longer line\np:4: expected a JSON object, found an array of 0"
        }
    }

    @Test("a file that is not there and a folder are errors that name it")
    func missing() {
        let folder = FileManager.default.temporaryDirectory.path
        #expect { try ProblemFile.read("/nowhere/at-all.jsonl") } throws: { "\($0)" == "/nowhere/at-all.jsonl cannot be read: there is no such file" }
        #expect { try SampleFile.read(folder) } throws: { "\($0)" == "\(folder) cannot be read: it is a folder" }
    }

    @Test("a file is read as its bytes in memory are, whatever falls on the end of a chunk")
    func chunks() throws {
        let lines = (0..<4000).map { "{\"problem\": \"\(String(repeating: "é", count: $0 % 97))\", \"answer\": \($0)}" }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-\(UUID().uuidString).jsonl")
        try Data(lines.joined(separator: "\r\n").utf8).write(to: file)
        let problems = try ProblemFile.read(file.path)
        try FileManager.default.removeItem(at: file)
        #expect(problems.map(\.answer) == (0..<4000).map { "\($0)" } && problems.map(\.line) == Array(1...4000))
    }

    @Test("steps with labels are read in all three shapes")
    func steps() throws {
        let lines = #"""
            {"input": "How many? Step 1: 1+1=2. ки\nStep 2: So 3. The answer is: 3 ки", "label": "How many? Step 1: 1+1=2. +\nStep 2: So 3. The answer is: 3 -", "task": "GSM8K"}
            {"prompt": "P", "completions": ["a", "b"], "labels": [true, 0], "answer": "8"}
            {"question": {"problem": "Q", "ground_truth_answer": "29"}, "label": {"steps": [{"completions": [{"text": "x", "rating": -1}, {"text": "y", "rating": 1}], "human_completion": null, "chosen_completion": 1}, {"completions": [{"text": "z", "rating": 0}], "human_completion": {"text": "h"}, "chosen_completion": null}, {"completions": [{"text": "u", "rating": null}, {"text": "v", "rating": -1}], "chosen_completion": null}, {"completions": []}], "finish_reason": "found_error"}}
            """#
        let read = try StepLabelFile.parse(Array(lines.utf8), path: "p")
        #expect(read.map(\.prompt) == ["How many?", "P", "Q"] && read.map(\.answer) == ["3", "8", "29"] && read.map(\.line) == [1, 2, 3])
        #expect(read[0].steps == [.init("Step 1: 1+1=2.", .good), .init("Step 2: So 3. The answer is: 3", .bad)])
        #expect(read[1].steps == [.init("a", .good), .init("b", .bad)])
        #expect(read[2].steps == [.init("y", .good), .init("h", .good), .init("u", nil)])
        #expect(read[2].alternatives == [.init(after: 0, .init("x", .bad)), .init(after: 1, .init("z", .neutral)), .init(after: 2, .init("v", .bad))])
    }

    @Test("soft and exact labels stand beside hard ones, or numbers in their place; null is a step that nobody judged")
    func softLabels() throws {
        let lines = #"""
            {"prompt": "P", "completions": ["a", "b"], "labels": [true, false], "soft_labels": [0.25, 0], "exact_labels": [true, true]}
            {"prompt": "P", "completions": ["a", "b", "c"], "labels": [0.5, 0.125, null]}
            """#
        let read = try StepLabelFile.parse(Array(lines.utf8), path: "p")
        #expect(read[0].steps == [.init("a", .good, share: 0.25, exact: true), .init("b", .bad, share: 0, exact: true)])
        #expect(read[1].steps == [.init("a", .good, share: 0.5), .init("b", .bad, share: 0.125), .init("c", nil)])
    }

    @Test(
        "steps whose labels do not fit are bad lines",
        arguments: [
            (#"{"input": "Q Step 1: a ки", "label": "Q Step 1: a ки"}"#, "label: expected the input with + or - for each ки (step 1), found \"Q Step 1: a ки\""),
            (#"{"input": "Q Step 1: a ки", "label": "Q Step 1: b +"}"#, "label: expected the input with + or - for each ки (step 1), found \"Q Step 1: b +\""),
            (#"{"input": "Q a ки", "label": "Q a +"}"#, "input: expected a question and then 'Step 1:', found \"Q a ки\""),
            (#"{"input": "Q", "label": "Q"}"#, "input: expected steps that each end in ки, found \"Q\""),
            (#"{"prompt": "P", "completions": ["a"], "labels": []}"#, "labels: expected as many labels as there are completions, 1, found an array of 0"),
            (#"{"prompt": "P", "completions": ["a"], "labels": [2]}"#, "labels[0]: expected a list of true and false, or of numbers from 0 to 1, found 2"),
            (#"{"prompt": "P", "completions": ["a"], "labels": [true], "soft_labels": [1.5]}"#, "soft_labels[0]: expected a list of true and false, or of numbers from 0 to 1, found 1.5"),
            (#"{"prompt": "P", "completions": ["a"], "labels": [true], "soft_labels": [0.5, 1]}"#, "soft_labels: expected as many labels as there are completions, 1, found an array of 2"),
            (#"{"prompt": "P", "completions": ["a"], "labels": [true], "exact_labels": []}"#, "exact_labels: expected as many labels as there are completions, 1, found an array of 0"),
            (#"{"prompt": "P", "completions": ["a", 7], "labels": [1, 1]}"#, "completions[1]: expected a list of texts, found 7"),
            (#"{"question": {"problem": "Q"}, "label": {"steps": [{"completions": [], "chosen_completion": 0}]}}"#, "label.steps[0].chosen_completion: expected the number of a completion, below 0, found 0"),
            (#"{"question": {"problem": "Q"}, "label": {"steps": [{"completions": [{"text": "a", "rating": 5}]}]}}"#, "label.steps[0].completions[0].rating: expected -1, 0 or 1, found 5"),
            (#"{"question": {"problem": "Q"}, "label": {"steps": []}}"#, "label: expected at least one step, found an object of 1"),
        ])
    func badSteps(line: String, message: String) {
        #expect { try StepLabelFile.parse(Array(line.utf8), path: "p") } throws: { "\($0)" == "p:1: \(message)" }
    }

    @Test("preferences are read as texts and as conversations")
    func preferences() throws {
        let lines = #"""
            {"prompt": "P", "chosen": "a", "rejected": "b"}
            {"prompt": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}], "chosen": [{"role": "assistant", "content": "c"}], "rejected": "d"}
            """#
        let read = try PreferenceFile.parse(Array(lines.utf8), path: "p")
        #expect(read.map { $0.prompt.map(\.content) } == [["P"], ["S", "U"]])
        #expect(read.map(\.chosen) == ["a", "c"] && read.map(\.rejected) == ["b", "d"])
        #expect { try PreferenceFile.parse(Array(#"{"prompt": "P", "chosen": "a"}"#.utf8), path: "p") } throws: {
            "\($0)" == "p:1: rejected: expected a text, found nothing"
        }
    }

    @Test("samples need a problem and a text; all else may be there")
    func samples() throws {
        let lines = #"""
            {"problem_id": 7, "text": ""}
            {"problem_id": "test/1", "sample_index": 2, "prompt": "P", "text": "t", "tokens": [1, 2], "logprob": -3, "temperature": 0.7, "dataset": "d.jsonl", "entropy": 0.25, "stop": "length", "answer": null, "correct": false, "reward": 0.5, "process_reward": 0.75, "policy_version": 4, "more": {}}
            """#
        let read = try SampleFile.parse(Array(lines.utf8), path: "p")
        #expect(read[0] == SampleRecord(problemID: "7", text: "", line: 1))
        #expect(
            read[1]
                == SampleRecord(
                    problemID: "test/1", sampleIndex: 2, dataset: "d.jsonl", temperature: 0.7, prompt: "P", text: "t", tokens: [1, 2],
                    logProbability: -3, entropy: 0.25, isFinished: false, answer: nil, isCorrect: false, reward: 0.5, processReward: 0.75,
                    policyVersion: 4, line: 2))
        #expect { try SampleFile.parse(Array(#"{"problem_id": 7, "tokens": [1]}"#.utf8), path: "p") } throws: {
            "\($0)" == "p:1: text: expected a text, found nothing"
        }
        for (field, value) in [("stop", #""max""#), ("temperature", "-1"), ("process_reward", "1.5"), ("process_reward", "-0.5")] {
            #expect(throws: DataFileError.self) {
                try SampleFile.parse(Array(#"{"problem_id": 7, "text": "", "\#(field)": \#(value)}"#.utf8), path: "p")
            }
        }
    }

    /// Published rows; there are none in the package.
    @Test("published files with step labels are read to the last row", .enabled(if: ProcessInfo.processInfo.environment["GFN_DATA"] != nil))
    func published() throws {
        let folder = try #require(ProcessInfo.processInfo.environment["GFN_DATA"]) + "/prm"
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where name.hasSuffix(".jsonl") {
            let lines = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8).split(separator: "\n").count
            let solutions = try StepLabelFile.read("\(folder)/\(name)")
            #expect(solutions.count == lines && solutions.allSatisfy { !$0.steps.isEmpty && !$0.prompt.isEmpty })
            print("\(name): \(lines) rows, \(solutions.reduce(0) { $0 + $1.steps.count }) steps, \(solutions.reduce(0) { $0 + $1.alternatives.count }) alternatives")
        }
    }
}
