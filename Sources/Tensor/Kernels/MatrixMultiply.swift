internal import CKernels
internal import COpenBLAS

/// The operations a model is made of. M rows · N outputs · K inputs · V vocabulary; all matrices are row-major, strides in elements.
///
/// `family` is there for tests that compare families.
package enum Kernel {}

extension Kernel {
    /// y[m,n] = (accumulating ? y[m,n] : 0) + scale · Σ_k x[m,k]·W[n,k]
    ///
    /// The sum is one chain over k (see product.h), so a row's bits depend neither on M nor on threads nor on the family. The scale
    /// is applied once to the finished sum. With bf16 weights, x is rounded to bf16 first; with weights in codes, to integers (integers.h),
    /// and with their transpose, to bf16, as the weights are (codes.h).
    package static func multiply(
        _ x: UnsafePointer<Float>, rows M: Int, stride xStride: Int, by w: PackedMatrix, into y: UnsafeMutablePointer<Float>,
        stride yStride: Int, scale: Float = 1, accumulating: Bool = false, parallel: Parallel, family: KernelFamily = .current
    ) {
        precondition(
            M >= 0 && xStride >= w.inputs && yStride >= w.outputs,
            "multiply: \(M) rows, strides \(xStride) and \(yStride) for a matrix [\(w.outputs), \(w.inputs)]")
        guard M > 0 else { return }
        WorkMeter.add(products: 2 * M * w.outputs * w.inputs)
        let kernels = family.kernels
        var job = gfn_product(
            x: x, x_stride: xStride, w: w.bytes, codes: w.codes, outputs: w.outputs, steps: w.steps, y: y, y_stride: yStride, scale: scale,
            accumulating: accumulating ? 1 : 0)
        let run: @convention(c) (UnsafePointer<gfn_product>, Int, Int, Int, Int) -> Void
        switch w.kind {
        case .fp32: run = kernels.pointee.multiply_fp32
        case .bf16, .transposedCodes:
            run = w.kind == .bf16 ? kernels.pointee.multiply_bf16 : kernels.pointee.multiply_codes
            let pairs = gfn_scratch(Int32(gfn_scratch_inputs), M * w.steps * 4)
            gfn_round_rows(kernels, x, xStride, M, w.inputs, pairs)
            (job.x, job.x_stride) = (UnsafeRawPointer(pairs), w.steps)
        case .codes:
            run = kernels.pointee.multiply_integers
            (job.x, job.x_stride) = integers(of: x, rows: M, stride: xStride, for: w, parallel: parallel, kernels)
        }
        let panels = w.panels
        // Waking a thread costs more than a small product, such as a low-rank adapter's.
        let isSmall = M * w.outputs * w.inputs < (w.kind == .codes ? 500_000 : 2_000_000) && w.byteCount < 1 << 20
        if parallel.threads == 1 || isSmall {
            run(&job, 0, panels, 0, M)
        } else if panels >= 2 * parallel.threads {
            parallel.forEach(panels) { part in
                withUnsafePointer(to: job) { run($0, part.lowerBound, part.upperBound, 0, M) }
            }
        } else {
            parallel.forEach(M, grain: 16) { part in
                withUnsafePointer(to: job) { run($0, 0, panels, part.lowerBound, part.upperBound) }
            }
        }
    }

    /// Rows of x as a product with codes reads them, in this thread's scratch memory, and how far apart.
    private static func integers(
        of x: UnsafePointer<Float>, rows M: Int, stride: Int, for w: PackedMatrix, parallel: Parallel, _ kernels: UnsafePointer<gfn_kernels>
    ) -> (UnsafeRawPointer, Int) {
        guard let codes = w.codes else { preconditionFailure("integers for a matrix of numbers") }
        let rowBytes = 2 * w.inputs + w.inputs / codes.pointee.group * MemoryLayout<gfn_integer_group>.stride, bytes = (rowBytes + 63) & ~63
        let out = gfn_scratch(Int32(gfn_scratch_inputs), M * bytes).assumingMemoryBound(to: UInt8.self)
        nonisolated(unsafe) let (rows, x) = (out, x)
        parallel.forEach(M, grain: max(1, 65_536 / w.inputs)) { part in
            kernels.pointee.round_integers(
                codes, x + part.lowerBound * stride, stride, part.count, w.inputs, rows + part.lowerBound * bytes, bytes)
        }
        return (UnsafeRawPointer(out), bytes)
    }

