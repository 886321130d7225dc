package import Problems

/// How a process reward model is given a response, and where it reads it: behind the line end of each step.
///
/// What a step is scored by ends with its own line end, so that the score depends on nothing that follows. The last step of a
/// response may lack one; it is put there.
package struct StepReading: Sendable, Equatable {
    /// The response, and a line end where it has none at its end. `[n]`
    package var tokens: [Int32]
    /// The states that are read, s_i with i from 0 to n, ascending.
    package var places: [Int]

    package init(tokens: [Int32], places: [Int]) { (self.tokens, self.places) = (tokens, places) }

    /// Of a response with these states, as its task names them: each is the end of a step.
    package init(of response: [Int32], states: [TerminableState], task: any Task) {
        self.init(of: response, ends: states.map(\.index), isEnded: response.last.map(task.isStepEnd) ?? false, stepEnd: task.stepEnd)
    }

    /// - Parameters:
    ///   - ends: of the steps, ascending; the last one may be the response's own.
    ///   - isEnded: whether the response has a line end at its end; else `stepEnd` is put there.
    package init(of response: [Int32], ends: [Int], isEnded: Bool, stepEnd: [Int32]) {
        let tokens = isEnded ? response : response + stepEnd
        self.init(tokens: tokens, places: ends.map { $0 == response.count ? tokens.count : $0 })
    }
}
