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

    /// The answer with the highest sum of weights, which are added in the order of the samples; among equals the one seen first. Samples
    /// without an answer do not vote.
    package static func majority(of answers: [String?], weights: [Double]) -> String? {
        precondition(answers.count == weights.count, "\(weights.count) weights of \(answers.count) answers")
        var votes: [String: Double] = [:]
        for case (let answer?, let weight) in zip(answers, weights) { votes[answer, default: 0] += weight }
        guard let most = votes.values.max() else { return nil }
        return answers.lazy.compactMap { $0 }.first { votes[$0] == most }
    }

    /// Where the highest of the values is; the first among equals.
    package static func firstHighest(of values: [Double]) -> Int {
        precondition(!values.isEmpty, "no values")
        return values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
    }
}

/// Nil for no values.
func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}
