internal import Model
internal import Problems

/// A solution, divided into its steps.
struct StepwiseSolution: Sendable {
    /// Which of its problem's samples it is; of equal ones the first.
    let sample: Int
    /// Of all steps.
    let tokens: [Int32]
    /// Where each step ends in `tokens`, ascending; at least one.
    let ends: [Int]
    let stop: StopReason
    /// On the whole response.
    let verdict: Verdict
    /// Of the whole response, in nats; nil where a file does not say it.
    let logProbability: Double?

    /// A step is what lies between two states at which a response may end. Where the limit cut a response, its last step is left out:
    /// it was broken off, or no tokens are left to complete it with.
    ///
    /// Nil where there is no step.
    init?(_ response: [Int32], stop: StopReason, logProbability: Double?, of problem: Int, sample: Int, task: any Task) {
        let states = task.states(of: response, stop: stop, problem: problem).map(\.index)
        let ends = states.filter { $0 > 0 && (stop == .stopToken || $0 < response.count) }
        guard let last = ends.last else { return nil }
        (self.sample, self.ends, self.stop, self.logProbability) = (sample, ends, stop, logProbability)
        tokens = Array(response[..<last])
        verdict = task.verdict(on: response, stop: stop, problem: problem)
    }

    /// Whether both say the same and ended alike.
    func isSame(as other: StepwiseSolution) -> Bool { tokens == other.tokens && stop == other.stop }

    /// The tokens of the first `step` + 1 steps.
    func beginning(through step: Int) -> [Int32] { Array(tokens[..<ends[step]]) }

    /// The text of each step, without one newline at its end: joined by newlines, they are the solution.
    func stepTexts(_ task: any Task) -> [String] {
        var length = 0
        return ends.indices.map { step in
            // By difference, since a tokenizer may write the beginning of a text differently from its middle.
            let whole = Array(task.text(of: beginning(through: step)).utf8)
            let text = whole.dropFirst(length)
            length = whole.count
            return String(decoding: text.last == UInt8(ascii: "\n") ? text.dropLast() : text, as: UTF8.self)
        }
    }
}
