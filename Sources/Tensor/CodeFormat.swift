internal import CKernels

/// How weights are kept as integers: w = code · scale (+ offset), with a scale (and an offset) for each group of consecutive inputs of an
/// output. See `gfn_codes`.
package struct CodeFormat: Sendable, Hashable {
    /// Of a code: 4 or 8.
    package let bits: Int
    /// Numbers of a group: 16 or 32.
    package let group: Int
    package let hasOffsets: Bool

    package init(bits: Int, group: Int, hasOffsets: Bool) {
        precondition(bits == 4 || bits == 8, "codes of \(bits) bits")
        // Those that files have, for which there are kernels.
        precondition(group == 32 || group == 16 && bits == 8 && !hasOffsets, "groups of \(group)")
        (self.bits, self.group, self.hasOffsets) = (bits, group, hasOffsets)
    }

    /// Codes of 4 bits are -8…7, or with offsets 0…15.
    func layout(transposed: Bool) -> gfn_codes {
        gfn_codes(
            bits: Int32(bits), zero: bits == 4 && !hasOffsets ? 8 : 0, offsets: hasOffsets ? 1 : 0, transposed: transposed ? 1 : 0,
            group: group)
    }
}

/// Some rows of a matrix in codes, one after another.
package final class CodeRows {
    package let format: CodeFormat
    /// Numbers of a row, whole groups.
    package let width: Int
    /// [rows, width]
    package let codes: UnsafeMutablePointer<Int8>
    /// [rows, width / group]
    package let scales: UnsafeMutablePointer<Float>
    /// [rows, width / group]; all 0 in a format without offsets.
    package let offsets: UnsafeMutablePointer<Float>

    package init(_ rows: Int, width: Int, format: CodeFormat) {
        precondition(width % format.group == 0, "rows of \(width) numbers in groups of \(format.group)")
        (self.format, self.width) = (format, width)
        let groups = rows * width / format.group
        codes = .allocate(capacity: rows * width)
        scales = .allocate(capacity: groups)
        offsets = .allocate(capacity: groups)
        codes.initialize(repeating: 0, count: rows * width)
        scales.initialize(repeating: 0, count: groups)
        offsets.initialize(repeating: 0, count: groups)
    }

    deinit {
        codes.deallocate()
        scales.deallocate()
        offsets.deallocate()
    }
}
