internal import Model
internal import Problems

/// A sampled solution, divided into its steps.
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
    /// Of the whole response, in nats.
    let logProbability: Double

    /// A step is what lies between two states at which a response may end. Where the limit cut a response, its last step is left out:
    /// it was broken off, or no tokens are left to complete it with.
    ///
    /// Nil where there is no step.
    init?(_ response: SampledResponse, of problem: Int, sample: Int, task: any Task) {
        let states = task.states(of: response.tokens, stop: response.stop, problem: problem).map(\.index)
        let ends = states.filter { $0 > 0 && (response.stop == .stopToken || $0 < response.tokens.count) }
        guard let last = ends.last else { return nil }
        (self.sample, self.ends, stop) = (sample, ends, response.stop)
        tokens = Array(response.tokens[..<last])
        verdict = task.verdict(on: response.tokens, stop: response.stop, problem: problem)
        logProbability = response.logProbability
    }

    /// Whether both say the same and ended alike.
    func isSame(as other: StepwiseSolution) -> Bool { tokens == other.tokens && stop == other.stop }

    /// How many steps, from the first, are judged by completions; the last one of a solution that ended itself is judged by the verdict.
    var completedSteps: Int { stop == .stopToken ? ends.count - 1 : ends.count }

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
