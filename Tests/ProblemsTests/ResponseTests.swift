import Foundation
import TestSupport
import Testing

@testable import Problems

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

    @Test("gold answers are read whole, from the last mark, in all shapes")
    func golds() throws {
        for row in try ownRows("golds.jsonl") {
            let line = try JSONSerialization.data(withJSONObject: try #require(row["record"]))
            let problem = try #require(try ProblemFile.parse([UInt8](line), path: "golds.jsonl").first)
            #expect(problem.answer == row["gold"] as? String, "\(row)")
            if let gold = problem.answer { #expect(Answer(gold).isReadable, "\(gold)") }
        }
    }

    @Test("of worked solutions with a box, the marked answer is the last box")
    func boxes() throws {
        for row in try metricRows("extraction.jsonl") where row["kind"] as? String == "last_boxed" {
            guard let text = row["text"] as? String, let boxed = row["extracted"] as? String, !boxed.isEmpty, !text.contains("####")
            else { continue }
            #expect(AnswerExtraction.stated(text) == boxed, "\(text)")
        }
    }

    @Test("golds that are missing or unread are counted with their lines")
    func unread() {
        let texts: [String?] = ["5", nil, "no", "3 +", nil]
        let problems = texts.enumerated().map { Problem(messages: [], solution: nil, answer: $1, line: $0 + 1) }
        let golds = UnreadGolds(problems, texts.map { $0.map { Answer($0) } })
        #expect(golds.missing(of: "f") == "2 problems of f have no gold answer (lines 2, 5)")
        #expect(golds.unread(of: "f") == "1 gold answer of f cannot be read (line 4: 3 +)")
        #expect(!golds.areAllMissing && UnreadGolds([problems[1]], [nil]).areAllMissing)
        #expect(UnreadGolds([problems[0]], [Answer("5")]).missing(of: "f") == nil)
    }
}
