import Foundation
import Model
import TestSupport
import Testing

@testable import Problems

@Suite("Problems and answers")
struct ProblemTests {
    @Test("answers are extracted as the reference extracts them")
    func extraction() throws {
        for row in try metricRows("extraction.jsonl") {
            let text = try #require(row["text"] as? String)
            let ours = row["kind"] as? String == "gsm8k" ? AnswerExtraction.gsm8k(text) : AnswerExtraction.lastBoxed(text)
            #expect(ours == row["extracted"] as? String, "\(row["id"] ?? ""): \(text.suffix(80))")
        }
    }

    @Test("the last number carries its sign, and no minus of a subtraction")
    func lastNumber() {
        #expect(LoneQuantity.last(in: "it is -5.") == "-5")
        #expect(LoneQuantity.last(in: "10-3 = 7 of 10-3") == nil)
        #expect(LoneQuantity.last(in: "costs $1,234.50 in all.") == "$1,234.50")
        #expect(LoneQuantity.last(in: "half, 1/2, remain") == "1/2")
        #expect(LoneQuantity.last(in: "none") == nil)
    }

    @Test("all accepted shapes give prompt, solution and gold answer")
    func shapes() throws {
        let lines = #"""
            {"question": "How many?", "answer": "48/2 = <<48/2=24>>24\n#### 1,024"}
            {"question": "Bare?", "answer": 7}

            {"problem": "Find x.", "solution": "So $\\boxed{\\frac12}$.", "level": 3}
            {"problem": "Find y.", "answer": "3", "solution": "\\boxed{4}"}
            {"prompt": "P", "completion": "text\n#### 5"}
            {"messages": [{"role": "user", "content": "U"}, {"role": "assistant", "content": "The answer is 6"}]}
            {"problem": "No answer.", "answer": ""}
            """#
        let problems = try ProblemFile.parse(Array(lines.utf8), path: "x.jsonl")
        #expect(problems.map(\.answer) == ["1,024", "7", "\\frac12", "3", "5", "6", nil])
        #expect(problems.map { $0.messages.last?.content } == ["How many?", "Bare?", "Find x.", "Find y.", "P", "U", "No answer."])
        #expect(problems[1].solution == nil && problems[5].solution == "The answer is 6")
        #expect(WordProblems.withoutNotes(problems[0].solution ?? "") == "48/2 = 24\n#### 1,024")
    }
}
