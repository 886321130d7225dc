internal import Foundation

extension EvaluationSummary {
    /// A table of fixed width for people: a row per temperature.
    package var table: String {
        let k = samplesPerProblem
        let thresholds = EvaluationOptions().thresholds
        let columns: [(String, Figure)] =
            [("accuracy", .accuracy), ("pass@\(k)", .pass(k)), ("maj@\(k)", .majority(k)), ("distinct", .distinct(.exact))]
            + thresholds.map { ("rl \($0)", .distinct(.rougeL($0))) } + [("length", .length), ("entropy", .entropyPerToken)]
        var rows = [["temp"] + columns.map(\.0)]
        for (temperature, summary) in all.temperatures.sorted(by: { $0.key < $1.key }) {
            rows.append(["\(temperature)"] + columns.map { summary[$0.1].map { Self.short($0.value) } ?? "-" })
        }
        var lines = ["\(dataset): \(problems) problems, \(k) samples each" + (policyVersion.map { ", policy version \($0)" } ?? "")]
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
