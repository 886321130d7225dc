import TestSupport
import Testing

@testable import Tensor

@Suite("matrix products")
struct MatrixMultiplyTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let M, N, K: Int
        let precision: Precision
        var testDescription: String { "\(M)×\(K) by \(N)×\(K) in \(precision)" }
    }
    static let cases: [Case] = [
        (1, 5, 7), (3, 64, 33), (8, 70, 16), (13, 130, 65), (19, 16, 200), (7, 193, 2), (2, 40, 2050), (5, 17, 1),
    ]
    .flatMap { m, n, k in Precision.allCases.map { Case(M: m, N: n, K: k, precision: $0) } }

    func packed(_ w: FloatTensor, _ c: Case) -> PackedMatrix {
        let matrix = PackedMatrix(outputs: c.N, inputs: c.K, precision: c.precision)
        matrix.pack(outputs: 0..<c.N, from: w.base, stride: c.K)
        return matrix
    }

    @Test("every element is the chain that the documentation promises, to the bit", arguments: cases)
    func chains(_ c: Case) {
        let x = randomTensor(c.M * c.K, seed: 1)
        let w = randomTensor(c.N * c.K, seed: 2)
        let (xs, ws) = (x.array, w.array)
        var expected: [Float] = []
        for m in 0..<c.M {
            for n in 0..<c.N {
                var sum: Float = 0
                if c.precision == .fp32 {
                    for k in 0..<c.K { sum.addProduct(xs[m * c.K + k], ws[n * c.K + k]) }
                } else {
                    for k in stride(from: 0, to: c.K, by: 2) {
                        if k + 1 < c.K { sum.addProduct(bfloat16(xs[m * c.K + k + 1]), bfloat16(ws[n * c.K + k + 1])) }
                        sum.addProduct(bfloat16(xs[m * c.K + k]), bfloat16(ws[n * c.K + k]))
                    }
                }
                expected.append(sum)
            }
        }
        let matrix = packed(w, c)
        let y = FloatTensor(c.M, c.N)
        for family in KernelFamily.selectable() {
            y.zero()
            Kernel.multiply(
                x.base, rows: c.M, stride: c.K, by: matrix, into: y.base, stride: c.N, parallel: .serial, family: family)
            #expect(bits(y) == bits(expected), "\(family)")
        }
    }

    @Test(
        "a row's bits are the same alone, at any place of any batch and with any number of threads", arguments: Precision.allCases)
    func rowInvariance(_ precision: Precision) {
        var stream = RandomStream(seed: 11, purpose: .task)
        for trial in 0..<4 {
            let c = Case(
                M: 40, N: Int.random(in: 1...300, using: &stream), K: Int.random(in: 1...300, using: &stream), precision: precision)
            let x = randomTensor(c.M * c.K, seed: 10 + trial)
            let matrix = packed(randomTensor(c.N * c.K, seed: 20 + trial), c)
            let alone = FloatTensor(c.M, c.N)
            for m in 0..<c.M {
                Kernel.multiply(
                    x.base + m * c.K, rows: 1, stride: c.K, by: matrix, into: alone.base + m * c.N, stride: c.N, parallel: .serial)
            }
            let reference = bits(alone)
            for threads in 1...3 {
                for (first, rows) in [(0, 40), (1, 5), (3, 17), (38, 2), (5, 32)] {
                    let y = FloatTensor(rows, c.N)
                    Kernel.multiply(
                        x.base + first * c.K, rows: rows, stride: c.K, by: matrix, into: y.base, stride: c.N,
                        parallel: Parallel(threads: threads))
                    #expect(bits(y) == Array(reference[first * c.N..<(first + rows) * c.N]), "\(rows) rows from \(first)")
                }
            }
        }
    }

    @Test("threads change no bit of a product that is large enough to be split", arguments: Precision.allCases)
    func threads(_ precision: Precision) {
        for (M, N, K) in [(2, 2100, 600), (700, 64, 64)] {
            let c = Case(M: M, N: N, K: K, precision: precision)
            let x = randomTensor(M * K, seed: 1)
            let matrix = packed(randomTensor(N * K, seed: 2), c)
            let results = (1...3).map { threads in
                let y = FloatTensor(M, N)
                Kernel.multiply(
                    x.base, rows: M, stride: K, by: matrix, into: y.base, stride: N, parallel: Parallel(threads: threads))
                return bits(y)
            }
            #expect(results[0] == results[1] && results[0] == results[2])
        }
    }

    @Test("packing in pieces, or from the transpose, gives the same matrix", arguments: Precision.allCases)
    func packing(_ precision: Precision) {
        let c = Case(M: 1, N: 150, K: 37, precision: precision)
        let w = randomTensor(c.N * c.K, seed: 3)
        let values = w.array
        let whole = packed(w, c)
        let pieces = PackedMatrix(outputs: c.N, inputs: c.K, precision: precision)
        for part in [70..<150, 0..<3, 3..<70] { pieces.pack(outputs: part, from: w.base + part.lowerBound * c.K, stride: c.K) }
        let transposed = FloatTensor((0..<c.K * c.N).map { values[$0 % c.N * c.K + $0 / c.N] }, shape: Shape(c.K, c.N))
        let columns = PackedMatrix(outputs: c.N, inputs: c.K, precision: precision)
        for part in [10..<37, 0..<10] {
            columns.packTransposed(inputs: part, from: transposed.base + part.lowerBound * c.N, stride: c.N)
        }
        let bytes = [whole, pieces, columns].map { Array(UnsafeRawBufferPointer(start: $0.bytes, count: $0.byteCount)) }
        #expect(bytes[0] == bytes[1] && bytes[0] == bytes[2])
    }

    @Test("the scale is applied to the finished sum, then the old value is added; strides leave gaps alone")
    func scaleAndAccumulate() {
        let c = Case(M: 9, N: 21, K: 30, precision: .fp32)
        let x = randomTensor(9 * 32, seed: 4)
        let matrix = packed(randomTensor(21 * 30, seed: 5), c)
        let plain = FloatTensor(9, 21)
        let y = randomTensor(9 * 25, seed: 6)
        let before = y.array
        Kernel.multiply(x.base, rows: 9, stride: 32, by: matrix, into: plain.base, stride: 21, parallel: .serial)
        Kernel.multiply(
            x.base, rows: 9, stride: 32, by: matrix, into: y.base, stride: 25, scale: 0.3, accumulating: true, parallel: .serial)
        let sums = plain.array
        let expected = before.indices.map { i in
            i % 25 < 21 ? before[i] + 0.3 * sums[i / 25 * 21 + i % 25] : before[i]
        }
        #expect(bits(y) == bits(expected))
    }

    @Test("families agree on numbers below the smallest normal one too")
    func subnormals() {
        let c = Case(M: 4, N: 32, K: 64, precision: .bf16)
        let x = randomTensor(4 * 64, seed: 8, scale: 1e-19)
        let w = randomTensor(32 * 64, seed: 9, scale: 1e-19)
        let matrix = packed(w, c)
        let results = KernelFamily.selectable().map { family in
            let y = FloatTensor(4, 32)
            Kernel.multiply(x.base, rows: 4, stride: 64, by: matrix, into: y.base, stride: 32, parallel: .serial, family: family)
            return bits(y)
        }
        #expect(Set(results).count <= 1)
    }

    struct OuterCase: Sendable, CustomTestStringConvertible {
        let M, N, K: Int
        var testDescription: String { "\(M) rows of \(N) by \(K)" }
    }
    static let outerCases = [
        (1, 5, 7), (3, 64, 16), (64, 16, 70), (65, 130, 3), (200, 16, 192), (129, 193, 40), (70, 1, 33), (66, 33, 1), (5, 17, 17),
        (300, 100, 64),
    ].map { OuterCase(M: $0, N: $1, K: $2) }

    @Test("an outer product is the chain over rows that the documentation promises, to the bit, on every family", arguments: outerCases)
    func outerProduct(_ c: OuterCase) {
        let (strideY, strideX) = (c.N + 3, c.K + 2)
        let dy = randomTensor(c.M * strideY, seed: 1)
        let x = randomTensor(c.M * strideX, seed: 2)
        let before = randomTensor(c.N * c.K, seed: 3).array
        let (ys, xs) = (dy.array, x.array)
        let expected = before.indices.map { i in
            var sum: Float = 0
            for m in 0..<c.M { sum.addProduct(ys[m * strideY + i / c.K], xs[m * strideX + i % c.K]) }
            return before[i] + sum * 0.3
        }
        for family in KernelFamily.selectable() {
            for threads in 1...3 {
                let dW = FloatTensor(before, shape: Shape(c.N, c.K))
                Kernel.accumulateOuterProduct(
                    dy.base, stride: strideY, x.base, stride: strideX, rows: c.M, outputs: c.N, inputs: c.K, scale: 0.3, into: dW.base,
                    parallel: Parallel(threads: threads), family: family)
                #expect(bits(dW) == bits(expected), "\(family), \(threads) threads")
            }
        }
    }

    @Test("threads change no bit of an outer product that is large enough to be split")
    func outerProductThreads() {
        for (N, K) in [(16, 600), (600, 16)] {
            let dy = randomTensor(300 * N, seed: 4), x = randomTensor(300 * K, seed: 5)
            let results = (1...3).map { threads in
                let dW = FloatTensor(N, K)
                dW.zero()
                Kernel.accumulateOuterProduct(
                    dy.base, stride: N, x.base, stride: K, rows: 300, outputs: N, inputs: K, scale: 1, into: dW.base,
                    parallel: Parallel(threads: threads))
                return bits(dW)
            }
            #expect(results[0] == results[1] && results[0] == results[2])
        }
    }

    @Test("the gradient of a whole weight matrix adds dyᵀx")
    func weightGradient() {
        let (M, N, K) = (11, 300, 9)
        let dy = randomTensor(M * 308, seed: 1)
        let x = randomTensor(M * K, seed: 2)
        let dW = randomTensor(N * K, seed: 3)
        let before = doubles(dW)
        Kernel.accumulateWeightGradient(
            dy.base, stride: 308, x.base, stride: K, rows: M, outputs: N, inputs: K, into: dW.base, parallel: Parallel(threads: 2))
        let (d, v) = (doubles(dy), doubles(x))
        let expected = before.indices.map { i in
            before[i] + (0..<M).reduce(0.0) { $0 + d[$1 * 308 + i / K] * v[$1 * K + i % K] }
        }
        expectClose(dW.array, expected, relative: 1e-5, absolute: 1e-6)
    }
}
