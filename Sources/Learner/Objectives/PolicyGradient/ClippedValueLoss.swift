/// The critic's squared error, clipped as the surrogate is (the PPO of OpenAI's baselines; Huang et al., "The 37 Implementation Details of
/// Proximal Policy Optimization", 2022, detail 9).
///
///     l = ½ max((V − R)², (V_old + clip(V − V_old, ±c) − R)²)
package struct ClippedValueLoss: Sendable, Equatable {
    /// c; nil: ½ (V − R)².
    package let clip: Double?

    package init(clip: Double?) { self.clip = clip }

    /// The loss of one action's value V, its derivative in V, and whether the clipped error was the larger one.
    package func loss(value: Double, oldValue: Double, target: Double) -> (value: Double, slope: Double, isClipped: Bool) {
        let error = value - target
        let unclipped = (value: error * error / 2, slope: error, isClipped: false)
        // Within the bounds the errors are equal, but V_old + (V − V_old) may round to another number than V.
        guard let clip, abs(value - oldValue) > clip else { return unclipped }
        let clippedError = oldValue + (value > oldValue ? clip : -clip) - target
        // A clipped value does not depend on V.
        return abs(clippedError) > abs(error) ? (clippedError * clippedError / 2, 0, true) : unclipped
    }
}
