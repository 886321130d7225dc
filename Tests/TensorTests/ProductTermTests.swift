import TestSupport
import Testing

@testable import Tensor

@Suite("products of the same rows")
struct ProductTermTests {
    /// Rows that fit into one part, that are cut because panels are few, and that no cache holds.
    static let rows = [1, 7, 64, 130, 420]
    private static let inputs = 608, rank = 5

    private enum Weights: CaseIterable {
        case fp32, bf16, codes, transposedCodes

        var precision: Precision { self == .fp32 ? .fp32 : .bf16 }
    }

    private func packed(_ outputs: Int, _ inputs: Int, _ precision: Precision, seed: Int) -> PackedMatrix {
        let matrix = PackedMatrix(outputs: outputs, inputs: inputs, precision: precision)
        let rows = randomTensor(outputs * inputs, seed: seed)
        matrix.pack(outputs: 0..<outputs, from: rows.base, stride: inputs)
        return matrix
    }

    private func matrix(_ outputs: Int, _ weights: Weights, seed: Int) -> PackedMatrix {
        let format = CodeFormat(bits: 8, group: 32, hasOffsets: false), isTransposed = weights == .transposedCodes
        guard weights == .codes || isTransposed else { return packed(outputs, Self.inputs, weights.precision, seed: seed) }
        let size = PackedMatrix.byteCount(outputs: outputs, inputs: Self.inputs, codes: format, transposed: isTransposed)
        var cursor = ArenaCursor(MemoryArena.required(byteCount: ArenaCursor.extent(size)))
        let matrix = PackedMatrix(outputs: outputs, inputs: Self.inputs, codes: format, transposed: isTransposed, in: &cursor)
        let (count, width) = isTransposed ? (Self.inputs, outputs) : (outputs, Self.inputs)
        let rows = CodeRows(count, width: width, format: format)
        for i in 0..<count * width { rows.codes[i] = Int8(truncatingIfNeeded: (i + seed) &* 2_654_435_761 >> 9) }
        for i in 0..<count * width / 32 { rows.scales[i] = Float(i % 5 + 1) * 0x1p-11 }
        matrix.pack(0..<count, from: rows)
        return matrix
    }

    /// Three maps, with an adapter, a bias, an addend; all of them; none.
    private func check(_ M: Int, _ weights: Weights, threads: Int, family: KernelFamily) {
        let K = Self.inputs, r = Self.rank, outputs = [64, 192, 32], x = randomTensor(M * K, seed: 3)
        let matrices = outputs.enumerated().map { matrix($1, weights, seed: 10 + $0) }
        let a = (0..<2).map { packed(r, K, weights.precision, seed: 20 + $0) }
        let b = (0..<2).map { packed(outputs[$0], r, weights.precision, seed: 30 + $0) }
        let bias = randomTensor(192, seed: 40), addend = randomTensor(M * 192, seed: 41), own = randomTensor(M * 32, seed: 42)
        let parallel = Parallel(threads: threads)
        let ys = outputs.map { FloatTensor(M, $0) }, ts = (0..<2).map { _ in FloatTensor(M, r) }
        ys[2].base.update(from: own.base, count: M * 32)
        Kernel.multiply(
            x.base, rows: M, stride: K,
            by: [
                ProductTerm(
                    matrices[0], into: ys[0].base, stride: 64,
                    lowRank: LowRankTerm(a: a[0], b: b[0], scale: 0.7, projected: ts[0].base)),
                ProductTerm(
                    matrices[1], into: ys[1].base, stride: 192, addend: addend.base, bias: bias.base,
                    lowRank: LowRankTerm(a: a[1], b: b[1], scale: -1.3, projected: ts[1].base)),
                ProductTerm(matrices[2], into: ys[2].base, stride: 32, scale: 0.5, addend: ys[2].base),
            ], parallel: parallel, family: family)

        // One after another, each rounded before the next.
        func product(
            _ x: FloatTensor, _ inputs: Int, _ w: PackedMatrix, into y: FloatTensor, scale: Float = 1, accumulating: Bool = false
        ) {
            Kernel.multiply(
                x.base, rows: M, stride: inputs, by: w, into: y.base, stride: w.outputs, scale: scale, accumulating: accumulating,
                parallel: .serial)
        }
        let expected = [FloatTensor(M, 64), addend, own], projected = (0..<2).map { _ in FloatTensor(M, r) }
        product(x, K, matrices[0], into: expected[0])
        product(x, K, matrices[1], into: expected[1], accumulating: true)
        Kernel.addRow(bias.base, into: expected[1].base, rows: M, width: 192, stride: 192)
        product(x, K, matrices[2], into: expected[2], scale: 0.5, accumulating: true)
        for (index, scale) in [Float(0.7), -1.3].enumerated() {
            product(x, K, a[index], into: projected[index])
            product(projected[index], r, b[index], into: expected[index], scale: scale, accumulating: true)
        }
        let name = "\(M) rows, \(weights), \(threads) threads, \(family)"
        for index in 0..<3 { #expect(bits(ys[index]) == bits(expected[index]), "\(name): \(index)") }
        for index in 0..<2 { #expect(bits(ts[index]) == bits(projected[index]), "\(name): t \(index)") }
    }

    @Test("have the bits of one after another: addends, biases and adapters in their order", arguments: rows)
    func terms(rows: Int) {
        for weights in Weights.allCases {
            for threads in 1...3 { check(rows, weights, threads: threads, family: .current) }
            if rows < 100 { for family in KernelFamily.selectable() { check(rows, weights, threads: 2, family: family) } }
        }
    }
}
