import Problems

@testable import Evaluation

/// Summaries whose every number is written down, so that texts and drawings of them are known.
enum Handmade {
    static func estimate(_ value: Double, _ low: Double, _ high: Double, of problems: Int = 10) -> Estimate {
        Estimate(value: value, low: low, high: high, problems: problems)
    }

    static func temperature(
        accuracy: Estimate, distinct: Estimate, more: [Figure: Estimate] = [:], verdicts: [Verdict.Reason: Double] = [:],
        examples: [Verdict.Reason: Example] = [:], inexact: Int = 0
    ) -> TemperatureSummary {
        TemperatureSummary(
            problems: 10, figures: more.merging([.accuracy: accuracy, .distinct(.rougeL(0.7)): distinct]) { $1 }, verdicts: verdicts,
            examples: examples, inexactProblems: inexact)
    }

    static func set(
        _ name: String?, on dataset: String = "sums", _ temperatures: [Double?: TemperatureSummary], greedy: TemperatureSummary? = nil
    ) -> EvaluationSummary {
        EvaluationSummary(
            name: name, dataset: dataset, samplesPerProblem: 4, policyVersion: nil, adapterSHA256: nil,
            all: EvaluationSummary.Part(
                problems: 10, greedy: greedy,
                temperatures: Dictionary(uniqueKeysWithValues: temperatures.map { (Temperature($0.key), $0.value) })))
    }

    /// A set with a point per temperature, at accuracies and counts without spread.
    static func curve(
        _ name: String, on dataset: String = "sums", _ points: [(Double?, accuracy: Double, distinct: Double)]
    ) -> EvaluationSummary {
        var temperatures: [Double?: TemperatureSummary] = [:]
        for (temperature, accuracy, distinct) in points {
            temperatures[temperature] = Self.temperature(
                accuracy: estimate(accuracy, accuracy, accuracy), distinct: estimate(distinct, distinct, distinct))
        }
        return set(name, on: dataset, temperatures)
    }
}
