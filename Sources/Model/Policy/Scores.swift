internal import Tensor

/// A prompt and the responses to it, which share the prompt's computation.
package struct TokenGroup: Sendable {
    /// At least one token.
    package let prompt: [Int32]
    /// Without ⊤; may be empty.
    package let responses: [[Int32]]

    package init(prompt: [Int32], responses: [[Int32]]) {
        self.prompt = prompt
        self.responses = responses
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

/// The scores of some groups, and what their backward needs.
package final class ForwardResult {
    /// By group and response.
    package let scores: [[ResponseScores]]
    /// The final norm's output at each prompt's last row, [D] per group.
    package let promptHidden: [[Float]]
    let recording: Recording?

    init(scores: [[ResponseScores]], promptHidden: [[Float]], recording: Recording?) {
        self.scores = scores
        self.promptHidden = promptHidden
        self.recording = recording
    }
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
    let readings: HeadReadings
    let version: Int
}
