internal import Foundation
internal import Model

/// A state of a response: how it was come to, and what ending there would have been.
struct ExplanationRow: Sendable {
    /// A choice of the policy: a token, or ⊤.
    struct Action: Sendable {
        let logProbability: Double
        /// Under the policy that sampled; nil where nobody sampled the response.
        let sampler: Double?
        /// Under the reference policy; nil where it was not asked.
        let reference: Double?
        /// dL/d log π of the group's loss: the objective raises what has a slope below 0.
        let slope: Double
        /// What the objective credits it with; nil where it credits no actions.
        var advantage: Double?
        /// V of the state it was chosen in, and what V should have been.
        var value, target: Double?

        /// π/π_old.
        var ratio: Double? { sampler.map { exp(logProbability - $0) } }
    }

    struct Token: Sendable {
        let id: Int32
        /// What it adds to the text; empty for one that adds nothing by itself.
        let text: String
        let action: Action

        /// On one line, with signs for blanks.
        var visible: String { text.isEmpty ? "#\(id)" : text.replacing(" ", with: "␣").onOneLine(limit: 40) }
    }

    /// A state that may terminate.
    struct State: Sendable {
        let isFinished, isCorrect: Bool
        /// What its steps are worth so far, in nats, before weights.
        let process: Double
        let logReward: Double
        /// H = log π(y_1…y_i ⊤ | x) − log R(x, y_1…y_i ⊤).
        let residual: Double

        var mark: String { isCorrect ? "⊤ right" : isFinished ? "⊤ wrong" : "⊤" }
    }

    /// How many tokens precede the state.
    let index: Int
    /// The last of them; nil at the prompt.
    let token: Token?
    let stop: Action
    /// Whether the limit ended the response here, so that ⊤ was no choice.
    let isForced: Bool
    /// Nil where the response may not end.
    let state: State?
}

extension String {
    /// With signs for line ends and tabs, and escapes for what a terminal would obey.
    func onOneLine(limit: Int) -> String {
        replacing("\r\n", with: "↵").replacing("\n", with: "↵").replacing("\t", with: "⇥").printable(limit: limit)
    }
}
