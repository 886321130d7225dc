/// What each rank of a run did in each step, in seconds.
struct RankTimes: Sendable {
    /// What some ranks did in some steps: seconds by phase, of their mean.
    struct Bin: Sendable {
        var first: Int
        var last: Int
        var seconds: [Double]
        var total: Double { seconds.reduce(0, +) }
    }

    private struct Step: Sendable {
        var step: Int
        var seconds: Double
        /// By phase but the last, and by rank.
        var busy: [[Double]]
    }

    /// In the order in which they are stacked, from below.
    static let phases = ["sample", "score", "learn", "wait"]

    let ranks: Int
    let first: Int
    let last: Int
    private let steps: [Step]

    /// Nil where no line says what ranks did.
    init?(_ lines: [MetricsLine]) {
        let keys = Self.phases.dropLast().map { "seconds_\($0)_by_rank" }
        steps = lines.compactMap { line in
            guard let seconds = line["seconds_step"], line.lists["seconds_learn_by_rank"] != nil else { return nil }
            return Step(step: line.step, seconds: seconds, busy: keys.map { line.lists[$0] ?? [] })
        }
        ranks = steps.flatMap { $0.busy.map(\.count) }.max() ?? 0
        guard ranks > 0, let one = steps.first, let other = steps.last else { return nil }
        (first, last) = (one.step, other.step)
    }

    /// Which share of its time a rank did not wait.
    func busyShare(of rank: Int) -> Double {
        let whole = bins(of: [rank], count: 1).first
        guard let whole, whole.total > 0 else { return 0 }
        return 1 - whole.seconds[Self.phases.count - 1] / whole.total
    }

    /// The mean of some ranks, in so many equal parts of the run; parts without a step are left out.
    func bins(of chosen: [Int], count: Int) -> [Bin] {
        let (span, waiting) = (last - first + 1, Self.phases.count - 1)
        var bins: [Bin] = []
        for step in steps {
            var spent = [Double](repeating: 0, count: Self.phases.count)
            for rank in chosen {
                var busy = 0.0
                for (phase, values) in step.busy.enumerated() where rank < values.count {
                    spent[phase] += values[rank] / Double(chosen.count)
                    busy += values[rank]
                }
                // Free runs sample while others learn: what a step learns from may have taken longer than the step.
                spent[waiting] += max(0, step.seconds - busy) / Double(chosen.count)
            }
            let place = (step.step - first) * count / span
            if let bin = bins.last, (bin.first - first) * count / span == place {
                bins[bins.count - 1].last = step.step
                bins[bins.count - 1].seconds = zip(bin.seconds, spent).map { $0 + $1 }
            } else {
                bins.append(Bin(first: step.step, last: step.step, seconds: spent))
            }
        }
        return bins
    }
}
