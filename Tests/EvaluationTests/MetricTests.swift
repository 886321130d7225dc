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
}
