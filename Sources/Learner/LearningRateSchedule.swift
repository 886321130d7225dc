internal import Tensor

/// The learning rate of each step: a linear rise from zero, then constant, or falling to zero in a line or half a cosine.
package struct LearningRateSchedule: Sendable, Equatable {
    package enum Shape: String, Sendable, CaseIterable, Codable { case constant, linear, cosine }

    package let shape: Shape
    package let peak: Double
    package let warmUpSteps: Int
    package let totalSteps: Int

    package init(shape: Shape, peak: Double, warmUpSteps: Int, totalSteps: Int) {
        self.shape = shape
        self.peak = peak
        self.warmUpSteps = warmUpSteps
        self.totalSteps = totalSteps
    }

    /// The rate of the update after `step` earlier ones. The first of a rise is zero, as in torch and transformers.
    package func rate(at step: Int) -> Double {
        guard step >= warmUpSteps else { return peak * Double(step) / Double(warmUpSteps) }
        let progress = Double(min(step, totalSteps) - warmUpSteps) / Double(max(totalSteps - warmUpSteps, 1))
        return switch shape {
        case .constant: peak
        case .linear: peak * max(0, 1 - progress)
        case .cosine: peak * max(0, 0.5 * (1 + Elementary.cos(.pi * progress)))
        }
    }
}
