internal import CKernels

/// cos and sin of position · frequency for positions 0..<maximumPosition, in the half-split layout of Hugging Face's models.
///
/// Angles are single precision as in transformers; their cosines are taken in double and rounded once.
package struct RotaryTable: Sendable {
    package let headSize: Int
    package let maximumPosition: Int
    let cosines: FloatTensor
    let sines: FloatTensor

    /// `inverseFrequencies`: one per pair of components, so headSize/2 of them. `attentionFactor` scales both cos and sin.
    package init(inverseFrequencies: [Float], maximumPosition: Int, attentionFactor: Double = 1) {
        precondition(
            !inverseFrequencies.isEmpty && maximumPosition > 0, "a rotary table of \(inverseFrequencies.count) frequencies")
        headSize = 2 * inverseFrequencies.count
        self.maximumPosition = maximumPosition
        cosines = FloatTensor(maximumPosition, inverseFrequencies.count)
        sines = FloatTensor(maximumPosition, inverseFrequencies.count)
        gfn_rotary_table(
            inverseFrequencies, inverseFrequencies.count, maximumPosition, attentionFactor, cosines.base, sines.base)
    }
}

extension Kernel {
    /// Rotates each head of each row by its position, in place; `inverse` rotates back, which is the backward.
    ///
    /// x: [rows, stride], heads side by side. (a, b) ← (a·cos − b·sin, b·cos + a·sin) for a = x[i], b = x[i + headSize/2]
    /// (Su et al. 2021, equation 34).
    package static func rotate(
        _ x: UnsafeMutablePointer<Float>, rows: Int, stride: Int, heads: Int, headSize: Int, positions: UnsafePointer<Int32>,
        table: RotaryTable, inverse: Bool, parallel: Parallel, family: KernelFamily = .current
    ) {
        precondition(
            table.headSize == headSize && stride >= heads * headSize,
            "rotate: \(heads) heads of \(headSize) at stride \(stride), table for heads of \(table.headSize)")
        for row in 0..<rows {
            precondition(
                positions[row] >= 0 && Int(positions[row]) < table.maximumPosition,
                "rotate: position \(positions[row]), table of \(table.maximumPosition)")
        }
        let kernels = family.kernels
        parallel.forEach(rows, grain: rowGrain(heads * headSize)) { part in
            kernels.pointee.rotate(
                x + part.lowerBound * stride, part.count, stride, heads, headSize, positions + part.lowerBound,
                table.cosines.base, table.sines.base, inverse ? 1 : 0)
        }
    }
}
