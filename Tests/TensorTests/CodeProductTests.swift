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

    /// x wᵀ as integers.h defines it, number by number; the same exactly; and how far they may be apart: a number of x is off by half a
    /// step of its group, and each of a chain's operations by 2⁻²⁴ of what is as large as all summands together.
    private func twin(_ x: FloatTensor, rows M: Int, _ w: CodeRows, outputs N: Int) -> (rounded: [Float], exact: [Double], bound: [Double]) {
        let K = w.width, group = w.format.group, groups = K / group
        var rounded: [Float] = [], exact: [Double] = [], bound: [Double] = []
        for m in 0..<M {
            for n in 0..<N {
                var chain: Float = 0, sum = 0.0, halfSteps = 0.0, size = 0.0
                for g in 0..<groups {
                    let inputs = (0..<group).map { x.base[m * K + g * group + $0] }, codes = w.codes + n * K + g * group
                    let (scale, offset) = (w.scales[n * groups + g], w.offsets[n * groups + g])
                    let largest = inputs.map(abs).max() ?? 0, isZero = largest < 0x1p-100
                    let inverse = isZero ? 0 : 32639 / largest, d = isZero ? 0 : largest / 32639
                    let q = inputs.map { Int(($0 * inverse).rounded(.toNearestOrEven)) }
                    let product = (0..<group).reduce(0) { $0 + Int(codes[$1]) * q[$1] }
                    chain = chain.addingProduct(Float(product), scale * d)
                    if w.format.hasOffsets { chain = chain.addingProduct(d * Float(q.reduce(0, +)), offset) }
                    for i in 0..<group {
                        let weight = Double(codes[i]) * Double(scale) + Double(offset)
                        sum += Double(inputs[i]) * weight
                        halfSteps += Double(isZero ? largest : d / 2) * abs(weight)
                        size += Double(largest) * (abs(Double(codes[i]) * Double(scale)) + abs(Double(offset)))
                    }
                }
                rounded.append(chain)
                exact.append(sum)
                bound.append(halfSteps + Double(4 * groups) * 0x1p-24 * size)
            }
        }
        return (rounded, exact, bound)
    }

    @Test("have the bits of a slow twin, in every family, and err by no more than half a step of each number", arguments: formats)
    func integers(_ format: CodeFormat) {
        // The longest chains are more than one stretch, the widest matrices more than one panel, the most rows more than one chunk.
        for (M, N, K) in [(1, 5, 256), (7, 70, 512), (13, 130, 768), (210, 16, 256), (3, 33, 1024)] {
            let w = rows(N, width: K, format, seed: 3), x = randomTensor(M * K, seed: 1)
            for i in 0..<M * K where i % 101 == 5 { x.base[i] *= 16 }
            for k in 0..<format.group { x.base[k] = k % 2 == 0 ? 0x1p-104 : 0 }
            let packed = matrix(outputs: N, inputs: K, format, transposed: false)
            // In two parts, as a model is read.
            for range in [0..<N / 2, N / 2..<N] { packed.pack(range, from: part(range, of: w)) }
            let (rounded, exact, bound) = twin(x, rows: M, w, outputs: N)
            for family in KernelFamily.selectable() {
                let y = FloatTensor(M, N)
                Kernel.multiply(x.base, rows: M, stride: K, by: packed, into: y.base, stride: N, parallel: Parallel(threads: 2), family: family)
                #expect(y.array.map(\.bitPattern) == rounded.map(\.bitPattern), "\(M) rows, \(N) outputs of \(K) inputs, \(family)")
                // A row alone has the same bits.
                let alone = FloatTensor(N)
                Kernel.multiply(x.base + (M - 1) * K, rows: 1, stride: K, by: packed, into: alone.base, stride: N, parallel: .serial, family: family)
                #expect(alone.array == Array(y.array.suffix(N)))
            }
            #expect(zip(zip(rounded, exact), bound).allSatisfy { abs(Double($0.0) - $0.1) <= $1 })
            #expect(packed.isFinite)
        }
    }

    @Test("a number that is none makes its row NaN, and no other", arguments: formats)
    func rowsNotFinite(_ format: CodeFormat) {
        for value in [Float.nan, .infinity, -.infinity] {
            let w = rows(20, width: 256, format, seed: 3), x = randomTensor(3 * 256, seed: 1)
            x.base[256 + 77] = value
            let packed = matrix(outputs: 20, inputs: 256, format, transposed: false)
            packed.pack(0..<20, from: w)
            for family in KernelFamily.selectable() {
                let y = FloatTensor(3, 20)
                Kernel.multiply(x.base, rows: 3, stride: 256, by: packed, into: y.base, stride: 20, parallel: .serial, family: family)
                #expect((0..<20).allSatisfy { y.base[20 + $0].isNaN && y.base[$0].isFinite && y.base[40 + $0].isFinite })
            }
        }
    }

    private func part(_ range: Range<Int>, of rows: CodeRows) -> CodeRows {
        let part = CodeRows(range.count, width: rows.width, format: rows.format), groups = rows.width / rows.format.group
        part.codes.update(from: rows.codes + range.lowerBound * rows.width, count: range.count * rows.width)
        part.scales.update(from: rows.scales + range.lowerBound * groups, count: range.count * groups)
        part.offsets.update(from: rows.offsets + range.lowerBound * groups, count: range.count * groups)
        return part
    }

    @Test("transposed, have the bits of those with the numbers they stand for, rounded to bf16, in every family", arguments: formats)
    func transposed(_ format: CodeFormat) {
        for (M, N, K) in [(1, 5, 256), (7, 70, 512), (40, 130, 768), (200, 64, 256), (3, 33, 1024)] {
            let w = rows(N, width: K, format, seed: 3), plain = numbers(w, count: N)
            let codes = matrix(outputs: K, inputs: N, format, transposed: true)
            for range in [0..<N / 4 * 2, N / 4 * 2..<N] { codes.pack(range, from: part(range, of: w)) }
            let numbers = PackedMatrix(outputs: K, inputs: N, precision: .bf16)
            numbers.packTransposed(inputs: 0..<N, from: plain.base, stride: K)
            let x = randomTensor(M * N, seed: 1)
            for family in KernelFamily.selectable() {
                let (y, expected) = (FloatTensor(M, K), FloatTensor(M, K))
                for (matrix, result, threads) in [(codes, y, 2), (numbers, expected, 1)] {
                    Kernel.multiply(
                        x.base, rows: M, stride: N, by: matrix, into: result.base, stride: K, scale: 0.5, accumulating: true,
                        parallel: Parallel(threads: threads), family: family)
                }
                #expect(bits(y) == bits(expected), "\(M) rows, \(K) outputs of \(N) inputs, \(family)")
            }
            #expect(codes.isFinite)
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
