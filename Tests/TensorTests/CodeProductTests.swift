import TestSupport
import Testing

@testable import Tensor

@Suite("products with weights in codes")
struct CodeProductTests {
    static let formats = [
        CodeFormat(bits: 4, group: 32, hasOffsets: false), CodeFormat(bits: 4, group: 32, hasOffsets: true),
        CodeFormat(bits: 8, group: 32, hasOffsets: false), CodeFormat(bits: 8, group: 32, hasOffsets: true),
        CodeFormat(bits: 8, group: 16, hasOffsets: false),
    ]

    /// Rows of codes with scales and offsets as files have them, multiples of 2⁻²⁴, some of them 0.
    private func rows(_ count: Int, width: Int, _ format: CodeFormat, seed: UInt64) -> CodeRows {
        let rows = CodeRows(count, width: width, format: format)
        var stream = RandomStream(seed: seed, purpose: .task)
        let range: ClosedRange<Int8> = format.bits == 8 ? -128...127 : format.hasOffsets ? 0...15 : -8...7
        for i in 0..<count * width { rows.codes[i] = Int8.random(in: range, using: &stream) }
        for i in 0..<count * width / format.group {
            rows.scales[i] = Float(Int.random(in: -2000...2000, using: &stream)) * 0x1p-14
            if format.hasOffsets { rows.offsets[i] = Float(Int.random(in: -2000...2000, using: &stream)) * 0x1p-12 }
            if i % 7 == 3 { rows.scales[i] = 0 }
        }
        return rows
    }

    private func numbers(_ rows: CodeRows, count: Int) -> FloatTensor {
        let tensor = FloatTensor(count, rows.width)
        for i in 0..<count * rows.width {
            let group = i / rows.format.group
            let product = Float(rows.codes[i]) * rows.scales[group]
            tensor.base[i] = rows.format.hasOffsets ? product + rows.offsets[group] : product
        }
        return tensor
    }

    private func matrix(outputs: Int, inputs: Int, _ format: CodeFormat, transposed: Bool) -> PackedMatrix {
        let size = PackedMatrix.byteCount(outputs: outputs, inputs: inputs, codes: format, transposed: transposed)
        var cursor = ArenaCursor(MemoryArena.required(byteCount: ArenaCursor.extent(size)))
        defer { precondition(cursor.isAtEnd) }
        return PackedMatrix(outputs: outputs, inputs: inputs, codes: format, transposed: transposed, in: &cursor)
    }

    @Test("have the bits of those with the numbers they stand for, rounded to bf16, in every family and both ways", arguments: formats)
    func sameBits(_ format: CodeFormat) {
        // The longest chains are more than one stretch.
        for (M, N, K) in [(1, 5, 32 * 8), (7, 70, 512), (40, 130, 768), (97, 64, 256), (3, 33, 1024)] {
            let w = rows(N, width: K, format, seed: 3), plain = numbers(w, count: N)
            let forward = matrix(outputs: N, inputs: K, format, transposed: false)
            let backward = matrix(outputs: K, inputs: N, format, transposed: true)
            // In two parts, as a model is read.
            for range in [0..<N / 4 * 2, N / 4 * 2..<N] {
                let part = CodeRows(range.count, width: K, format: format), groups = K / format.group
                part.codes.update(from: w.codes + range.lowerBound * K, count: range.count * K)
                part.scales.update(from: w.scales + range.lowerBound * groups, count: range.count * groups)
                part.offsets.update(from: w.offsets + range.lowerBound * groups, count: range.count * groups)
                forward.pack(range, from: part)
                backward.pack(range, from: part)
            }
            let expectedForward = PackedMatrix(outputs: N, inputs: K, precision: .bf16)
            expectedForward.pack(outputs: 0..<N, from: plain.base, stride: K)
            let expectedBackward = PackedMatrix(outputs: K, inputs: N, precision: .bf16)
            expectedBackward.packTransposed(inputs: 0..<N, from: plain.base, stride: K)
            let x = randomTensor(M * max(N, K), seed: 1)
            for family in KernelFamily.selectable() {
                for (codes, numbers) in [(forward, expectedForward), (backward, expectedBackward)] {
                    let (y, expected) = (FloatTensor(M, codes.outputs), FloatTensor(M, codes.outputs))
                    for (matrix, result, threads) in [(codes, y, 2), (numbers, expected, 1)] {
                        Kernel.multiply(
                            x.base, rows: M, stride: matrix.inputs, by: matrix, into: result.base, stride: matrix.outputs, scale: 0.5,
                            accumulating: true, parallel: Parallel(threads: threads), family: family)
                    }
                    #expect(bits(y) == bits(expected), "\(M) rows, \(codes.outputs) outputs of \(codes.inputs) inputs, \(family)")
                }
            }
            #expect(forward.isFinite && backward.isFinite)
        }
    }

    @Test("a scale that is no number is found", arguments: formats)
    func notFinite(_ format: CodeFormat) {
        for transposed in [false, true] {
            let w = rows(40, width: 256, format, seed: 5)
            w.scales[40 * 256 / format.group - 1] = .nan
            let matrix = matrix(outputs: transposed ? 256 : 40, inputs: transposed ? 40 : 256, format, transposed: transposed)
            matrix.pack(0..<40, from: w)
            #expect(!matrix.isFinite)
        }
    }
}
