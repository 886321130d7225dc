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
    /// is applied once to the finished sum. With bf16 weights, x is rounded to bf16 first.
    package static func multiply(
        _ x: UnsafePointer<Float>, rows M: Int, stride xStride: Int, by w: PackedMatrix, into y: UnsafeMutablePointer<Float>,
        stride yStride: Int, scale: Float = 1, accumulating: Bool = false, parallel: Parallel, family: KernelFamily = .current
    ) {
        precondition(
            M >= 0 && xStride >= w.inputs && yStride >= w.outputs,
            "multiply: \(M) rows, strides \(xStride) and \(yStride) for a matrix [\(w.outputs), \(w.inputs)]")
        guard M > 0 else { return }
        let kernels = family.kernels
        var job = gfn_product(
            x: x, x_stride: xStride, w: w.bytes, outputs: w.outputs, steps: w.steps, y: y, y_stride: yStride, scale: scale,
            accumulating: accumulating ? 1 : 0)
        if w.precision == .bf16 {
            let pairs = gfn_scratch(Int32(gfn_scratch_inputs), M * w.steps * 4)
            gfn_round_rows(kernels, x, xStride, M, w.inputs, pairs)
            job.x = UnsafeRawPointer(pairs)
            job.x_stride = w.steps
        }
        let run = w.precision == .bf16 ? kernels.pointee.multiply_bf16 : kernels.pointee.multiply_fp32
        let panels = w.panels
        // Waking a thread costs more than a small product, such as a low-rank adapter's.
        let isSmall = M * w.outputs * w.inputs < 2_000_000 && w.byteCount < 1 << 20
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

    /// dW[n,k] += scale · Σ_m dy[m,n]·x[m,k]                       dy: [M, N]   x: [M, K]   dW: [N, K]
    ///
    /// Single precision by OpenBLAS on one thread: the same bits for the same shapes on the same processor.
    package static func accumulateOuterProduct(
        _ dy: UnsafePointer<Float>, stride dyStride: Int, _ x: UnsafePointer<Float>, stride xStride: Int, rows M: Int,
        outputs N: Int, inputs K: Int, scale: Float, into dW: UnsafeMutablePointer<Float>
    ) {
        precondition(
            M >= 0 && N > 0 && K > 0 && dyStride >= N && xStride >= K,
            "accumulateOuterProduct: [\(M), \(N)] stride \(dyStride) with [\(M), \(K)] stride \(xStride)")
        guard M > 0 else { return }
        _ = blasIsSerial
        cblas_sgemm(
            CblasRowMajor, CblasTrans, CblasNoTrans, Int32(N), Int32(K), Int32(M), scale, dy, Int32(dyStride), x, Int32(xStride), 1,
            dW, Int32(K))
    }

    /// Ranks are the threads: OpenBLAS gets one, set before its first use.
    private static let blasIsSerial: Bool = {
        openblas_set_num_threads(1)
        return true
    }()
}
