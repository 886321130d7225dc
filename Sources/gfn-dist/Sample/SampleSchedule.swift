/// Which problems are handed out next, and which results wait for those of the problems before them. A pure value: it knows of no
/// messages, and not which rank does what.
struct SampleSchedule<Lines> {
    private let problemCount, problemsAtOnce, rankCount: Int
    /// The first problem that nobody has been given.
    private var next: Int
    /// The first problem whose lines are not written.
    private(set) var written: Int
    /// Results of problems behind `written`.
    private var waiting: [Int: Lines] = [:]

    /// - Parameters:
    ///   - problemsAtOnce: in an order.
    ///   - first: the problem to begin with.
    init(problemCount: Int, problemsAtOnce: Int, startingAt first: Int, ranks: Int) {
        (self.problemCount, self.problemsAtOnce, rankCount) = (problemCount, problemsAtOnce, ranks)
        (next, written) = (first, first)
    }

    var isComplete: Bool { written == problemCount }

    /// How far behind the first problem that is not written others are handed out: bounds what waits in memory. Beside the order that a
    /// rank works on, there is room for one that it has done.
    private var window: Int { 2 * problemsAtOnce * rankCount }

    /// The problems of the next order: as many as fill a decoding batch, near the end an equal share. Nil: none now.
    mutating func takeOrder() -> Range<Int>? {
        let share = (problemCount - next + rankCount - 1) / rankCount
        let count = min(problemsAtOnce, share, written + window - next)
        guard count > 0 else { return nil }
        defer { next += count }
        return next..<next + count
    }

    /// Takes in what became of an order.
    mutating func put(_ results: [Lines], of problems: Range<Int>) {
        precondition(results.count == problems.count, "\(results.count) results of problems \(problems)")
        for (problem, result) in zip(problems, results) { waiting[problem] = result }
    }

    /// The next result to write, if it is here.
    mutating func takeResult() -> Lines? {
        guard let result = waiting.removeValue(forKey: written) else { return nil }
        written += 1
        return result
    }
}
