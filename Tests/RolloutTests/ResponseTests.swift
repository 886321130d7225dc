import Foundation
import Testing

@testable import Rollout

@Suite("Answers in what models write")
struct ResponseTests {
    @Test("responses of every kind are right or wrong as a careful person says")
    func kinds() throws {
        var counts: [String: (right: Int, wrong: Int)] = [:]
        for row in try ownRows("responses.jsonl") {
            let (gold, response) = (try #require(row["gold"] as? String), try #require(row["response"] as? String))
            let (kind, right) = (row["kind"] as? String ?? "", try #require(row["right"] as? Bool))
            let found = AnswerExtraction.flexible(response)
            let verdict = Answer.judge(gold: AnswerExtraction.gold(gold), prediction: found ?? "")
            #expect(verdict.isEqual == right, "\(kind): \(gold) | \(response) should be \(right), but found \(found ?? "nothing"): \(verdict.reason)")
            let count = counts[kind] ?? (0, 0)
            counts[kind] = right ? (count.right + 1, count.wrong) : (count.right, count.wrong + 1)
        }
        for (kind, count) in counts { #expect(count.right >= 8 && count.wrong >= 8, "\(kind) has \(count)") }
        #expect(counts.count >= 12)
    }
}
