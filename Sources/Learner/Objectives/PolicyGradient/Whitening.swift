/// Advantages of a batch of responses, shifted to mean 0 and scaled to variance 1 over all actions.
///
///     A ← (A − mean) · scale
///
/// Sums run over the responses and their actions in order, so that equal batches give equal bits.
package struct Whitening: Sendable, Equatable {
    package enum Variance: String, Sendable, CaseIterable, Codable {
        /// scale = 1/√max(var, 1e-8) with the variance of the batch itself (OpenRLHF).
        case population
        /// scale = 1/√(var · n/(n − 1) + 1e-8) (TRL, `masked_whiten`).
        case unbiased
    }

    package let mean: Double
    package let scale: Double

    /// Of one action or of equal advantages, the variance is 0 and whitening gives exactly 0; of none, there is nothing to whiten.
    package init(of batch: [[Double]], variance kind: Variance = .population) {
        let count = batch.reduce(0) { $0 + $1.count }
        guard let origin = batch.joined().first else {
            (mean, scale) = (0, 1)
            return
        }
        // Sums of differences from one element: those of equal advantages are 0 without rounding.
        var sum = 0.0
        for advantage in batch.joined() { sum += advantage - origin }
        mean = origin + sum / Double(count)
        var squares = 0.0
        for advantage in batch.joined() { squares += (advantage - mean) * (advantage - mean) }
        switch kind {
        case .population: scale = 1 / max(squares / Double(count), 1e-8).squareRoot()
        case .unbiased: scale = 1 / (squares / Double(max(count - 1, 1)) + 1e-8).squareRoot()
        }
    }

    package func callAsFunction(_ advantages: [Double]) -> [Double] { advantages.map { ($0 - mean) * scale } }
}
