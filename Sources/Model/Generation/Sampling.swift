package import Tensor

/// A prompt and the streams of randomness of the K responses asked for: the t-th uniform draw is the t-th token's.
package struct SampleRequest: Sendable {
    /// At least one token.
    package let prompt: [Int32]
    /// One per response.
    package let streams: [RandomStream]
    /// Of these responses; nil: the settings' one.
    package let temperature: Float?
    /// The most tokens of each of these responses; nil: the settings' limit.
    package let maxNewTokens: Int?
    /// All that the policy may say; nil: anything.
    package let legal: TokenTree?

    package init(
        prompt: [Int32], streams: [RandomStream], temperature: Float? = nil, maxNewTokens: Int? = nil, legal: TokenTree? = nil
    ) {
        precondition(temperature.map { $0 >= 0 } ?? true, "a request at temperature \(temperature ?? 0)")
        self.prompt = prompt
        self.streams = streams
        precondition(maxNewTokens.map { $0 >= 0 } ?? true, "a request for \(maxNewTokens ?? 0) tokens")
        self.temperature = temperature
        self.maxNewTokens = maxNewTokens
        self.legal = legal
    }
}

package struct SamplingSettings: Sendable, Equatable {
    /// Divides the logits where a request has no temperature of its own; 0 takes the likeliest token.
    package var temperature: Float
    package var maxNewTokens: Int
    /// How many responses are decoded together. Changes time and memory, not results.
    package var maxRows: Int
    /// Draws only from the k likeliest tokens, and from those that are as likely as the last of them; 0 is off.
    package var topK: Int
    /// Draws only from the fewest likeliest tokens that have this share of what top-k left; 1 is off.
    package var topP: Float
    /// Draws only from tokens that have at least this share of the likeliest one's probability; 0 is off.
    package var minP: Float

    package static let usualMaxRows = 64

    /// Top-k, top-p and min-p apply after the temperature, in this order (see `Truncation`), and change the draws only.
    package init(
        temperature: Float, maxNewTokens: Int, maxRows: Int = Self.usualMaxRows, topK: Int = 0, topP: Float = 1, minP: Float = 0
    ) {
        precondition(
            temperature >= 0 && maxNewTokens >= 0 && maxRows >= 1,
            "sampling at temperature \(temperature), \(maxNewTokens) tokens, \(maxRows) rows")
        precondition(
            topK >= 0 && (0...1).contains(topP) && (0...1).contains(minP), "sampling with top-k \(topK), top-p \(topP), min-p \(minP)")
        self.temperature = temperature
        self.maxNewTokens = maxNewTokens
        self.maxRows = maxRows
        self.topK = topK
        self.topP = topP
        self.minP = minP
    }

    /// The same with what a request has of its own.
    func of(_ request: SampleRequest) -> SamplingSettings {
        var copy = self
        copy.temperature = request.temperature ?? temperature
        copy.maxNewTokens = request.maxNewTokens ?? maxNewTokens
        return copy
    }

    /// What is left out of the draws; nil when nothing is, or when nothing is drawn.
    var truncation: Truncation? {
        guard temperature > 0 && (topK > 0 || topP < 1 || minP > 0) else { return nil }
        return Truncation(temperature: temperature, topK: topK, topP: topP, minP: minP)
    }
}

package struct SampledResponse: Sendable, Equatable {
    /// Without the stop token.
    package let tokens: [Int32]
    package let stop: StopReason
    /// At temperature 1, whatever it was sampled at: the same bits as `Policy.forward` gives with the same parameters.
    package let scores: ResponseScores
}
