import Tensor

/// Normal numbers from a stream of their own.
func randomTensor(_ count: Int, seed: Int, scale: Double = 1) -> FloatTensor {
    var stream = RandomStream(seed: 7, purpose: .task, step: seed)
    return FloatTensor((0..<count).map { _ in Float(scale * stream.normal()) }, shape: Shape(count))
}

func doubles(_ tensor: FloatTensor) -> [Double] { tensor.array.map(Double.init) }
func bits(_ tensor: FloatTensor) -> [UInt32] { tensor.array.map(\.bitPattern) }
func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

func bfloat16(_ x: Float) -> Float {
    let bits = x.bitPattern
    return Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
}

/// The gradient of f at x by central differences.
func centralDifferences(_ x: [Double], step: Double = 1e-5, _ f: ([Double]) -> Double) -> [Double] {
    var x = x
    return x.indices.map { i in
        let middle = x[i]
        x[i] = middle + step
        let above = f(x)
        x[i] = middle - step
        let below = f(x)
        x[i] = middle
        return (above - below) / (2 * step)
    }
}

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
