internal import CKernels

/// A weight matrix W [N outputs, K inputs] in the layout that products read: panels of 64 outputs, then inputs, then outputs.
///
/// bf16 keeps two consecutive inputs of an output side by side, with a zero behind an odd K. Padding is zero. A matrix in codes
/// (`CodeFormat`) has groups along its inputs, and x is rounded to integers for a product with it; or it is the transpose of one and has them
/// along its outputs, and the product has the bits of one with the weights dequantised and rounded to bf16. Not to be packed and multiplied
/// with at the same time.
package final class PackedMatrix: @unchecked Sendable {
    package let outputs: Int
    package let inputs: Int
    package let precision: Precision
    package let byteCount: Int
    let bytes: UnsafeMutableRawPointer
    /// Nil: plain numbers.
    package let format: CodeFormat?
    /// The same for the kernels.
    let codes: UnsafePointer<gfn_codes>?
    /// What it lies in; nil: memory of its own.
    private let arena: MemoryArena?

    package init(outputs: Int, inputs: Int, precision: Precision) {
        (self.outputs, self.inputs, self.precision) = (outputs, inputs, precision)
        byteCount = Self.byteCount(outputs: outputs, inputs: inputs, precision: precision)
        (format, codes, arena) = (nil, nil, nil)
        bytes = .allocate(byteCount: byteCount, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    /// In the next part of an arena: zeroed memory to be packed into, or a matrix that was packed there.
    package init(outputs: Int, inputs: Int, precision: Precision, in cursor: inout ArenaCursor) {
        (self.outputs, self.inputs, self.precision) = (outputs, inputs, precision)
        byteCount = Self.byteCount(outputs: outputs, inputs: inputs, precision: precision)
        (format, codes) = (nil, nil)
        arena = cursor.arena
        bytes = cursor.take(byteCount)
    }

    /// In codes, likewise.
    package init(outputs: Int, inputs: Int, codes format: CodeFormat, transposed: Bool, in cursor: inout ArenaCursor) {
        (self.outputs, self.inputs, precision) = (outputs, inputs, .bf16)
        byteCount = Self.byteCount(outputs: outputs, inputs: inputs, codes: format, transposed: transposed)
        let layout = UnsafeMutablePointer<gfn_codes>.allocate(capacity: 1)
        layout.initialize(to: format.layout(transposed: transposed))
        (self.format, codes) = (format, UnsafePointer(layout))
        arena = cursor.arena
        bytes = cursor.take(byteCount)
    }

    deinit {
        codes?.deallocate()
        if arena == nil { bytes.deallocate() }
    }

    package static func byteCount(outputs: Int, inputs: Int, precision: Precision) -> Int {
        precondition(outputs > 0 && inputs > 0, "a matrix of \(outputs) outputs and \(inputs) inputs")
        return (outputs + 15) / 16 * 16 * 4 * (precision == .fp32 ? inputs : (inputs + 1) / 2)
    }

    package static func byteCount(outputs: Int, inputs: Int, codes format: CodeFormat, transposed: Bool) -> Int {
        let length = transposed ? outputs : inputs
        precondition(outputs > 0 && inputs > 0 && length % format.group == 0, "\(outputs) outputs of \(inputs) inputs in groups of \(format.group)")
        return withUnsafePointer(to: format.layout(transposed: transposed)) { gfn_codes_size($0, outputs, inputs) }
    }

    /// Which kernel multiplies with it.
    enum Kind {
        case fp32, bf16, codes, transposedCodes
    }
    var kind: Kind {
        guard let codes else { return precision == .fp32 ? .fp32 : .bf16 }
        return codes.pointee.transposed == 0 ? .codes : .transposedCodes
    }

    /// The length of an output's chain: K, or the pairs of K.
    var steps: Int { precision == .fp32 ? inputs : (inputs + 1) / 2 }
    var panels: Int { (outputs + gfn_panel - 1) / gfn_panel }

    /// Whether every weight is a number.
    package var isFinite: Bool {
        if let codes { return gfn_codes_are_finite(codes, bytes, outputs, inputs) != 0 }
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
        precondition(codes == nil, "numbers for a matrix in codes")
        precondition(
            range.lowerBound >= 0 && range.upperBound <= outputs && stride >= inputs,
            "pack \(range) of \(outputs) outputs, stride \(stride) for \(inputs) inputs")
        gfn_pack(bytes, precision == .bf16 ? 1 : 0, outputs, inputs, range.lowerBound, range.upperBound, rows, stride)
    }

    /// Packs some columns of W, given as rows of Wᵀ [K, N]: so the transpose of a row-major matrix is packed without a copy.
    package func packTransposed(inputs range: Range<Int>, from rows: UnsafePointer<Float>, stride: Int) {
        precondition(codes == nil, "numbers for a matrix in codes")
        precondition(
            range.lowerBound >= 0 && range.upperBound <= inputs && stride >= outputs,
            "pack \(range) of \(inputs) inputs, stride \(stride) for \(outputs) outputs")
        gfn_pack_transposed(bytes, precision == .bf16 ? 1 : 0, outputs, inputs, range.lowerBound, range.upperBound, rows, stride)
    }

    /// Packs some rows of W in codes, or where this is its transpose, some columns.
    package func pack(_ range: Range<Int>, from rows: CodeRows) {
        guard let codes else { preconditionFailure("codes for a matrix of numbers") }
        let isTransposed = codes.pointee.transposed != 0
        precondition(
            range.lowerBound >= 0 && range.upperBound <= (isTransposed ? inputs : outputs) && rows.width == (isTransposed ? outputs : inputs)
                && rows.format == format,
            "codes of \(range), \(rows.width) wide, for \(outputs) outputs of \(inputs) inputs")
        gfn_pack_codes(
            codes, bytes, outputs, inputs, range.lowerBound, range.upperBound, rows.codes, rows.scales,
            rows.format.hasOffsets ? rows.offsets : nil)
    }
}
