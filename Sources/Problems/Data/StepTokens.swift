/// A solution step by step, as tokens: each step ends with its line end, and the next begins behind it.
package struct StepTokens: Sendable, Equatable {
    package var prompt: [Int32]
    package var response: [Int32]
    /// Where each step ends: so many tokens of `response` precede its end.
    package var ends: [Int]

    package init(prompt: [Int32], response: [Int32], ends: [Int]) {
        (self.prompt, self.response, self.ends) = (prompt, response, ends)
    }

    /// A step with one line end behind it.
    static func line(_ step: String) -> String {
        var step = step[...]
        while let last = step.last, last.isWhitespace { step.removeLast() }
        return step + "\n"
    }
}
