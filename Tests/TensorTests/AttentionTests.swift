import Foundation
import TestSupport
import Testing

@testable import Tensor

/// One sequence of T positions, all heads: what a test cuts into segments.
private struct Sequence {
    let T: Int, heads: Int, keyHeads: Int, C: Int
    let q, k, v, out, lse: FloatTensor
    var width: Int { heads * C }
    var keyWidth: Int { keyHeads * C }
    var scale: Float { 1 / Float(C).squareRoot() }

    init(T: Int, heads: Int, keyHeads: Int, C: Int, seed: Int) {
        (self.T, self.heads, self.keyHeads, self.C) = (T, heads, keyHeads, C)
        q = randomTensor(T * heads * C, seed: seed)
        k = randomTensor(T * keyHeads * C, seed: seed + 1)
        v = randomTensor(T * keyHeads * C, seed: seed + 2)
        out = FloatTensor(T, heads * C)
        lse = FloatTensor(T, heads)
    }

    func segment(_ rows: Range<Int>, prefix: Int = 0) -> AttentionSegment {
        AttentionSegment(
            queries: q.base + rows.lowerBound * width, queryStride: width, outputs: out.base + rows.lowerBound * width,
            outputStride: width, rows: rows.count, start: rows.lowerBound, prefixKeys: k.base, prefixValues: v.base,
            prefixLength: prefix, prefixStride: keyWidth, ownKeys: k.base + prefix * keyWidth,
            ownValues: v.base + prefix * keyWidth,
            ownStride: keyWidth, logSumExp: lse.base + rows.lowerBound * heads)
    }

    func run(_ segments: [AttentionSegment], threads: Int = 1, family: KernelFamily = .current) -> [UInt32] {
        out.zero()
        Kernel.attention(
            segments, heads: heads, keyValueHeads: keyHeads, headSize: C, scale: scale, parallel: Parallel(threads: threads),
            family: family)
        return bits(out) + bits(lse)
    }
}

/// Positions of a sequence in blocks.
private final class Blocks {
    let blocks: KeyBlocks

    init(_ s: Sequence, _ positions: Range<Int>, precision: Precision, capacity: Int) {
        func memory(_ bytes: Int) -> UnsafeMutableRawPointer {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            memory.initializeMemory(as: UInt8.self, repeating: 0xff, count: bytes)
            return memory
        }
        blocks = KeyBlocks(
            heads: s.keyHeads, headSize: s.C, precision: precision, capacity: capacity,
            keys: memory(KeyBlocks.keyBytes(heads: s.keyHeads, headSize: s.C, precision: precision, positions: capacity)),
            values: memory(KeyBlocks.valueBytes(heads: s.keyHeads, headSize: s.C, precision: precision, positions: capacity)))
        let at = positions.lowerBound * s.keyWidth
        for head in 0..<s.keyHeads {
            blocks.store(
                head: head, keys: s.k.base + at, values: s.v.base + at, stride: s.keyWidth, rows: positions.count, at: 0)
        }
    }

    deinit {
        blocks.keys.deallocate()
        blocks.values.deallocate()
    }
}

extension Sequence {
    fileprivate func segment(_ rows: Range<Int>, in own: Blocks, behind prefix: Blocks? = nil, length: Int = 0) -> AttentionSegment {
        var segment = segment(rows)
        (segment.ownKeys, segment.ownValues) = (UnsafeRawPointer(own.blocks.keys), UnsafeRawPointer(own.blocks.values))
        segment.ownStride = own.blocks.capacity
        segment.keyForm = .blocks(own.blocks.precision)
        if let prefix {
            (segment.prefixKeys, segment.prefixValues) = (UnsafeRawPointer(prefix.blocks.keys), UnsafeRawPointer(prefix.blocks.values))
            segment.prefixStride = prefix.blocks.capacity
        }
        segment.prefixLength = length
        return segment
    }
}

/// The slow twin: outputs [T, heads·C].
private func attention(_ q: [Double], _ k: [Double], _ v: [Double], T: Int, heads: Int, keyHeads: Int, C: Int, scale: Double)
    -> [Double]
{
    var out = [Double](repeating: 0, count: q.count)
    for t in 0..<T {
        for h in 0..<heads {
            let at = (t * heads + h) * C
            let group = h / (heads / keyHeads)
            let keys = (0...t).map { ($0 * keyHeads + group) * C }
            let scores = keys.map { key in scale * (0..<C).reduce(0.0) { $0 + q[at + $1] * k[key + $1] } }
            let top = scores.max() ?? 0
            let weights = scores.map { exp($0 - top) }
            let total = weights.reduce(0, +)
            for (weight, key) in zip(weights, keys) {
                for c in 0..<C { out[at + c] += weight / total * v[key + c] }
            }
        }
    }
    return out
}

