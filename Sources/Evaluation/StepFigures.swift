/// A step of a solution: what a process reward model makes of it, and what it is.
package struct JudgedStep: Sendable, Equatable {
    /// The model's probability that the step is good, from 0 to 1.
    package var score: Double
    /// What the label says.
    package var isGood: Bool

    package init(score: Double, isGood: Bool) {
        precondition((0...1).contains(score), "score \(score): expected a number from 0 to 1")
        (self.score, self.isGood) = (score, isGood)
    }

    /// A score of exactly a half is for good, as in scikit-learn, where what reaches a threshold is positive.
    package var isJudgedGood: Bool { score >= 0.5 }
}

/// A solution with one or more steps, in their order.
package struct JudgedSolution: Sendable, Equatable {
    package var steps: [JudgedStep]

    package init(_ steps: [JudgedStep]) {
        precondition(!steps.isEmpty, "a solution without steps")
        self.steps = steps
    }
}

/// The steps whose scores are in a tenth of [0, 1].
package struct CalibrationBin: Sendable, Equatable {
    /// Scores are above `low` and at most `high`; the first has those of 0 as well.
    package var low, high: Double
    /// How many steps there are.
    package var steps: Int
    /// Of the steps; nil where there is none.
    package var meanScore: Double?
    /// The share of the steps that are good; nil where there is none.
    package var goodShare: Double?

    static let count = 10

    /// Bounds are multiples of 0.1 as doubles, and belong to the bin below: those of scikit-learn's `calibration_curve`.
    private static func bound(_ index: Int) -> Double { index == count ? 1 : Double(index) * 0.1 }

    static func index(of score: Double) -> Int { (1..<count).count { bound($0) < score } }

    static func bins(of steps: [JudgedStep]) -> [CalibrationBin] {
        let groups = Dictionary(grouping: steps) { index(of: $0.score) }
        return (0..<count).map { index in
            let steps = groups[index, default: []]
            return CalibrationBin(
                low: bound(index), high: bound(index + 1), steps: steps.count, meanScore: mean(steps.map(\.score)),
                goodShare: mean(steps.map { $0.isGood ? 1 : 0 }))
        }
    }
}

/// How well the scores of a process reward model agree with the labels of the steps.
///
/// Intervals are those of ``Tally``, with solutions in the place of problems: a resample weighs all steps of a solution alike, since they
/// are not independent of each other. A resample that lacks what a figure is of is left out of its interval. What a sample is short of
/// makes its calibration error larger, and a resample's larger once more, so the interval of that one lies too high.
package struct StepFigures: Sendable, Equatable {
    package var solutions: Int
    package var steps: Int
    /// The share of the steps that are good.
    package var goodShare: Estimate
    /// The share of the steps that are judged as labelled (``JudgedStep/isJudgedGood``).
    package var accuracy: Estimate
    /// ROC AUC: the chance that a good step has a higher score than a bad one, half of it where they are equal. Nil unless there are both.
    package var areaUnderCurve: Estimate?
    /// The mean of −log of the probability of the label, in nats; a probability counts as at least 2⁻⁵².
    package var logLoss: Estimate
    /// The mean squared difference between the score and 1 for a good step, 0 for a bad one.
    package var brierScore: Estimate
    /// Expected calibration error: over the bins, the mean distance between mean score and share of good steps, weighed by steps
    /// (Guo et al. 2017, arXiv 1706.04599).
    package var calibrationError: Estimate
    /// Ten of equal width, from 0 to 1.
    package var bins: [CalibrationBin]
    /// The share of the solutions with a bad step whose first bad step is the first that is judged bad. Nil where all are good.
    package var foundErrors: Estimate?
    /// The share of the solutions without a bad step in which none is judged bad. Nil where there is no such solution.
    package var acceptedSolutions: Estimate?
    /// The harmonic mean of the two before, as in ProcessBench (Zheng et al. 2024, arXiv 2412.06559); 0 where both are 0.
    package var firstErrorF1: Estimate?

    /// - Parameters:
    ///   - solutions: one or more. Their weights in the bootstrap go by their places here.
    ///   - resamples: of the bootstrap, which takes a byte for each of them and each solution.
    ///   - seed: of the bootstrap.
    package init(_ solutions: [JudgedSolution], resamples: Int = 1000, seed: UInt64 = 0) {
        precondition(!solutions.isEmpty, "no solutions to make figures of")
        let whole = StepStatistics(solutions, weights: .once(solutions.count))
        let resampled = StepStatistics(solutions, weights: .bootstrap(solutions.count, resamples: resamples, seed: seed))
        let erroneous = solutions.count { $0.steps.contains { !$0.isGood } }
        func estimate(_ values: KeyPath<StepStatistics, [Double?]>, of count: Int) -> Estimate? {
            whole[keyPath: values][0].map { Estimate($0, resamples: resampled[keyPath: values].compactMap { $0 }, problems: count) }
        }
        func estimateOfAll(_ values: KeyPath<StepStatistics, [Double?]>) -> Estimate {
            guard let estimate = estimate(values, of: solutions.count) else { preconditionFailure("a solution without steps") }
            return estimate
        }
        let steps = solutions.flatMap(\.steps)
        (self.solutions, self.steps) = (solutions.count, steps.count)
        goodShare = estimateOfAll(\.goodShare)
        accuracy = estimateOfAll(\.accuracy)
        areaUnderCurve = estimate(\.areaUnderCurve, of: solutions.count)
        logLoss = estimateOfAll(\.logLoss)
        brierScore = estimateOfAll(\.brierScore)
        calibrationError = estimateOfAll(\.calibrationError)
        bins = CalibrationBin.bins(of: steps)
        foundErrors = estimate(\.foundErrors, of: erroneous)
        acceptedSolutions = estimate(\.acceptedSolutions, of: solutions.count - erroneous)
        firstErrorF1 = estimate(\.firstErrorF1, of: solutions.count)
    }
}

/// An object as in `evaluation.json`: beside a value `name` stands `name_interval`. What is nil is absent.
extension StepFigures: Encodable {
    package func encode(to encoder: any Encoder) throws {
        var object: [String: JSONNode] = ["solutions": .integer(solutions), "steps": .integer(steps)]
        object.add(goodShare, as: "good_share")
        object.add(accuracy, as: "accuracy")
        object.add(logLoss, as: "log_loss")
        object.add(brierScore, as: "brier")
        object.add(calibrationError, as: "calibration_error")
        if let areaUnderCurve { object.add(areaUnderCurve, as: "auc") }
        var firstError: [String: JSONNode] = [:]
        if let foundErrors { firstError.add(foundErrors, as: "found_errors") }
        if let acceptedSolutions { firstError.add(acceptedSolutions, as: "accepted_solutions") }
        if let firstErrorF1 { firstError.add(firstErrorF1, as: "f1") }
        object["first_error"] = .object(firstError)
        object["bins"] = .list(bins.map(\.node))
        try JSONNode.object(object).encode(to: encoder)
    }
}

extension CalibrationBin {
    fileprivate var node: JSONNode {
        var object: [String: JSONNode] = ["low": .number(low), "high": .number(high), "steps": .integer(steps)]
        object["mean_score"] = meanScore.map { .number($0) }
        object["good_share"] = goodShare.map { .number($0) }
        return .object(object)
    }
}
