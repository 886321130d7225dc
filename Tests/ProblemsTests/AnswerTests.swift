import Foundation
import TestSupport
import Testing

@testable import Problems

/// The rows of a fixture that is our own.
func ownRows(_ name: String) throws -> [[String: Any]] {
    let text = try String(contentsOf: fixtureFolder().appendingPathComponent(name), encoding: .utf8)
    return try text.split(separator: "\n").map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
}

@Suite("Answers")
struct AnswerTests {
    @Test("pairs of gold and prediction judged by hand before the checker was written are judged alike")
    func heldOut() throws {
        try compare(ownRows("answers_heldout.jsonl"), prediction: "prediction")
    }

    @Test("pairs of the reference are judged as a careful person judges them")
    func reference() throws {
        try compare(metricRows("answers.jsonl"), prediction: "bare_prediction")
    }

    @Test("numbers are found in what a model said, and judged as a careful person judges them")
    func inText() throws {
        var judged = 0
        for row in try metricRows("answers.jsonl") {
            guard let expected = row["judgement"] as? Bool else { continue }
            let (gold, text) = (try #require(row["gold"] as? String), try #require(row["text"] as? String))
            guard case .expression(let value, _)? = Answer(gold).value, value.constant != nil, !text.contains("frac") || text.contains("boxed") else { continue }
            judged += 1
            let found = AnswerExtraction.flexible(text) ?? ""
            #expect(Answer.areEquivalent(gold, found) == expected, "\(gold) | \(text) should be \(expected), found \(found)")
        }
        #expect(judged > 100)
    }

    private func compare(_ rows: [[String: Any]], prediction: String) throws {
        var (judged, shared) = (0, 0)
        for row in rows {
            guard let expected = row["judgement"] as? Bool else { continue }
            let (gold, prediction) = (try #require(row["gold"] as? String), try #require(row[prediction] as? String))
            let verdict = Answer.judge(gold: gold, prediction: prediction)
            judged += 1
            shared += verdict.isEqual == expected ? 1 : 0
            #expect(verdict.isEqual == expected, "\(gold) | \(prediction) should be \(expected), but: \(verdict.reason)")
            #expect(verdict.steps <= StepBudget.perPair)
        }
        print("answers: \(shared) of \(judged) judgements shared")
        #expect(judged > 0)
    }
}
