internal import Tensor

/// A prompt and the responses to it, which share the prompt's computation.
package struct TokenGroup: Sendable {
    /// At least one token.
    package let prompt: [Int32]
    /// Without ⊤; may be empty.
    package let responses: [[Int32]]
    /// All that the policy may say, which the responses are part of; nil: anything.
    package let legal: TokenTree?

    package init(prompt: [Int32], responses: [[Int32]], legal: TokenTree? = nil) {
        self.prompt = prompt
        self.responses = responses
        self.legal = legal
    }
}

/// How likely a policy finds a response of n tokens y, in nats, at temperature 1. State s_i is the prompt and y_1…y_i.
package struct ResponseScores: Sendable, Equatable {
    /// log π(y_{i+1} | s_i), n numbers.
    package var tokenLogProbabilities: [Float]
    /// log π(⊤ | s_i) for i = 0…n.
    package var stopLogProbabilities: [Float]
    /// −Σ π log π at s_i for i = 0…n.
    package var entropies: [Float]

    package init(tokenLogProbabilities: [Float], stopLogProbabilities: [Float], entropies: [Float]) {
        self.tokenLogProbabilities = tokenLogProbabilities
        self.stopLogProbabilities = stopLogProbabilities
        self.entropies = entropies
    }

    /// Over the states of the response, in nats.
    package var meanEntropy: Double {
        entropies.reduce(0) { $0 + Double($1) } / Double(max(1, entropies.count))
    }
}

/// What a backward pass multiplies the gradients of a response's log-probabilities with.
package struct ResponseWeights: Sendable, Equatable {
    /// Of log π(y_{i+1} | s_i), n numbers.
    package var token: [Float]
    /// Of log π(⊤ | s_i), n + 1 numbers.
    package var stop: [Float]

    package init(token: [Float], stop: [Float]) {
        self.token = token
        self.stop = stop
    }
}

/// A further loss that a backward pass adds: Σ slope · (direction · h_i), with h_i [D] the final norm's output at state s_i.
///
/// So dL/dh_i = slope · direction: what a head that is linear in h, such as PPO's V(s), sends into the policy.
package struct HiddenWeights: Sendable, Equatable {
    /// One for all states, [D].
    package var direction: [Float]
    /// By group, response and state: n + 1 numbers for a response of n tokens. The slopes of s_0, which the responses of a group
    /// share, add.
    package var slopes: [[[Float]]]

    package init(direction: [Float], slopes: [[[Float]]]) {
        self.direction = direction
        self.slopes = slopes
    }
}

/// The scores of some groups, and what their backward needs.
package final class ForwardResult {
    /// By group and response; empty where only hidden states were asked for.
    package let scores: [[ResponseScores]]
    /// The final norm's output at each prompt's last row, [D] per group.
    package let promptHidden: [[Float]]
    let recording: Recording?
    /// Nil when there are no groups.
    private let states: HiddenStates?

    init(scores: [[ResponseScores]], promptHidden: [[Float]], states: HiddenStates?, recording: Recording?) {
        self.scores = scores
        self.promptHidden = promptHidden
        self.states = states
        self.recording = recording
    }

    /// Lends `body` the final norm's output [D] at state s_i of a response, i from 0 to its number of tokens.
    ///
    /// The address is good during the call only. s_0 is one row for all responses of a group, the one in `promptHidden`. As in
    /// `scores`, bits do not depend on the rest of the batch, nor on whether it is recorded.
    package func withHidden<Result>(
        ofState i: Int, response k: Int, group g: Int, _ body: (UnsafeBufferPointer<Float>) -> Result
    ) -> Result {
        guard let states else { preconditionFailure("hidden states of a forward pass without groups") }
        let group = states.groups[g], n = group.responses[k].count
        precondition(0...n ~= i, "state \(i) of a response of \(n) tokens")
        return withExtendedLifetime(states.values) {
            body(UnsafeBufferPointer(start: states.values.base + group.state(i, of: k) * states.width, count: states.width))
        }
    }
}

/// The final norm's output at every state row, and which row is whose.
struct HiddenStates {
    /// [states, width].
    let values: FloatTensor
    let groups: [PackedGroups.Group]
    let width: Int
}

/// Everything a backward pass reads.
struct Recording {
    let network: Network
    let batch: PackedGroups
    let layers: [LayerActivations]
    /// The last layer's output, [M, D].
    let output: FloatTensor
    /// The final norm's 1/rms, [states], and output, [states, D].
    let inverseRMS, hidden: FloatTensor
    /// Nil without scores.
    let readings: HeadReadings?
    let logits: KeptLogits?
    let version: Int
}
