package import Problems

/// A temperature of sampling; nil where the samples do not say it.
package struct Temperature: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var value: Double?

    package init(_ value: Double?) { self.value = value }

    /// Solutions that no chance takes part in.
    package var isGreedy: Bool { value == 0 }

    package var description: String { value.map { "\($0)" } ?? "unknown" }

    package static func < (a: Temperature, b: Temperature) -> Bool {
        (a.value ?? .infinity) < (b.value ?? .infinity)
    }
}

/// What a judged solution looks like.
package struct Example: Sendable, Equatable {
    package var problem: String
    package var text: String

    package init(problem: String, text: String) { (self.problem, self.text) = (problem, text) }
}

/// What the samples at one temperature amount to.
package struct TemperatureSummary: Sendable, Equatable {
    package var problems: Int
    /// A figure that is absent was not measured.
    package var figures: [Figure: Estimate]
    /// The share of the samples by the reason of their verdict.
    package var verdicts: [Verdict.Reason: Double]
    /// The first of each kind.
    package var examples: [Verdict.Reason: Example]
    /// How many problems have counts of distinct solutions that are lower bounds (``DistinctCount/isExact``).
    package var inexactProblems: Int

    package subscript(_ figure: Figure) -> Estimate? { figures[figure] }
}

/// The problems of one temperature, added up one at a time.
package struct TemperatureTally: Sendable {
    private var figures: Tally<Figure>
    private var problems = 0
    private var inexactProblems = 0
    private var verdicts: [Verdict.Reason: Int] = [:]
    private var examples: [Verdict.Reason: Example] = [:]

    package init(_ options: EvaluationOptions) { figures = Tally(resamples: options.resamples, seed: options.seed) }

    /// Adds a problem, numbered as in its file; they come in ascending order.
    package mutating func add(_ result: ProblemFigures, of problem: Int, named name: String) {
        figures.add(result.values, of: problem)
        problems += 1
        if !result.isExact { inexactProblems += 1 }
        for (reason, count) in result.verdicts { verdicts[reason, default: 0] += count }
        for (reason, text) in result.examples where examples[reason] == nil {
            examples[reason] = Example(problem: name, text: text)
        }
    }

    /// Of several runs of one method on the same problems (``Tally/combined(_:draws:)``); examples are the first run's.
    package static func combined(_ runs: [TemperatureTally], draws: [[Double]]) -> TemperatureTally {
        var result = runs[0]
        result.figures = Tally.combined(runs.map(\.figures), draws: draws)
        for run in runs.dropFirst() {
            result.problems = max(result.problems, run.problems)
            result.inexactProblems += run.inexactProblems
            result.verdicts.merge(run.verdicts, uniquingKeysWith: +)
            result.examples.merge(run.examples) { first, _ in first }
        }
        return result
    }

    /// A figure's mean, and those of the resamples (``Tally/series(_:)``).
    func series(_ figure: Figure) -> (means: [Double?], problems: Int)? { figures.series(figure) }

    /// Nil when there is nothing to summarise.
    package var summary: TemperatureSummary? {
        guard problems > 0 else { return nil }
        let samples = Double(verdicts.values.reduce(0, +))
        return TemperatureSummary(
            problems: problems, figures: figures.estimates, verdicts: verdicts.mapValues { Double($0) / samples }, examples: examples,
            inexactProblems: inexactProblems)
    }
}
