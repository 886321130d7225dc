internal import CKernels
internal import COpenBLAS

/// The operations a model is made of. M rows · N outputs · K inputs · V vocabulary; all matrices are row-major, strides in elements.
///
/// `family` is there for tests that compare families.
package enum Kernel {}

/// One of the products that rows of x enter into:
///
///     y = (addend +) scale · x Wᵀ (+ bias) (+ s · (x Aᵀ) Bᵀ)
///
/// rounded after each step from left to right. x: [M, K]   y, addend: [M, N] at one stride   bias: [N]
package struct ProductTerm {
    package var weights: PackedMatrix
    package var output: UnsafeMutablePointer<Float>
    package var stride: Int
    package var scale: Float = 1
    /// May be the output itself.
    package var addend: UnsafePointer<Float>?
    package var bias: UnsafePointer<Float>?
    package var lowRank: LowRankTerm?

    package init(
        _ weights: PackedMatrix, into output: UnsafeMutablePointer<Float>, stride: Int, scale: Float = 1,
        addend: UnsafePointer<Float>? = nil, bias: UnsafePointer<Float>? = nil, lowRank: LowRankTerm? = nil
    ) {
        self.weights = weights
        self.output = output
        self.stride = stride
        self.scale = scale
        self.addend = addend
        self.bias = bias
        self.lowRank = lowRank
    }
}

/// The part of an adapter (Hu et al. 2021, section 4.1) in a product: s · (x Aᵀ) Bᵀ.
package struct LowRankTerm {
    /// A, [r, K]
    package var a: PackedMatrix
    /// B, [N, r]
    package var b: PackedMatrix
    /// s
    package var scale: Float
    /// x Aᵀ, [M, r]: written.
    package var projected: UnsafeMutablePointer<Float>

    package init(a: PackedMatrix, b: PackedMatrix, scale: Float, projected: UnsafeMutablePointer<Float>) {
        self.a = a
        self.b = b
        self.scale = scale
        self.projected = projected
    }
}

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
        multiply(
            x, rows: M, stride: xStride,
            by: [ProductTerm(w, into: y, stride: yStride, scale: scale, addend: accumulating ? UnsafePointer(y) : nil)],
            parallel: parallel, family: family)
    }

    /// Several products of the same rows, with the bits that each would have alone.
    ///
    /// Rows are rounded once for all of them, and threads share out all products' outputs together. No output may be what another product
    /// reads.
    package static func multiply(
        _ x: UnsafePointer<Float>, rows M: Int, stride xStride: Int, by terms: [ProductTerm], parallel: Parallel,
        family: KernelFamily = .current
    ) {
        guard M > 0, let K = terms.first?.weights.inputs else { return }
        precondition(xStride >= K, "multiply: rows of \(K) at stride \(xStride)")
        for term in terms {
            term.check(inputs: K)
            let low = term.lowRank.map { $0.a.outputs * (K + term.weights.outputs) } ?? 0
            WorkMeter.add(products: 2 * M * (term.weights.outputs * K + low))
        }
        let kernels = family.kernels
        let inputs = ProductInputs(x, rows: M, stride: xStride, for: terms)
        inputs.prepare(terms, parallel: parallel, kernels)
        withUnsafeTemporaryAllocation(of: gfn_low_rank.self, capacity: terms.count) { lowRanks in
            let jobs = terms.indices.map { index in
                let term = terms[index], w = term.weights
                let (input, stride) = inputs.form(for: w)
                var job = gfn_product(
                    x: input, x_stride: stride, w: w.bytes, codes: w.codes, outputs: w.outputs, steps: w.steps, y: term.output,
                    y_stride: term.stride, scale: term.scale, addend: term.addend, bias: term.bias, low_rank: nil)
                if let low = term.lowRank {
                    let (t, stride) = inputs.projection(index, of: low)
                    lowRanks[index] = gfn_low_rank(t: t, t_stride: stride, b: low.b.bytes, steps: low.b.steps, scale: low.scale)
                    job.low_rank = lowRanks.baseAddress.map { UnsafePointer($0 + index) }
                }
                return ProductJob(run: w.kind.run(kernels), job: job, panels: w.panels)
            }
            // Waking a thread costs more than a small product.
            let isSmall = terms.allSatisfy { term in
                let w = term.weights
                return M * w.outputs * w.inputs < (w.kind == .codes ? 500_000 : 2_000_000) && w.byteCount < 1 << 20
            }
            ProductUnits(jobs, rows: M, rowBytes: inputs.bytesOfRow).run(parallel: isSmall ? .serial : parallel)
        }
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
