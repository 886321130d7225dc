import Foundation
import TestSupport
import Testing

@testable import Problems
@testable import Evaluation

@Suite("Metrics")
struct MetricTests {
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
