package import Model

/// A response to imitate.
package struct Demonstration: Sendable, Equatable {
    package var prompt: [Int32]
    /// y_1…y_n, without ⊤.
    package var response: [Int32]
    /// Whether ⊤ after y_n is a target too; not for a response that is cut.
    package var endsWithStop: Bool

    package init(prompt: [Int32], response: [Int32], endsWithStop: Bool = true) {
        (self.prompt, self.response, self.endsWithStop) = (prompt, response, endsWithStop)
    }

    var targetCount: Int { response.count + (endsWithStop ? 1 : 0) }
}

/// Maximum likelihood with masked prompts: L = −(1/N) Σ log π(target), with N the targets of the whole batch.
package struct SupervisedFineTuning: Sendable {
    /// N.
    package let targetCount: Int

    package init(_ batch: [Demonstration]) { targetCount = batch.reduce(0) { $0 + $1.targetCount } }

    /// dL/d log π: −1/N for each target, where ⊤ is one of the last state.
    package func weights(of demonstration: Demonstration) -> ResponseWeights {
        let weight = -1 / Float(max(targetCount, 1)), n = demonstration.response.count
        return ResponseWeights(
            token: Array(repeating: weight, count: n),
            stop: Array(repeating: 0, count: n) + [demonstration.endsWithStop ? weight : 0])
    }

    /// The demonstration's share of the loss.
    package func loss(of demonstration: Demonstration, scores: ResponseScores) -> Double {
        let stop = demonstration.endsWithStop ? scores.stopLogProbabilities.last.map { Double($0) } ?? 0 : 0
        return -(scores.tokenLogProbabilities.reduce(0) { $0 + Double($1) } + stop) / Double(max(targetCount, 1))
    }

    /// Demonstrations that are computed together, by slot: a fixed cut, so that the ranks do not change it. Every slot costs a
    /// pass over all parameters, so it has to hold enough tokens to be worth that.
    static let slotSize = 32
    static func slots(of count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: slotSize).map { $0..<min($0 + slotSize, count) }
    }
}
