internal import Tensor

extension TransformerConfiguration {
    /// The angle per position of each pair of components: θ^(−2i/headSize), scaled for a stretched context.
    var inverseFrequencies: [Float] { rope.frequencies(headSize: headSize).map { Float($0) } }

    /// cos and sin for positions 0..<positions.
    func rotaryTable(positions: Int) -> RotaryTable {
        RotaryTable(inverseFrequencies: inverseFrequencies, maximumPosition: positions, attentionFactor: rope.attentionFactor)
    }
}

extension RotaryConfiguration {
    /// One per pair of components, in double: they are rounded once.
    ///
    /// The blend of `llama3` is that of Llama 3.1's reference code (`apply_scaling`).
    func frequencies(headSize: Int) -> [Double] {
        (0..<headSize / 2).map { pair in
            let plain = 1 / Elementary.power(theta, Double(2 * pair) / Double(headSize))
            let frequency = divisors.isEmpty ? plain : plain / Double(divisors[pair])
            switch scaling {
            case .none: return frequency
            case .linear(let factor): return frequency / factor
            case .llama3(let factor, let low, let high, let originalContextLength):
                let wavelength = 2 * Double.pi / frequency, original = Double(originalContextLength)
                if wavelength < original / high { return frequency }
                if wavelength > original / low { return frequency / factor }
                let smooth = (original / wavelength - low) / (high - low)
                return (1 - smooth) * frequency / factor + smooth * frequency
            }
        }
    }
}
