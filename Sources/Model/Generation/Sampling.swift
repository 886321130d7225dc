package import Tensor

/// A prompt and the streams of randomness of the K responses asked for: the t-th uniform draw is the t-th token's.
package struct SampleRequest: Sendable {
    /// At least one token.
    package let prompt: [Int32]
    /// One per response.
    package let streams: [RandomStream]

    package init(prompt: [Int32], streams: [RandomStream]) {
        self.prompt = prompt
        self.streams = streams
    }
}

package struct SamplingSettings: Sendable, Equatable {
    /// Divides the logits; 0 takes the likeliest token.
    package var temperature: Float
    package var maxNewTokens: Int
    /// How many responses are decoded together. Changes time and memory, not results.
    package var maxRows: Int

    package init(temperature: Float, maxNewTokens: Int, maxRows: Int = 64) {
        precondition(
            temperature >= 0 && maxNewTokens >= 0 && maxRows >= 1,
            "sampling at temperature \(temperature), \(maxNewTokens) tokens, \(maxRows) rows")
        self.temperature = temperature
        self.maxNewTokens = maxNewTokens
        self.maxRows = maxRows
    }
}

package struct SampledResponse: Sendable, Equatable {
    /// Without the stop token.
    package let tokens: [Int32]
    package let stop: StopReason
    /// At temperature 1, whatever it was sampled at: the same bits as `Policy.forward` gives with the same parameters.
    package let scores: ResponseScores
}
