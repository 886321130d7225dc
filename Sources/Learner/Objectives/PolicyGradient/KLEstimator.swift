private import Tensor

/// Estimators of KL(π ‖ π_ref) from the log-probabilities of one action drawn from π (Schulman, "Approximating KL Divergence", 2020).
///
///     d = log π − log π_ref        k1 = d        k2 = d²/2        k3 = e^(−d) − 1 + d
///
/// k1 and k3 have the right mean, k3 without ever being negative; k2 is biased, but its *slope* d has the mean of the gradient
/// of KL. As a penalty within the reward, where no slope is taken, k1 is the usual one; as a term of the loss, k3 (GRPO,
/// arXiv 2402.03300, eq. 4).
package enum KLEstimator: String, Sendable, CaseIterable, Codable {
    case k1, k2, k3

    /// The estimate from `difference` = d, limited to ±`limit` (nil: no limit), and its derivative in log π. A limited estimate is
    /// a constant, so its derivative is 0.
    package func estimate(_ difference: Double, limit: Double? = nil) -> (value: Double, slope: Double) {
        let value: Double, slope: Double
        switch self {
        case .k1: (value, slope) = (difference, 1)
        case .k2: (value, slope) = (difference * difference / 2, difference)
        case .k3:
            let inverseRatio = Elementary.exp(-difference)
            // e^(−d) overflows long before d does; only the limited value is finite then.
            (value, slope) = (inverseRatio - 1 + difference, 1 - inverseRatio)
        }
        guard let limit, abs(value) > limit else { return (value, slope) }
        return (value < 0 ? -limit : limit, 0)
    }
}
