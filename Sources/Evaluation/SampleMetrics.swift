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

/// Nil for no values.
func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}
