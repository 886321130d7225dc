internal import Tensor

extension TransformerConfiguration {
    /// The angle per position of each pair of components: θ^(−2i/headSize), scaled for a stretched context.
    ///
    /// Computed in double and rounded once. The blend of `llama3` is that of Llama 3.1's reference code (`apply_scaling`).
    var inverseFrequencies: [Float] {
        (0..<headSize / 2).map { pair in
            let frequency = 1 / Elementary.power(rope.theta, Double(2 * pair) / Double(headSize))
            switch rope.scaling {
            case .none: return Float(frequency)
            case .linear(let factor): return Float(frequency / factor)
            case .llama3(let factor, let low, let high, let originalContextLength):
                let wavelength = 2 * Double.pi / frequency, original = Double(originalContextLength)
                if wavelength < original / high { return Float(frequency) }
                if wavelength > original / low { return Float(frequency / factor) }
                let smooth = (original / wavelength - low) / (high - low)
                return Float((1 - smooth) * frequency / factor + smooth * frequency)
            }
        }
    }
}
