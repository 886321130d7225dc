internal import Rollout
internal import Tensor

/// Binary cross entropy of step labels, with class weights and label smoothing.
///
///     q₁ = w₁·((1 − ε)·y + ε/2)        q₀ = w₀·((1 − ε)·(1 − y) + ε/2)
///     L = Σ [ −q₁ log σ(z) − q₀ log σ(−z) ] / Σ [ w₁·y + w₀·(1 − y) ]
///
/// For hard labels y this is PyTorch's cross entropy of two classes with logits (0, z), weights and smoothing; for soft ones each
/// label is a good step in the proportion y. Math-Shepherd (arXiv 2312.08935), section 3.3, with w = 1 and ε = 0.
package struct StepLoss: Sendable, Equatable {
    /// w₁ and w₀.
    package var goodWeight: Double
    package var badWeight: Double
    /// ε, from 0 to below 1.
    package var smoothing: Double

    package init(goodWeight: Double = 1, badWeight: Double = 1, smoothing: Double = 0) {
        (self.goodWeight, self.badWeight, self.smoothing) = (goodWeight, badWeight, smoothing)
    }

    /// With weights in inverse proportion to how often the classes occur among these labels, 1 on average; alike where one is missing.
    package init(balancing labels: [Double], smoothing: Double = 0) {
        let good = labels.reduce(0, +), count = Double(labels.count)
        let isBalanced = good > 0 && good < count
        self.init(
            goodWeight: isBalanced ? count / (2 * good) : 1, badWeight: isBalanced ? count / (2 * (count - good)) : 1,
            smoothing: smoothing)
    }

    /// What a label weighs in the mean.
    package func weight(of label: Double) -> Double { goodWeight * label + badWeight * (1 - label) }

    /// The term of one step, and its slope in z.
    package func term(logit z: Double, label y: Double) -> (value: Double, slope: Double) {
        let good = goodWeight * ((1 - smoothing) * y + smoothing / 2)
        let bad = badWeight * ((1 - smoothing) * (1 - y) + smoothing / 2)
        return (
            good * Self.softplus(-z) + bad * Self.softplus(z),
            (good + bad) * RewardHead.probability(ofLogit: z) - good
        )
    }

    /// log(1 + eᶻ) = −log σ(−z).
    private static func softplus(_ z: Double) -> Double {
        let rest = Elementary.exp(-abs(z))
        // log(1 + r) keeps no digit of a small r.
        return max(z, 0) + (rest < 1e-5 ? rest - rest * rest / 2 : Elementary.log(1 + rest))
    }
}