@Suite("attention")
struct AttentionTests {
    static let shapes = [[2, 1, 8], [3, 3, 12], [4, 2, 32], [9, 3, 64], [2, 1, 128], [2, 2, 6], [1, 1, 80]]

    @Test("outputs are those of the definition", arguments: shapes)
    func forward(_ shape: [Int]) {
        let s = Sequence(T: 37, heads: shape[0], keyHeads: shape[1], C: shape[2], seed: 30)
        _ = s.run([s.segment(0..<37)])
        let expected = attention(
            doubles(s.q), doubles(s.k), doubles(s.v), T: 37, heads: s.heads, keyHeads: s.keyHeads, C: s.C, scale: Double(s.scale))
        expectClose(s.out.array, expected, relative: 2e-5, absolute: 2e-6)
    }

    @Test("a row has the same bits in prefill and decode, however keys are split and rows are grouped", arguments: shapes)
    func invariance(_ shape: [Int]) {
        let T = 75
        let s = Sequence(T: T, heads: shape[0], keyHeads: shape[1], C: shape[2], seed: 40)
        let whole = s.run([s.segment(0..<T)])
        #expect(s.run((0..<T).map { s.segment($0..<$0 + 1) }) == whole, "decode")
        for prefix in [1, 31, 32, 33, 50] {
            #expect(s.run([s.segment(0..<prefix), s.segment(prefix..<T, prefix: prefix)]) == whole, "prefix of \(prefix)")
            let one = (prefix..<T).map { s.segment($0..<$0 + 1, prefix: prefix) }
            #expect(s.run([s.segment(0..<prefix)] + one, threads: 2) == whole, "decode after a prefix of \(prefix)")
        }
        for family in KernelFamily.selectable() { #expect(s.run([s.segment(0..<T)], family: family) == whole, "\(family)") }
        for threads in 2...3 { #expect(s.run([s.segment(0..<T)], threads: threads) == whole) }
    }

    @Test("scores far apart stay finite")
    func extremeScores() {
        let s = Sequence(T: 40, heads: 1, keyHeads: 1, C: 16, seed: 50)
        for i in 0..<s.q.count { s.q.base[i] *= 300 }
        _ = s.run([s.segment(0..<40)])
        let expected = attention(doubles(s.q), doubles(s.k), doubles(s.v), T: 40, heads: 1, keyHeads: 1, C: 16, scale: 0.25)
        expectClose(s.out.array, expected, relative: 1e-3, absolute: 1e-3)
    }

    @Test("blocks of a cache, in fp32 and bf16, give the bits of the same numbers in rows", arguments: shapes)
    func blocks(_ shape: [Int]) {
        let T = 75
        let s = Sequence(T: T, heads: shape[0], keyHeads: shape[1], C: shape[2], seed: 50)
        Kernel.roundToBFloat16(s.k.base, count: s.k.count, parallel: Parallel(threads: 2))
        Kernel.roundToBFloat16(s.v.base, count: s.v.count, parallel: .serial)
        #expect(s.k.array.roundedToBFloat16.map { Float(bitPattern: UInt32($0) << 16) } == s.k.array)
        for precision in Precision.allCases {
            // One sequence, cut behind two blocks, in memory of other sizes, with garbage where nothing is written.
            let prefix = Blocks(s, 0..<64, precision: precision, capacity: 96), own = Blocks(s, 64..<T, precision: precision, capacity: 32)
            let whole = Blocks(s, 0..<T, precision: precision, capacity: 128)
            for family in KernelFamily.selectable() {
                let expected = s.run([s.segment(64..<T)], family: family)
                #expect(s.run([s.segment(64..<T, in: own, behind: prefix, length: 64)], family: family) == expected, "\(precision), \(family)")
                let one = (64..<T).map { s.segment($0..<$0 + 1, in: own, behind: prefix, length: 64) }
                #expect(s.run(one, threads: 2, family: family) == expected, "\(precision), \(family), row by row")
                #expect(s.run([s.segment(64..<T, in: whole)], family: family) == expected, "\(precision), \(family), no prefix")
            }
        }
    }

    @Test("blocks are copied from a block on, and hold what was stored")
    func copies() {
        let s = Sequence(T: 75, heads: 2, keyHeads: 2, C: 6, seed: 55)
        for precision in Precision.allCases {
            Kernel.roundToBFloat16(s.k.base, count: s.k.count, parallel: .serial)
            Kernel.roundToBFloat16(s.v.base, count: s.v.count, parallel: .serial)
            let all = Blocks(s, 0..<75, precision: precision, capacity: 96), rest = Blocks(s, 0..<0, precision: precision, capacity: 32)
            let prefix = Blocks(s, 0..<64, precision: precision, capacity: 64)
            rest.blocks.copy(11, of: all.blocks, from: 64)
            let expected = s.run([s.segment(64..<75)])
            #expect(s.run([s.segment(64..<75, in: rest, behind: prefix, length: 64)]) == expected)
        }
    }

    @Test(
        "gradients are those of central differences, also through a shared prefix",
        arguments: [[2, 1, 8], [3, 3, 12], [2, 1, 64]])
    func backward(_ shape: [Int]) {
        let T = shape[2] == 64 ? 4 : 7
        let prefix = 3
        let s = Sequence(T: T, heads: shape[0], keyHeads: shape[1], C: shape[2], seed: 60)
        let dOut = randomTensor(s.out.count, seed: 63)
        let g = doubles(dOut)
        func value(_ q: [Double], _ k: [Double], _ v: [Double]) -> Double {
            dot(g, attention(q, k, v, T: T, heads: s.heads, keyHeads: s.keyHeads, C: s.C, scale: Double(s.scale)))
        }
        let (q, k, v) = (doubles(s.q), doubles(s.k), doubles(s.v))
        let expected = [
            centralDifferences(q) { value($0, k, v) }, centralDifferences(k) { value(q, $0, v) },
            centralDifferences(v) { value(q, k, $0) },
        ]
        var results: [[UInt32]] = []
        for family in KernelFamily.selectable() {
            let dQ = FloatTensor(q.count)
            let dK = FloatTensor(k.count)
            let dV = FloatTensor(v.count)
            let segments = [(s.segment(0..<prefix), 0), (s.segment(prefix..<T, prefix: prefix), prefix)].map { part, first in
                var part = part
                part.dOutputs = UnsafePointer(dOut.base + first * s.width)
                part.dQueries = dQ.base + first * s.width
                (part.dPrefixKeys, part.dPrefixValues) = (dK.base, dV.base)
                (part.dOwnKeys, part.dOwnValues) = (dK.base + first * s.keyWidth, dV.base + first * s.keyWidth)
                return part
            }
            _ = s.run(segments, family: family)
            Kernel.attentionBackward(
                segments, heads: s.heads, keyValueHeads: s.keyHeads, headSize: s.C, scale: s.scale, parallel: Parallel(threads: 2),
                family: family)
            for (result, expected) in zip([dQ, dK, dV], expected) {
                expectClose(result.array, expected, relative: 1e-3, absolute: 2e-5)
            }
            results.append(bits(dQ) + bits(dK) + bits(dV))
        }
        #expect(Set(results).count == 1, "families differ")
    }

    @Test("the backward of a long sequence is that of many short tiles")
    func longBackward() {
        let s = Sequence(T: 70, heads: 2, keyHeads: 1, C: 20, seed: 70)
        let T = s.T
        let dOut = randomTensor(s.out.count, seed: 73)
        func gradients(_ parts: [Range<Int>]) -> [[Float]] {
            let dQ = FloatTensor(s.q.count)
            let dK = FloatTensor(s.k.count)
            let dV = FloatTensor(s.v.count)
            let segments = parts.map { rows in
                var part = s.segment(rows)
                part.dOutputs = UnsafePointer(dOut.base + rows.lowerBound * s.width)
                part.dQueries = dQ.base + rows.lowerBound * s.width
                (part.dOwnKeys, part.dOwnValues) = (dK.base, dV.base)
                return part
            }
            _ = s.run(segments)
            Kernel.attentionBackward(
                segments, heads: 2, keyValueHeads: 1, headSize: 20, scale: s.scale, parallel: .serial)
            return [dQ.array, dK.array, dV.array]
        }
        for (whole, parts) in zip(gradients([0..<T]), gradients((0..<T).map { $0..<$0 + 1 })) {
            expectClose(whole, parts, relative: 1e-4, absolute: 1e-5)
        }
    }
}
