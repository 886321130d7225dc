internal import Foundation

/// Whole numbers by which solutions are weighed, in several ways at once: once for each resample of a bootstrap.
struct SolutionWeights {
    /// How many ways there are.
    let count: Int
    /// By solution, then by way. A byte each, since there are as many as solutions times resamples.
    private let weights: [UInt8]

    private init(count: Int, _ weights: [UInt8]) { (self.count, self.weights) = (count, weights) }

    /// One way, in which all count once.
    static func once(_ solutions: Int) -> SolutionWeights { SolutionWeights(count: 1, [UInt8](repeating: 1, count: solutions)) }

    /// The Poisson draws that ``Tally`` weighs problems with, solutions being numbered from 0.
    static func bootstrap(_ solutions: Int, resamples: Int, seed: UInt64) -> SolutionWeights {
        SolutionWeights(
            count: resamples,
            (0..<solutions).flatMap { Tally<Int>.weights(of: $0, resamples: resamples, seed: seed).map { UInt8($0) } })
    }

    /// One way, with a weight for each solution.
    static func given(_ weights: [UInt8]) -> SolutionWeights { SolutionWeights(count: 1, weights) }

    var zeros: [Double] { [Double](repeating: 0, count: count) }

    /// For each way: `sum += weight of the solution · value`.
    func add(_ value: Double, of solution: Int, to sums: inout [Double]) {
        weights.withUnsafeBufferPointer { weights in
            sums.withUnsafeMutableBufferPointer { sums in
                for way in 0..<count { sums[way] += Double(weights[solution * count + way]) * value }
            }
        }
    }

    /// For each way: `sum += weight of the solution · value`.
    func add(_ values: [Double], of solution: Int, to sums: inout [Double]) {
        weights.withUnsafeBufferPointer { weights in
            values.withUnsafeBufferPointer { values in
                sums.withUnsafeMutableBufferPointer { sums in
                    for way in 0..<count { sums[way] += Double(weights[solution * count + way]) * values[way] }
                }
            }
        }
    }
}

/// What judged solutions amount to under each of several weightings, steps having the weights of their solutions. A value is nil where
/// the weights leave nothing that it could be of.
struct StepStatistics {
    private(set) var goodShare, accuracy, logLoss, brierScore, calibrationError: [Double?]
    private(set) var areaUnderCurve: [Double?]
    private(set) var foundErrors, acceptedSolutions, firstErrorF1: [Double?]

    init(_ solutions: [JudgedSolution], weights: SolutionWeights) {
        let zeros = weights.zeros
        var (steps, good, right, loss, brier) = (zeros, zeros, zeros, zeros, zeros)
        var (erroneous, found, correct, accepted) = (zeros, zeros, zeros, zeros)
        /// By bin: Σ weight · (score − 1 if good), which is the bin's weight times the gap between its means.
        var gaps = [[Double]](repeating: zeros, count: CalibrationBin.count)
        for (number, solution) in solutions.enumerated() {
            func add(_ value: (JudgedStep) -> Double, to sums: inout [Double]) {
                weights.add(solution.steps.reduce(0) { $0 + value($1) }, of: number, to: &sums)
            }
            add({ _ in 1 }, to: &steps)
            add({ $0.isGood ? 1 : 0 }, to: &good)
            add({ $0.isJudgedGood == $0.isGood ? 1 : 0 }, to: &right)
            add({ $0.logLoss }, to: &loss)
            add({ $0.error * $0.error }, to: &brier)
            for step in solution.steps { weights.add(step.error, of: number, to: &gaps[CalibrationBin.index(of: step.score)]) }
            if let error = solution.firstError {
                weights.add(1, of: number, to: &erroneous)
                if solution.firstJudgedError == error { weights.add(1, of: number, to: &found) }
            } else {
                weights.add(1, of: number, to: &correct)
                if solution.firstJudgedError == nil { weights.add(1, of: number, to: &accepted) }
            }
        }
        goodShare = Self.quotients(good, steps)
        accuracy = Self.quotients(right, steps)
        logLoss = Self.quotients(loss, steps)
        brierScore = Self.quotients(brier, steps)
        let gapSums = zeros.indices.map { way in gaps.reduce(0) { $0 + abs($1[way]) } }
        calibrationError = Self.quotients(gapSums, steps)
        areaUnderCurve = Self.areaUnderCurve(solutions, weights: weights)
        foundErrors = Self.quotients(found, erroneous)
        acceptedSolutions = Self.quotients(accepted, correct)
        firstErrorF1 = zip(foundErrors, acceptedSolutions).map { found, accepted in
            guard let found, let accepted else { return nil }
            return found + accepted > 0 ? 2 * found * accepted / (found + accepted) : 0
        }
    }

    private static func quotients(_ sums: [Double], _ totals: [Double]) -> [Double?] {
        zip(sums, totals).map { $1 > 0 ? $0 / $1 : nil }
    }

    /// The chance that a good step has a higher score than a bad one, half of it where they are equal (Hanley & McNeil 1982). Steps are
    /// sorted once for all weightings. All sums are of halves, hence exact.
    private static func areaUnderCurve(_ solutions: [JudgedSolution], weights: SolutionWeights) -> [Double?] {
        let steps = solutions.enumerated().flatMap { number, solution in solution.steps.map { (step: $0, solution: number) } }
            .sorted { $0.step.score < $1.step.score }
        var (good, bad, pairs) = (weights.zeros, weights.zeros, weights.zeros)
        var start = 0
        while start < steps.count {
            var end = start
            while end < steps.count, steps[end].step.score == steps[start].step.score { end += 1 }
            let equals = steps[start..<end]
            for equal in equals where !equal.step.isGood { weights.add(0.5, of: equal.solution, to: &bad) }
            for equal in equals where equal.step.isGood {
                weights.add(1, of: equal.solution, to: &good)
                weights.add(bad, of: equal.solution, to: &pairs)
            }
            for equal in equals where !equal.step.isGood { weights.add(0.5, of: equal.solution, to: &bad) }
            start = end
        }
        return quotients(pairs, zip(good, bad).map(*))
    }
}

extension JudgedStep {
    /// What the score is too high by.
    fileprivate var error: Double { score - (isGood ? 1 : 0) }

    /// In nats, with a chance of at least 2⁻⁵² for what is the case, so that no step's loss is infinite. scikit-learn has the same bound.
    fileprivate var logLoss: Double { -log(min(max(isGood ? score : 1 - score, .ulpOfOne), 1 - .ulpOfOne)) }
}

extension JudgedSolution {
    /// The place of the first step that is bad; nil where all are good.
    fileprivate var firstError: Int? { steps.firstIndex { !$0.isGood } }

    /// The place of the first step that is taken for bad.
    fileprivate var firstJudgedError: Int? { steps.firstIndex { !$0.isJudgedGood } }
}
