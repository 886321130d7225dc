private import Tensor

/// ρ = π/π_old of one action or of a whole response.
///
/// The log-ratio is limited to ±20: one action that became a billion times more probable must not be an infinity in the loss.
/// A limited ratio is a constant, and has no slope.
package struct ImportanceRatio: Sendable, Equatable {
    /// What one ratio belongs to.
    package enum Level: String, Sendable, CaseIterable, Codable {
        /// Each action has its own (PPO, GRPO).
        case token
        /// All actions of a response share the geometric mean of theirs (GSPO, arXiv 2507.18071, section 4.1).
        case sequence
    }

    package static let logLimit = 20.0

    package let value: Double
    /// dρ/d(log-ratio): ρ, or 0 where the log-ratio is limited.
    package let slope: Double

    package init(logRatio: Double) {
        value = Elementary.exp(min(max(logRatio, -Self.logLimit), Self.logLimit))
        slope = abs(logRatio) > Self.logLimit ? 0 : value
    }

    /// exp(mean_t (log π_t − log π_old,t)). A response without actions has ratio 1.
    package init(meanOf logRatios: [Double]) {
        self.init(logRatio: logRatios.isEmpty ? 0 : logRatios.reduce(0, +) / Double(logRatios.count))
    }
}
