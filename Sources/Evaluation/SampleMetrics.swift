package import Problems

/// Numbers that several samples of one problem yield.
package enum SampleMetrics {
    /// The unbiased estimate of pass@k from n samples of which c are correct: `1 − C(n−c, k) / C(n, k)` (Chen et al. 2021).
    package static func pass(at k: Int, samples n: Int, correct c: Int) -> Double {
        precondition(0 <= c && c <= n && 1 <= k && k <= n, "pass@\(k) of \(n) samples, \(c) correct")
        guard n - c >= k else { return 1 }
        var noneCorrect = 1.0
        for i in stride(from: n - c + 1, through: n, by: 1) { noneCorrect *= Double(i - k) / Double(i) }
        return 1 - noneCorrect
    }

    /// The most frequent answer; among equals the one seen first. Samples without an answer do not vote.
    package static func majority(of answers: [String?]) -> String? {
        var votes: [String: Int] = [:]
        for case let answer? in answers { votes[answer, default: 0] += 1 }
        guard let most = votes.values.max() else { return nil }
        return answers.lazy.compactMap { $0 }.first { votes[$0] == most }
    }
}

/// All samples of one problem, judged.
package struct ProblemSamples: Sendable {
    package struct Sample: Sendable {
        package var text: String
        package var verdict: Verdict
        /// Response tokens, with ⊤ if it was emitted.
        package var length: Int
        /// Mean entropy of the policy's next-token distribution along the response, in nats; nil if it was not measured.
        package var entropyPerToken: Double?

        package init(text: String, verdict: Verdict, length: Int, entropyPerToken: Double? = nil) {
            self.text = text
            self.verdict = verdict
            self.length = length
            self.entropyPerToken = entropyPerToken
        }
    }

    package var samples: [Sample]

    package init(_ samples: [Sample]) { self.samples = samples }

    var correct: [Bool] { samples.map(\.verdict.isCorrect) }

    package var accuracy: Double { mean(correct.map { $0 ? 1 : 0 }) ?? 0 }

    package func pass(at k: Int) -> Double {
        SampleMetrics.pass(at: k, samples: samples.count, correct: correct.count { $0 })
    }

    /// 1 if the majority answer of the first k samples is right, else 0.
    package func majority(at k: Int) -> Double {
        let voters = samples.prefix(k)
        guard let answer = SampleMetrics.majority(of: voters.map(\.verdict.answer)) else { return 0 }
        return voters.contains { $0.verdict.answer == answer && $0.verdict.isCorrect } ? 1 : 0
    }

    package var distinctExact: Double {
        Double(DistinctSolutions.exactCount(of: samples.map(\.text), correct: correct))
    }

    package func distinct(thresholds: [Double]) -> [Double] {
        let solutions = DistinctSolutions(texts: samples.map(\.text), correct: correct)
        return solutions.counts(thresholds: thresholds, method: .greedy).map { Double($0.count) }
    }

    package var meanLength: Double { mean(samples.map { Double($0.length) }) ?? 0 }

    package var entropyPerToken: Double? { mean(samples.compactMap(\.entropyPerToken)) }
}

/// Nil for no values.
func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}
