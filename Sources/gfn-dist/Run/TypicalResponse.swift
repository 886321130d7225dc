internal import Problems

/// How long responses to a run's problems are, as far as that is known before any is sampled: as long as the data's worked solutions are on
/// average, and as long as the limit lets them be where there are none.
struct TypicalResponse: Sendable, Equatable {
    let tokens: Int
    /// States at which it may end.
    let states: Int

    /// So many solutions are looked at.
    private static let looks = 200

    /// - Parameter tokens: nil: what the data says.
    init(of opened: OpenedWorkspace, tokens: Int? = nil) {
        let task = opened.training, limit = opened.configuration.maxNewTokens(for: task)
        var (count, length, states) = (0, 0, 0)
        for problem in 0..<min(task.problemCount, Self.looks) {
            guard let solution = task.demonstration(of: problem, sample: 0) else { continue }
            count += 1
            length += solution.count
            states += task.states(of: solution, stop: .stopToken, problem: problem).count
        }
        self.tokens = tokens ?? (count == 0 ? limit : min(limit, max(1, (length + count / 2) / count)))
        self.states = count == 0 ? self.tokens + 1 : max(1, self.tokens * states / max(1, length))
    }
}
