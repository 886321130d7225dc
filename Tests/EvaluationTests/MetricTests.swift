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

    private func problem(_ verdicts: [(String, Bool)]) -> ProblemSamples {
        ProblemSamples(
            verdicts.map { answer, isCorrect in
                ProblemSamples.Sample(
                    text: "the answer is \(answer)", verdict: Verdict(isCorrect ? .correct : .wrong, answer: answer),
                    length: 4, entropyPerToken: 0.5)
            })
    }

    @Test("a summary's values are means over problems")
    func summary() throws {
        let problems = [
            problem([("1", true), ("1", true), ("2", false), ("3", false)]),
            problem([("5", false), ("5", false), ("6", true), ("7", false)]),
        ]
        let summary = try #require(TemperatureSummary(problems, resamples: 200))
        expectClose(summary.accuracy.value, 0.375)
        expectClose(try #require(summary.passAt[1]).value, 0.375)
        expectClose(try #require(summary.passAt[2]).value, (1 - 1.0 / 6 + 0.5) / 2)
        expectClose(try #require(summary.passAt[4]).value, 1)
        expectClose(try #require(summary.majorityAt[4]).value, 0.5)
        expectClose(try #require(summary.distinctCorrect["exact"]).value, 1)
        expectClose([summary.meanLength.value, try #require(summary.entropyPerToken).value], [4, 0.5])
        #expect(summary.accuracy.low <= 0.375 && summary.accuracy.high >= 0.375)
        #expect(summary.accuracy.low >= 0.25 && summary.accuracy.high <= 0.5)
        #expect(try summary == #require(TemperatureSummary(problems, resamples: 200)))
        #expect(TemperatureSummary([]) == nil)
    }

    @Test("the encoded evaluation has the fields that scripts rely on")
    func encoding() throws {
        let problems = [problem([("1", true), ("2", false)]), problem([("3", false), ("4", false)])]
        let exact = ExactDistance(logPolicy: [-1, -2], logReward: [0, 0.5])
        let evaluation = EvaluationSummary(
            dataset: "pathsum", problems: 2, samplesPerProblem: 2, policyVersion: 400, adapterSHA256: "ab",
            temperatures: [1.0: try #require(TemperatureSummary(problems, resamples: 50))], exact: ExactSummary([exact]))
        let data = try evaluation.json()
        #expect(try data == evaluation.json())
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(object["dataset"] as? String == "pathsum" && object["samples_per_problem"] as? Int == 2)
        #expect(object["policy_version"] as? Int == 400 && object["adapter_sha256"] as? String == "ab")
        let all = try #require(object["temperatures"] as? [String: [String: Any]])
        let one = try #require(all["1.0"])
        expectClose(try number(one["accuracy"]), 0.25)
        #expect((one["accuracy_interval"] as? [Double])?.count == 2)
        expectClose(try number((one["pass_at"] as? [String: Any])?["2"]), 0.5)
        #expect((one["maj_at"] as? [String: Any])?["2_interval"] != nil)
        let distinct = try #require(one["distinct_correct"] as? [String: Any])
        #expect(Set(["exact", "rouge_l_0.6", "rouge_l_0.7", "rouge_l_0.8"]).isSubset(of: distinct.keys))
        let values = try #require(object["exact"] as? [String: Any])
        expectClose(try number(values["correct_mass"]), exp(-1.0) + exp(-2.0))
        for key in ["total_variation", "kl_target_policy", "kl_policy_target", "log_z_gap"] { #expect(values[key] != nil) }
        #expect(evaluation.table.contains("accuracy") && evaluation.table.contains("0.250"))
    }
}
