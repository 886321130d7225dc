/// A figure of ``ProportionalityFigures`` that can be compared between problems. In the order of tables.
enum ProportionalityFigure: String, CaseIterable {
    case totalVariation = "total_variation", outsideMass = "outside_mass"
    case targetToPolicy = "kl_target_policy", policyToTarget = "kl_policy_target"
    case learnedGap = "learned_log_partition_gap", impliedGap = "implied_log_partition_gap"
    case correctMass = "correct_mass", targetCorrectMass = "target_correct_mass"
    case slope, intercept, correlation

    /// In tables and sentences.
    var label: String {
        switch self {
        case .totalVariation: "total variation"
        case .outsideMass: "mass outside of the ends"
        case .targetToPolicy: "KL(R/Z ‖ π)"
        case .policyToTarget: "KL(π ‖ R/Z)"
        case .learnedGap: "learned log Z gap"
        case .impliedGap: "implied log Z gap"
        case .correctMass: "correct mass of π"
        case .targetCorrectMass: "correct mass of R/Z"
        case .slope: "slope of log π in log R"
        case .intercept: "intercept"
        case .correlation: "correlation"
        }
    }

    /// Nil where the problem has none. Gaps have their sign.
    func value(of figures: ProportionalityFigures) -> Double? {
        switch self {
        case .totalVariation: figures.totalVariation
        case .outsideMass: figures.outsideMass
        case .targetToPolicy: figures.targetToPolicy
        case .policyToTarget: figures.policyToTarget
        case .learnedGap: figures.learnedLogPartitionGap
        case .impliedGap: figures.impliedLogPartitionGap
        case .correctMass: figures.correctMass
        case .targetCorrectMass: figures.targetCorrectMass
        case .slope: figures.slope
        case .intercept: figures.intercept
        case .correlation: figures.correlation
        }
    }

    /// What counts over problems: the size of a gap, so that gaps of both signs do not cancel, and any other figure as it is.
    func magnitude(of figures: ProportionalityFigures) -> Double? {
        let value = value(of: figures)
        return switch self {
        case .learnedGap, .impliedGap: value.map(abs)
        default: value
        }
    }

    /// How bad a figure is: of masses that the smallest is worst, of the line what is farthest from the target's.
    private func badness(_ value: Double, _ figures: ProportionalityFigures) -> Double {
        switch self {
        case .correctMass, .targetCorrectMass, .correlation: -value
        case .slope: abs(value - 1)
        case .intercept: abs(value + figures.logPartition)
        default: value
        }
    }

    /// Over the problems that have it; nil where none does. What is not a number is worse than all numbers, and makes the mean none.
    func spread(over problems: [ProportionalityFigures]) -> Spread? {
        var (worst, sum, count): ((value: Double, badness: Double, problem: Int)?, Double, Int) = (nil, 0, 0)
        for (index, figures) in problems.enumerated() {
            guard let value = magnitude(of: figures) else { continue }
            let badness = badness(value, figures)
            if worst.map({ !$0.badness.isNaN && !(badness <= $0.badness) }) ?? true { worst = (value, badness, index) }
            sum += value
            count += 1
        }
        return worst.map { Spread(worst: $0.value, worstProblem: $0.problem, mean: sum / Double(count)) }
    }

    struct Spread: Equatable {
        var worst: Double
        /// The index of the first one that has it.
        var worstProblem: Int
        var mean: Double
    }
}
