import Foundation
import TestSupport
import Testing

@testable import Problems
@testable import Evaluation

@Suite("Metrics")
struct MetricTests {
    @Test("ROUGE-L has the values of rouge_score")
    func rouge() throws {
        for row in try metricRows("rouge_l.jsonl") {
            let score = RougeL.score(
                target: try #require(row["target"] as? String), prediction: try #require(row["prediction"] as? String))
            expectClose(
                [score.precision, score.recall, score.fMeasure],
                [try number(row["precision"]), try number(row["recall"]), try number(row["fmeasure"])],
                relative: 1e-9, "\(row["id"] ?? "")")
        }
    }

    @Test("the bit-parallel subsequence is as long as the table's, also beyond 64 and 128 tokens", arguments: [1, 63, 64, 65, 130])
    func subsequence(length: Int) {
        let a = (0..<length).map { "\(($0 * 7 + $0 / 5) % 11)" }
        let b = (0..<(length + 9)).map { "\(($0 * 5 + $0 / 3) % 13)" }
        var table = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
        for i in a.indices {
            for j in b.indices {
                table[i + 1][j + 1] = a[i] == b[j] ? table[i][j] + 1 : max(table[i][j + 1], table[i + 1][j])
            }
        }
        #expect(RougeL.longestCommonSubsequence(a, b) == table[a.count][b.count])
        #expect(RougeL.longestCommonSubsequence(a, a) == length)
    }

    @Test("distinct correct solutions are kept as the reference procedure keeps them")
    func distinct() throws {
        for row in try metricRows("distinct.jsonl") {
            let texts = try #require(row["texts"] as? [String])
            let correct = try #require(row["correct"] as? [Bool])
            for (threshold, kept) in try #require(row["kept"] as? [String: [Int]]) {
                let ours = DistinctSolutions.kept(
                    of: texts, correct: correct, threshold: try #require(Double(threshold)))
                #expect(ours == kept, "\(row["id"] ?? "") at \(threshold)")
            }
        }
    }

    @Test("equal texts are one solution in every script, and different ones are not")
    func scripts() {
        func count(_ texts: [String]) -> Int { DistinctSolutions.kept(of: texts, correct: texts.map { _ in true }, threshold: 0.7).count }
        for text in ["答案是七十三。", "ответ семь", "الجواب سبعة", "คำตอบคือเจ็ด", "七 + 三", "++", "", "η = θ"] { #expect(count([text, text, text]) == 1, "\(text)") }
        #expect(count(["ответ семь", "ответ восемь", "это сорок два"]) == 3)
        #expect(count(["先乘后加,得七十三。", "把所有苹果放在一起数。"]) == 2)
        #expect(count(["先乘后加,得七十三。", "先乘后加,得七十三"]) == 1)
        #expect(count(["++", "--", ""]) == 3)
        #expect(count(["共73个", "总共 73"]) == 1)
    }

    @Test("pass@k is the exact quotient of binomials")
    func passAtK() throws {
        for row in try metricRows("pass_at_k.jsonl") {
            let (n, c, k) = (Int(try number(row["n"])), Int(try number(row["c"])), Int(try number(row["k"])))
            expectClose(
                SampleMetrics.pass(at: k, samples: n, correct: c), try number(row["pass_at_k"]), relative: 0,
                absolute: 1e-12, "n \(n), c \(c), k \(k)")
        }
    }

    @Test("the majority is the most frequent answer, the first seen among equals")
    func majority() throws {
        for row in try metricRows("majority.jsonl") {
            let answers = try #require(row["answers"] as? [String])
            #expect(SampleMetrics.majority(of: answers) == row["majority"] as? String)
        }
        #expect(SampleMetrics.majority(of: [nil, nil, "4"]) == "4")
        #expect(SampleMetrics.majority(of: [nil]) == nil)
    }
}
