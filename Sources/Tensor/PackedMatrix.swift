internal import CKernels

/// A weight matrix W [N outputs, K inputs] in the layout that products read: panels of 64 outputs, then inputs, then outputs.
///
/// bf16 keeps two consecutive inputs of an output side by side, with a zero behind an odd K. Padding is zero. Not to be packed and
/// multiplied with at the same time.
package final class PackedMatrix: @unchecked Sendable {
    package let outputs: Int
    package let inputs: Int
    package let precision: Precision
    package let byteCount: Int
    let bytes: UnsafeMutableRawPointer
    /// What it lies in; nil: memory of its own.
    private let arena: MemoryArena?

    package init(outputs: Int, inputs: Int, precision: Precision) {
        (self.outputs, self.inputs, self.precision) = (outputs, inputs, precision)
        byteCount = Self.byteCount(outputs: outputs, inputs: inputs, precision: precision)
        arena = nil
        bytes = .allocate(byteCount: byteCount, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    /// In the next part of an arena: zeroed memory to be packed into, or a matrix that was packed there.
    package init(outputs: Int, inputs: Int, precision: Precision, in cursor: inout ArenaCursor) {
        (self.outputs, self.inputs, self.precision) = (outputs, inputs, precision)
        byteCount = Self.byteCount(outputs: outputs, inputs: inputs, precision: precision)
        arena = cursor.arena
        bytes = cursor.take(byteCount)
    }

    deinit { if arena == nil { bytes.deallocate() } }

    package static func byteCount(outputs: Int, inputs: Int, precision: Precision) -> Int {
        precondition(outputs > 0 && inputs > 0, "a matrix of \(outputs) outputs and \(inputs) inputs")
        return (outputs + 15) / 16 * 16 * 4 * (precision == .fp32 ? inputs : (inputs + 1) / 2)
    }

    /// The length of an output's chain: K, or the pairs of K.
    var steps: Int { precision == .fp32 ? inputs : (inputs + 1) / 2 }
    var panels: Int { (outputs + gfn_panel - 1) / gfn_panel }

    /// Whether every weight is a number.
    package var isFinite: Bool {
        switch precision {
        case .fp32:
            let count = byteCount / MemoryLayout<Float>.stride
            return Kernel.maximumMagnitude(bytes.assumingMemoryBound(to: Float.self), count: count).isFinite
        case .bf16:
            let count = byteCount / MemoryLayout<UInt16>.stride
            return UnsafeBufferPointer(start: bytes.assumingMemoryBound(to: UInt16.self), count: count).allSatisfy { $0 & 0x7f80 != 0x7f80 }
        }
    }

    /// Packs some rows of W. Rows may come range by range, in any order.
    package func pack(outputs range: Range<Int>, from rows: UnsafePointer<Float>, stride: Int) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= outputs && stride >= inputs,
            "pack \(range) of \(outputs) outputs, stride \(stride) for \(inputs) inputs")
        gfn_pack(bytes, precision == .bf16 ? 1 : 0, outputs, inputs, range.lowerBound, range.upperBound, rows, stride)
    }

    /// Packs some columns of W, given as rows of Wᵀ [K, N]: so the transpose of a row-major matrix is packed without a copy.
    package func packTransposed(inputs range: Range<Int>, from rows: UnsafePointer<Float>, stride: Int) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= inputs && stride >= outputs,
            "pack \(range) of \(inputs) inputs, stride \(stride) for \(outputs) outputs")
        gfn_pack_transposed(bytes, precision == .bf16 ? 1 : 0, outputs, inputs, range.lowerBound, range.upperBound, rows, stride)
    }
}