    /// dW[n,k] += scale · Σ_m dy[m,n]·x[m,k]                       dy: [M, N]   x: [M, K]   dW: [N, K]
    ///
    /// For the matrices of adapters, of which one side is short. The sum is one chain over m (see outer.h), so the bits depend
    /// neither on threads nor on the family; the scale is applied once to the finished sum.
    package static func accumulateOuterProduct(
        _ dy: UnsafePointer<Float>, stride dyStride: Int, _ x: UnsafePointer<Float>, stride xStride: Int, rows M: Int,
        outputs N: Int, inputs K: Int, scale: Float, into dW: UnsafeMutablePointer<Float>, parallel: Parallel,
        family: KernelFamily = .current
    ) {
        precondition(
            M >= 0 && N > 0 && K > 0 && dyStride >= N && xStride >= K,
            "accumulateOuterProduct: [\(M), \(N)] stride \(dyStride) with [\(M), \(K)] stride \(xStride)")
        guard M > 0 else { return }
        WorkMeter.add(gradients: 2 * M * N * K)
        let kernels = family.kernels
        let job =
            K >= N
            ? gfn_outer(
                wide: x, wide_stride: xStride, thin: dy, thin_stride: dyStride, height: N, rows: M, out: dW, wide_step: 1, thin_step: K,
                scale: scale)
            : gfn_outer(
                wide: dy, wide_stride: dyStride, thin: x, thin_stride: xStride, height: K, rows: M, out: dW, wide_step: K, thin_step: 1,
                scale: scale)
        let width = max(N, K), columns = 64
        // Waking a thread costs more than a small product.
        let isSmall = M * N * K < 1_000_000
        (isSmall ? .serial : parallel).forEach((width + columns - 1) / columns) { part in
            withUnsafePointer(to: job) {
                kernels.pointee.outer_product($0, part.lowerBound * columns, min(part.upperBound * columns, width))
            }
        }
    }

    /// dW[n,k] += Σ_m dy[m,n]·x[m,k] for whole weight matrices, by OpenBLAS in blocks of outputs that do not depend on threads.
    ///
    /// OpenBLAS chooses its kernels by processor, so the bits are those of `WeightGradientLibrary.core` only: equal for equal
    /// cores and shapes, whatever the number of threads.
    package static func accumulateWeightGradient(
        _ dy: UnsafePointer<Float>, stride dyStride: Int, _ x: UnsafePointer<Float>, stride xStride: Int, rows M: Int,
        outputs N: Int, inputs K: Int, into dW: UnsafeMutablePointer<Float>, parallel: Parallel
    ) {
        precondition(
            M >= 0 && N > 0 && K > 0 && dyStride >= N && xStride >= K,
            "accumulateWeightGradient: [\(M), \(N)] stride \(dyStride) with [\(M), \(K)] stride \(xStride)")
        guard M > 0 else { return }
        WorkMeter.add(gradients: 2 * M * N * K)
        _ = WeightGradientLibrary.isSerial
        let blockOutputs = 256
        parallel.forEach((N + blockOutputs - 1) / blockOutputs) { blocks in
            for block in blocks {
                let n = block * blockOutputs
                cblas_sgemm(
                    CblasRowMajor, CblasTrans, CblasNoTrans, Int32(min(blockOutputs, N - n)), Int32(K), Int32(M), 1, dy + n,
                    Int32(dyStride), x, Int32(xStride), 1, dW + n * K, Int32(K))
            }
        }
    }
}

/// The library that sums the gradients of whole weight matrices.
package enum WeightGradientLibrary {
    /// The kernels that OpenBLAS chose for this processor (or was told by OPENBLAS_CORETYPE), as it names them: "SkylakeX".
    package static let core = String(cString: openblas_get_corename())

    /// Ranks are the threads: OpenBLAS gets one, set before its first use.
    fileprivate static let isSerial: Bool = {
        openblas_set_num_threads(1)
        return true
    }()
}
