package import Tensor

/// How a matrix is kept: in numbers, or in the codes of the file.
enum WeightForm: Sendable, Hashable {
    case numbers(Precision)
    case codes(CodeFormat)

    func matrix(outputs: Int, inputs: Int, transposed: Bool, in cursor: inout ArenaCursor) -> PackedMatrix {
        switch self {
        case .numbers(let precision): PackedMatrix(outputs: outputs, inputs: inputs, precision: precision, in: &cursor)
        case .codes(let format):
            PackedMatrix(outputs: outputs, inputs: inputs, codes: format, transposed: transposed, in: &cursor)
        }
    }

    func byteCount(outputs: Int, inputs: Int, transposed: Bool) -> Int {
        switch self {
        case .numbers(let precision): PackedMatrix.byteCount(outputs: outputs, inputs: inputs, precision: precision)
        case .codes(let format): PackedMatrix.byteCount(outputs: outputs, inputs: inputs, codes: format, transposed: transposed)
        }
    }
}

/// What products with the matrices of a quantised base read, in bf16 precision.
package enum QuantisedWeights: String, Sendable, CaseIterable {
    /// Its blocks: x is rounded to integers of 16 bits (integers.h).
    case blocks
    /// What they stand for, rounded to bf16, and so is x.
    case bf16
}

/// The forms of a model's matrices.
package struct WeightForms: Sendable {
    let precision: Precision
    private var codes: [WeightSlot: CodeFormat] = [:]

    /// All in numbers.
    package init(_ precision: Precision) { self.precision = precision }

    /// In codes where the source has them; in fp32 precision, all in numbers.
    init(
        _ precision: Precision, of source: any WeightSource, slots: [(slot: WeightSlot, shape: [Int])], quantised: QuantisedWeights
    ) {
        self.precision = precision
        guard precision == .bf16, quantised == .blocks else { return }
        // A table of embeddings is kept in numbers; where it is the output matrix too, the latter is kept in codes.
        let isTied = !slots.contains { $0.slot == .head }
        for (slot, _) in slots where slot != .embedding || isTied { codes[slot] = source.codeFormat(of: slot.name) }
    }

    subscript(slot: WeightSlot) -> WeightForm { codes[slot].map { .codes($0) } ?? .numbers(precision) }
}
