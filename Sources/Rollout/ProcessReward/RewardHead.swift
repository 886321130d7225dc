internal import Tensor

/// The scalar head of a process reward model: p = σ(w·h + b), with h `[d]` the final norm's output where a step ends.
package struct RewardHead: Sendable, Equatable {
    /// w. `[d]`
    package let weight: [Float]
    package let bias: Float

    package init(weight: [Float], bias: Float) { (self.weight, self.bias) = (weight, bias) }

    /// w·h + b, summed in Double in the order of features.
    package func logit(_ hidden: UnsafeBufferPointer<Float>) -> Double {
        precondition(hidden.count == weight.count, "reward head: \(hidden.count) features for width \(weight.count)")
        var sum = 0.0
        for (w, h) in zip(weight, hidden) { sum += Double(w) * Double(h) }
        return sum + Double(bias)
    }

    /// The probability that a step with this logit is good: σ(z).
    package static func probability(ofLogit z: Double) -> Double {
        // No overflow, and full relative accuracy near 0.
        z >= 0 ? 1 / (1 + Elementary.exp(-z)) : Elementary.exp(z) / (1 + Elementary.exp(z))
    }
}
