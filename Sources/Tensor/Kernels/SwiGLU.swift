internal import CKernels

extension Kernel {
    /// y = gate·σ(gate)·up, all [rows, width] (Shazeer 2020, equation 5 without its matrices).
    package static func swiGLU(
        gate: UnsafePointer<Float>, up: UnsafePointer<Float>, rows: Int, width: Int, into y: UnsafeMutablePointer<Float>,
        parallel: Parallel, family: KernelFamily = .current
    ) {
        let kernels = family.kernels
        parallel.forEach(rows, grain: rowGrain(4 * width)) { part in
            let at = part.lowerBound * width
            kernels.pointee.swiglu(gate + at, up + at, part.count * width, y + at)
        }
    }

    /// dGate = dy·up·σ·(1 + gate·(1 − σ)),  dUp = dy·gate·σ; written, not added. The outputs may be the inputs' memory.
    package static func swiGLUBackward(
        _ dy: UnsafePointer<Float>, gate: UnsafePointer<Float>, up: UnsafePointer<Float>, rows: Int, width: Int,
        into dGate: UnsafeMutablePointer<Float>, _ dUp: UnsafeMutablePointer<Float>, parallel: Parallel,
        family: KernelFamily = .current
    ) {
        let kernels = family.kernels
        parallel.forEach(rows, grain: rowGrain(4 * width)) { part in
            let at = part.lowerBound * width
            kernels.pointee.swiglu_backward(dy + at, gate + at, up + at, part.count * width, dGate + at, dUp + at)
        }
    }
}
