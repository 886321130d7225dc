/// How large a distance may be for a policy to count as proportional to the reward.
package struct CertificateBounds: Sendable, Equatable {
    package var totalVariation: Double
    /// Of each |estimate of log Z − log Z|, nats.
    package var logPartition: Double

    package init(totalVariation: Double = 0.02, logPartition: Double = 0.02) {
        (self.totalVariation, self.logPartition) = (totalVariation, logPartition)
    }
}

/// Whether a trained policy's whole distribution is R/Z, on problems whose every legal response was scored.
///
/// The verdict is on the worst problem: its total variation, and its gap of log Z, as implied by the policy and, where a root head
/// learned it, of the learned one too. A bound holds up to and including its value; what is not a number holds none.
package struct Certificate: Sendable, Equatable {
    package let task: String
    package let objective: String
    /// Where training began and what it trained, such as "random, full parameters".
    package let start: String
    /// Versions between a sample's policy and the learner's; nil where nothing is sampled.
    package let lag: Int?
    package let steps: Int?
    package let problems: [EndScores]
    package let bounds: CertificateBounds
    /// Of each problem, in their order.
    package let figures: [ProportionalityFigures]

    package init(
        task: String, objective: String, start: String, lag: Int?, steps: Int?, problems: [EndScores],
        bounds: CertificateBounds = CertificateBounds()
    ) {
        precondition(!problems.isEmpty, "certificate of \(task): there are no problems")
        (self.task, self.objective, self.start) = (task, objective, start)
        (self.lag, self.steps, self.problems, self.bounds) = (lag, steps, problems, bounds)
        figures = problems.map(ProportionalityFigures.init)
    }

    package var ends: Int { figures.reduce(0) { $0 + $1.ends } }

    /// Whether every bound holds on every problem.
    package var holds: Bool { missedFigures.isEmpty }

    /// A sentence for each bound that is missed, with the problem that misses it most. Empty where the verdict is true.
    package var misses: [String] {
        missedFigures.map { figure, bound, spread in
            let fact = "\(figure.label) is \(Self.text(spread.worst, above: bound)), bound \(bound)"
            // A line of the table's text has room for no more behind a bound with many digits.
            let name = problems[spread.worstProblem].name.singleLine.cut(to: max(8, min(32, 78 - fact.columns)))
            return "\(fact) (problem \"\(name)\")"
        }
    }

    /// In the order of tables.
    var missedFigures: [(figure: ProportionalityFigure, bound: Double, spread: ProportionalityFigure.Spread)] {
        ProportionalityFigure.allCases.compactMap { figure in
            guard let bound = bound(of: figure), let spread = figure.spread(over: figures), !(spread.worst <= bound) else { return nil }
            return (figure, bound, spread)
        }
    }

    /// Nil for figures that the verdict is not about.
    func bound(of figure: ProportionalityFigure) -> Double? {
        switch figure {
        case .totalVariation: bounds.totalVariation
        case .learnedGap, .impliedGap: bounds.logPartition
        default: nil
        }
    }

    /// With as many digits as it takes to look larger than the bound: "0.020, bound 0.02" would puzzle.
    private static func text(_ value: Double, above bound: Double) -> String {
        for digits in 3...17 {
            let text = figureText(value, digits)
            if let shown = Double(text), shown > bound { return text }
        }
        return figureText(value, 3)
    }
}
