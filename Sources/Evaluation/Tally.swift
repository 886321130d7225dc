internal import Tensor

/// A mean over problems and its 95 % interval.
package struct Estimate: Sendable, Equatable {
    package var value: Double
    package var low: Double
    package var high: Double
    /// How many problems have a value.
    package var problems: Int

    package init(value: Double, low: Double, high: Double, problems: Int) {
        (self.value, self.low, self.high, self.problems) = (value, low, high, problems)
    }

    /// With the 2.5 and 97.5 percentiles of what resamples yield; without width where there is one problem, or all resamples are equal.
    init(_ value: Double, resamples: [Double], problems: Int) {
        let sorted = resamples.sorted()
        guard let smallest = sorted.first, let largest = sorted.last, problems > 1, smallest < largest else {
            self.init(value: value, low: value, high: value, problems: problems)
            return
        }
        func percentile(_ share: Double) -> Double { sorted[Int((share * Double(sorted.count - 1)).rounded())] }
        self.init(value: value, low: percentile(0.025), high: percentile(0.975), problems: problems)
    }
}

/// Means over problems with bootstrap intervals, in one pass: what it holds does not grow with the number of problems.
///
/// A resample weighs each problem with a draw of its own from Poisson(1) instead of drawing problems with replacement, which is
/// the same in the limit (Hanley & MacGibbon 2006; Chamandy et al. 2012) and needs no second look at the problems. The draws are a
/// pure function of (seed, problem, resample), so that every figure is weighed alike. A resample in which all
/// weights are 0 has no mean and is left out. Intervals are the 2.5 and 97.5 percentiles of the resamples.
///
/// Equal bits need an order: problems are added in ascending order.
package struct Tally<Key: Hashable & Sendable>: Sendable {
    private struct Column {
        var sum = 0.0, count = 0
        /// How many have a value; of several runs, in the one with the most.
        var problems = 0
        /// By resample: Σ weight · value and Σ weight.
        var sums, weights: [Double]

        init(resamples: Int) {
            sums = [Double](repeating: 0, count: resamples)
            weights = sums
        }

        var mean: Double { sum / Double(count) }
        var resampleMeans: [Double?] { zip(sums, weights).map { $1 > 0 ? $0 / $1 : nil } }
    }

    private let resamples: Int
    private let seed: UInt64
    private var columns: [Key: Column] = [:]
    private var lastProblem = -1

    package init(resamples: Int = 1000, seed: UInt64 = 0) { (self.resamples, self.seed) = (resamples, seed) }

    package var isEmpty: Bool { columns.isEmpty }
    package var keys: Set<Key> { Set(columns.keys) }

    /// Adds the values of a problem, which is numbered as in its file.
    package mutating func add(_ values: [Key: Double], of problem: Int) {
        precondition(problem > lastProblem, "problem \(problem) after \(lastProblem): they are added in ascending order")
        lastProblem = problem
        let weights = Self.weights(of: problem, resamples: resamples, seed: seed)
        for (key, value) in values {
            var column = columns.removeValue(forKey: key) ?? Column(resamples: resamples)
            column.sum += value
            column.count += 1
            column.problems += 1
            column.sums.withUnsafeMutableBufferPointer { sums in
                column.weights.withUnsafeMutableBufferPointer { totals in
                    for resample in 0..<resamples {
                        sums[resample] += weights[resample] * value
                        totals[resample] += weights[resample]
                    }
                }
            }
            columns[key] = column
        }
    }

    package var estimates: [Key: Estimate] {
        columns.mapValues { column in Estimate(column.mean, resamples: column.resampleMeans.compactMap { $0 }, problems: column.problems) }
    }

    /// The mean of a figure, after it those of the resamples, nil where all weights are 0; and of how many problems. Nil without it.
    func series(_ key: Key) -> (means: [Double?], problems: Int)? {
        columns[key].map { column in ([column.mean] + column.resampleMeans, column.problems) }
    }

    /// The tallies of several runs of one method, as means over problems and runs.
    ///
    /// A resample draws runs with replacement and weighs each problem, the same problem alike in all runs: Owen's pigeonhole bootstrap
    /// (2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2)) of a table of problems by runs. Of few runs the
    /// percentiles are narrow: R runs show (R − 1)/R of the variance between them.
    /// - Parameter draws: by run, how often each resample has it (``draws(ofRuns:resamples:seed:)``).
    package static func combined(_ runs: [Tally], draws: [[Double]]) -> Tally {
        precondition(!runs.isEmpty && runs.count == draws.count, "\(runs.count) tallies and draws of \(draws.count)")
        var result = Tally(resamples: runs[0].resamples, seed: runs[0].seed)
        for (run, times) in zip(runs, draws) {
            precondition(run.resamples == result.resamples && run.seed == result.seed, "tallies of other resamples do not combine")
            result.lastProblem = max(result.lastProblem, run.lastProblem)
            for (key, column) in run.columns {
                var total = result.columns.removeValue(forKey: key) ?? Column(resamples: result.resamples)
                total.sum += column.sum
                total.count += column.count
                total.problems = max(total.problems, column.problems)
                for resample in 0..<result.resamples {
                    total.sums[resample] += times[resample] * column.sums[resample]
                    total.weights[resample] += times[resample] * column.weights[resample]
                }
                result.columns[key] = total
            }
        }
        return result
    }

    /// How often each of `count` runs is drawn in each resample, `count` draws with replacement: a pure function of its arguments.
    /// - Parameter set: another one draws other runs.
    package static func draws(ofRuns count: Int, inSet set: Int = 0, resamples: Int, seed: UInt64) -> [[Double]] {
        var draws = [[Double]](repeating: [Double](repeating: 0, count: resamples), count: count)
        for resample in 0..<resamples {
            // Problems have the streams of step 0.
            var random = RandomStream(seed: seed, purpose: .bootstrap, step: 1, slot: set, sample: resample)
            for _ in 0..<count { draws[min(count - 1, Int(random.unitDouble() * Double(count)))][resample] += 1 }
        }
        return draws
    }

    /// A problem's weight in each resample.
    static func weights(of problem: Int, resamples: Int, seed: UInt64) -> [Double] {
        var random = RandomStream(seed: seed, purpose: .bootstrap, slot: problem)
        return (0..<resamples).map { _ in Poisson.draw(random.unitDouble()) }
    }
}

/// The Poisson distribution of mean 1.
private enum Poisson {
    /// P(X ≤ k): e⁻¹ Σ_{i ≤ k} 1/i!. What lies beyond has less than 2⁻⁵³.
    private static let cumulative: [Double] = {
        var (term, sum, values) = (0.36787944117144233, 0.0, [Double]())
        for k in 0..<18 {
            sum += term
            values.append(sum)
            term /= Double(k + 1)
        }
        return values
    }()

    /// The value at which the cumulative distribution first exceeds `uniform` ∈ [0, 1).
    static func draw(_ uniform: Double) -> Double {
        var k = 0
        while k < cumulative.count, uniform >= cumulative[k] { k += 1 }
        return Double(k)
    }
}
