internal import Tensor

/// What an adapter adds to one linear map: ΔW = s · B A (Hu et al. 2021, section 4.1).
///
///     W[o,i] += s · Σ_k B[o,k] · A[k,i]          W: [O, I]   B: [O, R]   A: [R, I]
///
/// The sum runs over ascending k from zero, each product and each sum rounded to Float: the same bits whatever the threads.
struct LowRankUpdate {
    private let matrices: AdapterMatrices
    private let rank: Int
    private let inputs: Int
    private let scaling: Float

    init(_ matrices: AdapterMatrices, rank: Int, scaling: Float) {
        precondition(rank > 0 && matrices.a.count % rank == 0, "a matrix of \(matrices.a.count) numbers for rank \(rank)")
        (self.matrices, self.rank, self.scaling) = (matrices, rank, scaling)
        inputs = matrices.a.count / rank
    }

    /// Adds it to `rows` of the matrix, which lie one after the other at `weights`.
    func add(toRows rows: Range<Int>, at weights: UnsafeMutablePointer<Float>, parallel: Parallel) {
        // Columns whose sums stay in the first cache while all ranks are added to them.
        let blockWidth = min(inputs, 2048), blocks = (inputs + blockWidth - 1) / blockWidth
        matrices.a.withUnsafeBufferPointer { a in
            matrices.b.withUnsafeBufferPointer { b in
                guard let a = a.baseAddress, let b = b.baseAddress else { return }
                parallel.forEach(rows.count, grain: 8) { share in
                    withUnsafeTemporaryAllocation(of: Float.self, capacity: blockWidth) { sums in
                        guard let sums = sums.baseAddress else { return }
                        for row in share {
                            for block in 0..<blocks {
                                let start = block * blockWidth, width = min(blockWidth, inputs - start)
                                sums.update(repeating: 0, count: width)
                                for k in 0..<rank {
                                    let factor = b[(rows.lowerBound + row) * rank + k], a = a + k * inputs + start
                                    for i in 0..<width { sums[i] += factor * a[i] }
                                }
                                let weights = weights + row * inputs + start
                                for i in 0..<width { weights[i] += scaling * sums[i] }
                            }
                        }
                    }
                }
            }
        }
    }
}
