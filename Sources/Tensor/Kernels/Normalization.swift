internal import CKernels

extension Kernel {
    /// y = gain · x · r with r = 1/√(mean_d x² + ε) per row                       x, y: [M, D]   gain: [D]   r: [M]
    ///
    /// Zhang & Sennrich 2019, equation 4; y may be x.
    package static func rmsNorm(
        _ x: UnsafePointer<Float>, rows: Int, width: Int, gain: UnsafePointer<Float>, epsilon: Float,
        into y: UnsafeMutablePointer<Float>, inverseRMS: UnsafeMutablePointer<Float>? = nil, parallel: Parallel,
        family: KernelFamily = .current
    ) {
        precondition(rows >= 0 && width > 0, "rmsNorm: [\(rows), \(width)]")
        let kernels = family.kernels
        parallel.forEach(rows, grain: rowGrain(width)) { part in
            let (at, m) = (part.lowerBound * width, part.count)
            kernels.pointee.rms_norm(x + at, m, width, gain, epsilon, y + at, inverseRMS.map { $0 + part.lowerBound })
        }
    }

    /// dx += r·gain·dy − x·r³/D·Σ_d gain·dy·x;  gainGradient += Σ_rows dy·x·r
    package static func rmsNormBackward(
        _ dy: UnsafePointer<Float>, x: UnsafePointer<Float>, gain: UnsafePointer<Float>, inverseRMS: UnsafePointer<Float>,
        rows: Int, width: Int, into dx: UnsafeMutablePointer<Float>, gainGradient: UnsafeMutablePointer<Float>? = nil,
        parallel: Parallel, family: KernelFamily = .current
    ) {
        precondition(rows >= 0 && width > 0, "rmsNormBackward: [\(rows), \(width)]")
        let kernels = family.kernels
        parallel.forEach(rows, grain: rowGrain(width)) { part in
            let (at, m) = (part.lowerBound * width, part.count)
            kernels.pointee.rms_norm_backward(dy + at, x + at, gain, inverseRMS + part.lowerBound, m, width, dx + at)
        }
        if let gainGradient {
            kernels.pointee.rms_norm_gain_gradient(dy, x, inverseRMS, rows, width, gainGradient)
        }
    }

    /// How many rows make it worth waking another thread.
    static func rowGrain(_ width: Int) -> Int { max(1, 65_536 / width) }
}
