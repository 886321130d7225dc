package import Foundation
package import Problems
internal import Tensor

/// A mean over problems and its 95 % interval.
package struct Estimate: Sendable, Equatable {
    package var value: Double
    package var low: Double
    package var high: Double

    package init(value: Double, low: Double, high: Double) {
        (self.value, self.low, self.high) = (value, low, high)
    }
}

/// What one temperature yields; a key that is absent was not measured.
package struct TemperatureSummary: Sendable, Equatable {
    package var accuracy: Estimate
    /// By k.
    package var passAt: [Int: Estimate]
    package var majorityAt: [Int: Estimate]
    /// "exact" and "rouge_l_0.6" and so on.
    package var distinctCorrect: [String: Estimate]
    package var meanLength: Estimate
    package var entropyPerToken: Estimate?
    /// The share of the samples by the reason of their verdict.
    package var verdicts: [Verdict.Reason: Double]

    package static let rougeThresholds = [0.6, 0.7, 0.8]

    /// Summarises `problems`, each with the same number of samples. Nil when there is nothing to summarise.
    ///
    /// Intervals are percentiles of bootstrap resamples of problems, the same ones for every value and every caller.
    package init?(_ problems: [ProblemSamples], resamples: Int = 1000, seed: UInt64 = 0) {
        let counts = Set(problems.map(\.samples.count))
        guard let count = counts.min(), count > 0 else { return nil }
        let powers = Self.sampleCounts(upTo: count)
        var columns: [[Double]] = [problems.map(\.accuracy), problems.map(\.meanLength), problems.map(\.distinctExact)]
        let distinct = problems.map { $0.distinct(thresholds: Self.rougeThresholds) }
        columns += Self.rougeThresholds.indices.map { index in distinct.map { $0[index] } }
        columns += powers.map { k in problems.map { $0.pass(at: k) } }
        columns += powers.map { k in problems.map { $0.majority(at: k) } }
        let entropies = problems.compactMap(\.entropyPerToken)
        if entropies.count == problems.count { columns.append(entropies) }

        verdicts = Verdict.shares(of: problems.flatMap { $0.samples.map(\.verdict.reason) })
        let estimates = Self.bootstrap(columns, resamples: resamples, seed: seed)
        accuracy = estimates[0]
        meanLength = estimates[1]
        distinctCorrect = ["exact": estimates[2]]
        for (index, threshold) in Self.rougeThresholds.enumerated() {
            distinctCorrect["rouge_l_\(threshold)"] = estimates[3 + index]
        }
        let first = 3 + Self.rougeThresholds.count
        passAt = Dictionary(uniqueKeysWithValues: zip(powers, estimates[first...]))
        majorityAt = Dictionary(uniqueKeysWithValues: zip(powers, estimates[(first + powers.count)...]))
        entropyPerToken = entropies.count == problems.count ? estimates.last : nil
    }

    /// 1, 2, 4, … and the number of samples itself.
    static func sampleCounts(upTo count: Int) -> [Int] {
        var powers: [Int] = []
        var k = 1
        while k < count {
            powers.append(k)
            k *= 2
        }
        return powers + [count]
    }

    /// Mean and 2.5 and 97.5 percentiles of each column over resampled rows.
    static func bootstrap(_ columns: [[Double]], resamples: Int, seed: UInt64) -> [Estimate] {
        let rows = columns.first?.count ?? 0
        var random = RandomStream(seed: seed, purpose: .bootstrap)
        var means = [[Double]](repeating: [], count: columns.count)
        for _ in 0..<(rows > 1 ? resamples : 0) {
            let drawn = (0..<rows).map { _ in random.index(below: rows) }
            for (index, column) in columns.enumerated() {
                means[index].append(drawn.reduce(0) { $0 + column[$1] } / Double(rows))
            }
        }
        return zip(columns, means).map { column, means in
            let value = mean(column) ?? 0
            let sorted = means.sorted()
            guard !sorted.isEmpty else { return Estimate(value: value, low: value, high: value) }
            func percentile(_ share: Double) -> Double { sorted[Int((share * Double(sorted.count - 1)).rounded())] }
            return Estimate(value: value, low: percentile(0.025), high: percentile(0.975))
        }
    }
}

/// The mean over problems of their exact distances.
package struct ExactSummary: Sendable, Equatable {
    package var totalVariation, targetToPolicy, policyToTarget, logPartitionGap, correctMass, effectiveCount: Estimate

    /// Nil when there are none.
    package init?(_ distances: [ExactDistance], resamples: Int = 1000, seed: UInt64 = 0) {
        guard !distances.isEmpty else { return nil }
        let estimates = TemperatureSummary.bootstrap(
            [
                distances.map(\.totalVariation), distances.map(\.targetToPolicy), distances.map(\.policyToTarget),
                distances.map(\.logPartitionGap), distances.map(\.correctMass), distances.map(\.effectiveCount),
            ], resamples: resamples, seed: seed)
        (totalVariation, targetToPolicy, policyToTarget) = (estimates[0], estimates[1], estimates[2])
        (logPartitionGap, correctMass, effectiveCount) = (estimates[3], estimates[4], estimates[5])
    }
}

