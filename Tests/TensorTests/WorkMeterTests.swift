import TestSupport
import Testing

@testable import Tensor

@Suite("WorkMeter")
struct WorkMeterTests {
    @Test("a product counts exactly 2·M·N·K, whatever its precision and threads", arguments: Precision.allCases, [1, 2])
    func product(precision: Precision, threads: Int) {
        let (M, N, K) = (5, 37, 19)
        let w = PackedMatrix(outputs: N, inputs: K, precision: precision), x = FloatTensor(M, K), y = FloatTensor(M, N)
        let meter = WorkMeter()
        Kernel.multiply(x.base, rows: M, stride: K, by: w, into: y.base, stride: N, parallel: Parallel(threads: threads))
        var expected = Work()
        expected.products = 2 * M * N * K
        #expect(meter.read() == expected)
    }

    @Test("gradients of matrices count apart, by either way")
    func gradients() {
        let (M, N, K) = (5, 37, 19)
        let dy = FloatTensor(M, N), x = FloatTensor(M, K), dW = FloatTensor(N, K)
        let meter = WorkMeter()
        Kernel.accumulateOuterProduct(
            dy.base, stride: N, x.base, stride: K, rows: M, outputs: N, inputs: K, scale: 1, into: dW.base, parallel: .serial)
        Kernel.accumulateWeightGradient(
            dy.base, stride: N, x.base, stride: K, rows: M, outputs: N, inputs: K, into: dW.base, parallel: .serial)
        var expected = Work()
        expected.gradients = 4 * M * N * K
        #expect(meter.read() == expected)
    }

    @Test("attention counts the pairs of a row and a key before it, and five products of them in the backward")
    func attention() {
        // Two rows behind three keys of a prefix: they attend to 4 and to 5.
        let (rows, prefix, heads, keyHeads, size) = (2, 3, 2, 1, 4)
        func tensor(_ rows: Int, _ heads: Int) -> FloatTensor { FloatTensor(rows, heads * size) }
        let q = tensor(rows, heads), out = tensor(rows, heads), k = tensor(rows, keyHeads), v = tensor(rows, keyHeads)
        let pk = tensor(prefix, keyHeads), pv = tensor(prefix, keyHeads), sums = FloatTensor(rows, heads)
        let dOut = tensor(rows, heads), dq = tensor(rows, heads), dk = tensor(rows, keyHeads), dv = tensor(rows, keyHeads)
        let dpk = tensor(prefix, keyHeads), dpv = tensor(prefix, keyHeads)
        let segment = AttentionSegment(
            queries: q.base, queryStride: heads * size, outputs: out.base, outputStride: heads * size, rows: rows, start: prefix,
            prefixKeys: UnsafeRawPointer(pk.base), prefixValues: UnsafeRawPointer(pv.base), prefixLength: prefix,
            prefixStride: keyHeads * size, ownKeys: UnsafeRawPointer(k.base), ownValues: UnsafeRawPointer(v.base),
            ownStride: keyHeads * size, logSumExp: sums.base, dOutputs: UnsafePointer(dOut.base), dQueries: dq.base,
            dOwnKeys: dk.base, dOwnValues: dv.base, dPrefixKeys: dpk.base, dPrefixValues: dpv.base)
        let meter = WorkMeter()
        Kernel.attention([segment], heads: heads, keyValueHeads: keyHeads, headSize: size, scale: 1, parallel: .serial)
        #expect(meter.read().attention == 4 * heads * size * 9)
        Kernel.attentionBackward([segment], heads: heads, keyValueHeads: keyHeads, headSize: size, scale: 1, parallel: .serial)
        #expect(meter.read().attention == 14 * heads * size * 9)
        withExtendedLifetime((q, out, k, v, pk, pv, sums, dOut, dq, dk, dv, dpk, dpv)) {}
    }
}

@Suite("MachineLimit")
struct MachineLimitTests {
    @Test("an instruction does the operations of its rounds, or none where it is absent", arguments: MachineLimit.Instruction.allCases)
    func instructions(instruction: MachineLimit.Instruction) {
        let parallel = Parallel(threads: 2)
        let once = instruction.run(rounds: 8, parallel: parallel), twice = instruction.run(rounds: 16, parallel: parallel)
        #expect(twice == 2 * once && (once > 0) == instruction.isPresent)
    }
}
