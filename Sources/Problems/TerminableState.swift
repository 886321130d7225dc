/// A state `s_i = (x, y_1…y_i)` at which a response may end, with the un-tempered parts of its log reward.
///
/// Parts are kept instead of `log R`, so that a replayed trajectory follows the schedules of the step that learns from it.
package struct TerminableState: Sendable, Equatable {
    /// i: how many response tokens precede ⊤.
    package var index: Int
    /// s(x, s_i): the sum (or another aggregate) of the log scores of the steps so far, in nats, ≤ 0;
    /// of a task that lists its responses, the listed log reward.
    package var process: Float
    /// Whether the response gives a final answer when it ends here.
    package var isFinished: Bool
    /// Whether that final answer is right.
    package var isCorrect: Bool

    package init(index: Int, process: Float, isFinished: Bool, isCorrect: Bool) {
        (self.index, self.process, self.isFinished, self.isCorrect) = (index, process, isFinished, isCorrect)
    }
}
