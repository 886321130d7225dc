internal import CKernels

extension Kernel {
    /// y += x
    package static func add(
        _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int, family: KernelFamily = .current
    ) {
        family.kernels.pointee.add(x, y, count)
    }

    /// y[m,·] += bias                       y: [rows, width] at `stride`   bias: [width]
    package static func addRow(
        _ bias: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, rows: Int, width: Int, stride: Int,
        family: KernelFamily = .current
    ) {
        precondition(stride >= width, "addRow: width \(width) at stride \(stride)")
        family.kernels.pointee.add_row(bias, y, rows, width, stride)
    }

    /// bfloat16 by rounding to nearest even. A NaN stays NaN; overflow becomes infinity.
    package static func roundToBFloat16(
        _ x: UnsafePointer<Float>, count: Int, into bits: UnsafeMutablePointer<UInt16>, family: KernelFamily = .current
    ) {
        family.kernels.pointee.round_bf16(x, count, bits)
    }

    /// The same in place: x becomes the bfloat16 nearest to it.
    package static func roundToBFloat16(_ x: UnsafeMutablePointer<Float>, count: Int, parallel: Parallel) {
        let block = 4096
        nonisolated(unsafe) let x = x
        parallel.forEach((count + block - 1) / block, grain: 16) { blocks in
            withUnsafeTemporaryAllocation(of: UInt16.self, capacity: block) { bits in
                guard let bits = bits.baseAddress else { return }
                for at in blocks.map({ $0 * block }) {
                    let size = min(block, count - at)
                    roundToBFloat16(x + at, count: size, into: bits)
                    widenBFloat16(bits, count: size, into: x + at)
                }
            }
        }
    }

    /// The exact value of each bfloat16.
    package static func widenBFloat16(
        _ bits: UnsafePointer<UInt16>, count: Int, into x: UnsafeMutablePointer<Float>, family: KernelFamily = .current
    ) {
        family.kernels.pointee.widen_bf16(bits, count, x)
    }

    /// max |x|; infinity when any element is infinite or NaN, 0 for no elements.
    package static func maximumMagnitude(_ x: UnsafePointer<Float>, count: Int, family: KernelFamily = .current) -> Float {
        family.kernels.pointee.maximum_magnitude(x, count)
    }

    /// Σ x² in double precision, in an order fixed by the count.
    package static func sumOfSquares(_ x: UnsafePointer<Float>, count: Int, family: KernelFamily = .current) -> Double {
        family.kernels.pointee.sum_of_squares(x, count)
    }

    /// eˣ within 2 ulp; 0 where it would be below the smallest normal number.
    package static func exponential(
        _ x: UnsafePointer<Float>, count: Int, into y: UnsafeMutablePointer<Float>, family: KernelFamily = .current
    ) {
        family.kernels.pointee.exponential(x, count, y)
    }

    /// One AdamW step on each element, in PyTorch's order (Loshchilov & Hutter 2019, algorithm 2):
    ///
    ///     g = gradientScale·gradient   w ← w − lr·λ·w   m ← β₁m + (1−β₁)g   v ← β₂v + (1−β₂)g²
    ///     w ← w − lr/c₁ · m / (√v/√c₂ + ε)                with bias corrections c = 1 − βᵗ
    package static func adamW(
        _ parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, m: UnsafeMutablePointer<Float>,
        v: UnsafeMutablePointer<Float>, count: Int, learningRate: Float, beta1: Float, beta2: Float, epsilon: Float,
        weightDecay: Float, biasCorrection1: Float, biasCorrection2: Float, gradientScale: Float = 1,
        family: KernelFamily = .current
    ) {
        var settings = gfn_adamw(
            rate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: weightDecay, correction1: biasCorrection1,
            correction2: biasCorrection2, gradient_scale: gradientScale)
        family.kernels.pointee.adamw(parameters, gradient, m, v, count, &settings)
    }
}