/// The contents of `evaluation.json`, and of `evaluate --json`.
///
/// Beside a value `name` stands `name_interval`, its 95 % interval [low, high].
package struct EvaluationSummary: Sendable, Equatable, Encodable {
    package var dataset: String
    package var problems: Int
    package var samplesPerProblem: Int
    package var policyVersion: Int
    package var adapterSHA256: String?
    package var temperatures: [Double: TemperatureSummary]
    package var exact: ExactSummary?

    package init(
        dataset: String, problems: Int, samplesPerProblem: Int, policyVersion: Int, adapterSHA256: String?,
        temperatures: [Double: TemperatureSummary], exact: ExactSummary? = nil
    ) {
        self.dataset = dataset
        self.problems = problems
        self.samplesPerProblem = samplesPerProblem
        self.policyVersion = policyVersion
        self.adapterSHA256 = adapterSHA256
        self.temperatures = temperatures
        self.exact = exact
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ text: String) { stringValue = text }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private typealias Object = KeyedEncodingContainer<Key>

    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(dataset, forKey: Key("dataset"))
        try object.encode(problems, forKey: Key("problems"))
        try object.encode(samplesPerProblem, forKey: Key("samples_per_problem"))
        try object.encode(policyVersion, forKey: Key("policy_version"))
        try object.encodeIfPresent(adapterSHA256, forKey: Key("adapter_sha256"))
        var all = object.nestedContainer(keyedBy: Key.self, forKey: Key("temperatures"))
        for (temperature, summary) in temperatures {
            var one = all.nestedContainer(keyedBy: Key.self, forKey: Key("\(temperature)"))
            try Self.encode(summary, into: &one)
        }
        if let exact {
            var values = object.nestedContainer(keyedBy: Key.self, forKey: Key("exact"))
            try Self.encode(exact.totalVariation, as: "total_variation", into: &values)
            try Self.encode(exact.targetToPolicy, as: "kl_target_policy", into: &values)
            try Self.encode(exact.policyToTarget, as: "kl_policy_target", into: &values)
            try Self.encode(exact.logPartitionGap, as: "log_z_gap", into: &values)
            try Self.encode(exact.correctMass, as: "correct_mass", into: &values)
            try Self.encode(exact.effectiveCount, as: "effective_solutions", into: &values)
        }
    }

    private static func encode(_ summary: TemperatureSummary, into object: inout Object) throws {
        try encode(summary.accuracy, as: "accuracy", into: &object)
        try encode(summary.meanLength, as: "mean_length", into: &object)
        if let entropy = summary.entropyPerToken { try encode(entropy, as: "entropy_per_token", into: &object) }
        for (key, values) in [("pass_at", summary.passAt), ("maj_at", summary.majorityAt)] {
            var nested = object.nestedContainer(keyedBy: Key.self, forKey: Key(key))
            for (k, estimate) in values { try encode(estimate, as: "\(k)", into: &nested) }
        }
        var shares = object.nestedContainer(keyedBy: Key.self, forKey: Key("verdicts"))
        for (reason, share) in summary.verdicts { try shares.encode(share, forKey: Key(reason.rawValue)) }
        var nested = object.nestedContainer(keyedBy: Key.self, forKey: Key("distinct_correct"))
        for (kind, estimate) in summary.distinctCorrect { try encode(estimate, as: kind, into: &nested) }
    }

    private static func encode(_ estimate: Estimate, as key: String, into object: inout Object) throws {
        try object.encode(estimate.value, forKey: Key(key))
        try object.encode([estimate.low, estimate.high], forKey: Key(key + "_interval"))
    }

    /// One JSON object with sorted keys. Throws `EncodingError` if a value is not a finite number.
    package func json(pretty: Bool = false) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = pretty ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    /// A table of fixed width for people: a row per temperature.
    package var table: String {
        let k = samplesPerProblem
        let header = ["temp", "accuracy", "pass@\(k)", "maj@\(k)", "distinct", "rl 0.6", "rl 0.7", "rl 0.8", "length", "entropy"]
        var rows = [header]
        for (temperature, summary) in temperatures.sorted(by: { $0.key < $1.key }) {
            let estimates: [Estimate?] =
                [summary.accuracy, summary.passAt[k], summary.majorityAt[k], summary.distinctCorrect["exact"]]
                + TemperatureSummary.rougeThresholds.map { summary.distinctCorrect["rouge_l_\($0)"] }
                + [summary.meanLength, summary.entropyPerToken]
            rows.append(["\(temperature)"] + estimates.map { $0.map { Self.short($0.value) } ?? "-" })
        }
        var lines = ["\(dataset): \(problems) problems, \(k) samples each, policy version \(policyVersion)"]
        lines += rows.map { row in row.map { String(repeating: " ", count: max(0, 9 - $0.count)) + $0 }.joined() }
        if let exact {
            lines.append(
                "exact: total variation \(Self.short(exact.totalVariation.value)), correct mass "
                    + "\(Self.short(exact.correctMass.value)), KL(target, policy) \(Self.short(exact.targetToPolicy.value)), "
                    + "effective solutions \(Self.short(exact.effectiveCount.value))")
        }
        return lines.joined(separator: "\n")
    }

    private static func short(_ value: Double) -> String { String(format: "%.3f", value) }
}
