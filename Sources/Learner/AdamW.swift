package import Tensor

/// AdamW (Loshchilov and Hutter, arXiv 1711.05101) over one flat block of fp32 master parameters.
///
///     w ← w (1 − lr·wd)     m ← β₁ m + (1−β₁) g     v ← β₂ v + (1−β₂) g²     w ← w − lr · m̂ / (√v̂ + ε)
///
/// Every element is computed in Double and stored as Float: in Float, 1 − β₂ alone is wrong by 10⁻⁵, and ten steps leave
/// torch's trajectory by as much. A vectorised loop gives the bits of a plain one, and threads change none.
package struct AdamW: Sendable, Equatable {
    package struct Settings: Sendable, Equatable, Codable {
        package var beta1: Double
        package var beta2: Double
        package var epsilon: Double
        package var weightDecay: Double

        package init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0) {
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
            self.weightDecay = weightDecay
        }
    }

    package let settings: Settings
    /// Updates taken so far.
    package private(set) var step: Int
    package private(set) var firstMoments: [Float]
    package private(set) var secondMoments: [Float]

    package init(_ settings: Settings, count: Int) {
        self.init(
            settings, step: 0, firstMoments: Array(repeating: 0, count: count),
            secondMoments: Array(repeating: 0, count: count))
    }

    /// Continues from saved moments.
    package init(_ settings: Settings, step: Int, firstMoments: [Float], secondMoments: [Float]) {
        precondition(firstMoments.count == secondMoments.count, "AdamW: moments of different counts")
        self.settings = settings
        self.step = step
        self.firstMoments = firstMoments
        self.secondMoments = secondMoments
    }

    /// Takes one step with the gradient `gradientScale · gradient`, which lets clipping cost no pass of its own.
    package mutating func update(
        _ parameters: inout [Float], gradient: UnsafePointer<Float>, gradientScale: Double = 1, learningRate: Double,
        parallel: Parallel = .serial
    ) {
        precondition(parameters.count == firstMoments.count, "AdamW: \(parameters.count) parameters, \(firstMoments.count) moments")
        step += 1
        let (beta1, beta2, epsilon) = (settings.beta1, settings.beta2, settings.epsilon)
        let decay = 1 - learningRate * settings.weightDecay
        let stepSize = learningRate / (1 - power(beta1, step))
        let secondScale = 1 / (1 - power(beta2, step)).squareRoot()
        let count = parameters.count
        parameters.withUnsafeMutableBufferPointer { parameters in
            firstMoments.withUnsafeMutableBufferPointer { first in
                secondMoments.withUnsafeMutableBufferPointer { second in
                    guard let w = parameters.baseAddress, let m = first.baseAddress, let v = second.baseAddress else { return }
                    let block = Block(w: w, m: m, v: v, g: gradient)
                    parallel.forEach(count, grain: 1 << 14) { range in
                        let (w, m, v, g) = (block.w, block.m, block.v, block.g)
                        for i in range {
                            let slope = Double(g[i]) * gradientScale
                            let first = beta1 * Double(m[i]) + (1 - beta1) * slope
                            let second = beta2 * Double(v[i]) + (1 - beta2) * slope * slope
                            m[i] = Float(first)
                            v[i] = Float(second)
                            w[i] = Float(
                                Double(w[i]) * decay
                                    - stepSize * first / (second.squareRoot() * secondScale + epsilon))
                        }
                    }
                }
            }
        }
    }

    /// The threads write disjoint ranges.
    private struct Block: @unchecked Sendable {
        let w, m, v: UnsafeMutablePointer<Float>
        let g: UnsafePointer<Float>
    }
}

/// The factor that keeps a gradient's norm at or below `maximum`: torch's `clip_grad_norm_`. No maximum means no clipping.
package func clippingScale(norm: Double, maximum: Double?) -> Double {
    guard let maximum else { return 1 }
    return min(1, maximum / (norm + 1e-6))
}
