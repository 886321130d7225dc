import Foundation
import TestSupport
import Testing

@testable import Problems

@Suite("Rules for final answers")
struct AnswerRuleTests {
    @Test("the strict and flexible rules of the evaluation harness extract and judge as its own expressions do")
    func harness() throws {
        var texts = 0
        for row in try ownRows("harness.jsonl") {
            let (text, gold) = (try #require(row["text"] as? String), try #require(row["gold"] as? String))
            #expect(HarnessRule.strict.extracted(from: text) == row["strict"] as? String, "\(text)")
            #expect(HarnessRule.flexible.extracted(from: text) == row["flexible"] as? String, "\(text)")
            #expect(HarnessRule.strict.isCorrect(text, gold: gold) == row["strict_correct"] as? Bool, "\(text) | \(gold)")
            #expect(HarnessRule.flexible.isCorrect(text, gold: gold) == row["flexible_correct"] as? Bool, "\(text) | \(gold)")
            texts += 1
        }
        #expect(texts > 300)
    }

    @Test(
        "the reward takes what a text states as its answer, and never a part of a formula or of a list",
        arguments: [
            ("so\n#### 18", "18"), ("#### 5\n#### 7 apples\nmore", "7 apples"), ("I get \\boxed{1}, no, \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
            ("The answer is 18. That is 3 more.", "18"), ("**Answer:** 1,234", "1,234"), ("THE ANSWER IS: 3.5", "3.5"), ("x = 5", "x = 5"), ("7 or 8", "7 or 8"),
            ("she has 12 left.", "12"), ("it costs -$5", "-$5"), ("the probability is \\frac{1}{2}", nil), ("the area is x^2", nil), ("", nil),
            ("\\boxed{5", nil),
        ] as [(String, String?)])
    func flexible(text: String, answer: String?) {
        #expect(AnswerExtraction.flexible(text) == answer)
    }
}
