/// The clipped surrogate of PPO (Schulman et al., arXiv 1707.06347, eq. 7) as a loss.
///
///     l = −min(ρA, clip(ρ, 1 − low, 1 + high) A)        for A < 0 and a dual clip c:  l = min(that, −cA)
///
/// Unequal bounds are DAPO's clip-higher (arXiv 2503.14476, section 3.1); the dual clip bounds the loss of actions that were
/// bad and became much more probable (Ye et al., arXiv 1912.09729).
package struct ClippedSurrogate: Sendable, Equatable {
    package let low: Double
    package let high: Double
    /// c > 1; nil: no dual clip.
    package let dualClip: Double?

    package init(low: Double, high: Double, dualClip: Double? = nil) {
        self.low = low
        self.high = high
        self.dualClip = dualClip
    }

    /// The loss of one action, its derivative in the log-ratio, and whether the clipped product was the smaller one.
    ///
    /// Where both products are equal, above all at ρ = 1 on the first pass over a batch, the derivative is the unclipped −ρA.
    package func loss(_ ratio: ImportanceRatio, advantage: Double) -> (value: Double, slope: Double, isClipped: Bool) {
        let unclipped = ratio.value * advantage
        let clipped = min(max(ratio.value, 1 - low), 1 + high) * advantage
        let isClipped = clipped < unclipped
        let surrogate = isClipped ? clipped : unclipped
        if let dualClip, advantage < 0, dualClip * advantage > surrogate { return (-dualClip * advantage, 0, isClipped) }
        return (-surrogate, isClipped ? 0 : -ratio.slope * advantage, isClipped)
    }

    /// The losses of the actions of one response; `logRatios` are log π − log π_old, as are their slopes.
    package func losses(logRatios: [Double], advantages: [Double], level: ImportanceRatio.Level = .token) -> ActionLosses {
        precondition(logRatios.count == advantages.count, "\(logRatios.count) log-ratios and \(advantages.count) advantages")
        switch level {
        case .token:
            let terms = zip(logRatios, advantages).map { loss(ImportanceRatio(logRatio: $0), advantage: $1) }
            return ActionLosses(losses: terms.map(\.value), slopes: terms.map(\.slope), clipped: terms.count { $0.isClipped })
        case .sequence:
            let ratio = ImportanceRatio(meanOf: logRatios)
            let terms = advantages.map { loss(ratio, advantage: $0) }
            // Every log π_t is 1/n of the shared log-ratio, which all n losses contain.
            let slope = terms.isEmpty ? 0 : terms.reduce(0) { $0 + $1.slope } / Double(terms.count)
            return ActionLosses(
                losses: terms.map(\.value), slopes: Array(repeating: slope, count: terms.count),
                clipped: terms.count { $0.isClipped })
        }
    }
}
