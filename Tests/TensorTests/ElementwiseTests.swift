import Foundation
import TestSupport
import Testing

@testable import Tensor

@Suite("operations on elements and rows")
struct ElementwiseTests {
    /// Runs a kernel in every family, expects equal bits, and returns the numbers.
    func inEveryFamily(_ run: (KernelFamily) -> [Float], sourceLocation: SourceLocation = #_sourceLocation) -> [Float] {
        let results = KernelFamily.selectable().map(run)
        #expect(Set(results.map(bits)).count == 1, "families differ", sourceLocation: sourceLocation)
        return results[0]
    }

    @Test("RMSNorm and its gradients", arguments: [5, 16, 100, 576])
    func rmsNorm(_ D: Int) {
        let rows = 3
        let x = randomTensor(rows * D, seed: 1)
        let gain = randomTensor(D, seed: 2)
        let dy = randomTensor(rows * D, seed: 3)
        let epsilon = 1e-5
        func twin(_ x: [Double], _ gain: [Double]) -> [Double] {
            x.indices.map { i in
                let row = x[i / D * D..<(i / D + 1) * D]
                let mean = row.reduce(0) { $0 + $1 * $1 } / Double(D)
                return gain[i % D] * x[i] / (mean + epsilon).squareRoot()
            }
        }
        let y = inEveryFamily { family in
            let y = FloatTensor(rows, D)
            Kernel.rmsNorm(
                x.base, rows: rows, width: D, gain: gain.base, epsilon: Float(epsilon), into: y.base, parallel: .serial,
                family: family)
            return y.array
        }
        expectClose(y, twin(doubles(x), doubles(gain)), relative: 1e-6)
        guard D <= 100 else { return }
        let gradients = inEveryFamily { family in
            let out = FloatTensor(rows * D + D)
            let y = FloatTensor(rows, D)
            let inverse = FloatTensor(rows)
            Kernel.rmsNorm(
                x.base, rows: rows, width: D, gain: gain.base, epsilon: Float(epsilon), into: y.base, inverseRMS: inverse.base,
                parallel: Parallel(threads: 2), family: family)
            Kernel.rmsNormBackward(
                dy.base, x: x.base, gain: gain.base, inverseRMS: inverse.base, rows: rows, width: D, into: out.base,
                gainGradient: out.base + rows * D, parallel: .serial, family: family)
            return out.array
        }
        let g = doubles(dy)
        let (xs, gs) = (doubles(x), doubles(gain))
        let expected = centralDifferences(gs) { dot(g, twin(xs, $0)) }
        expectClose(Array(gradients[(rows * D)...]), expected, relative: 1e-4, absolute: 1e-5)
        if D <= 16 {
            expectClose(
                Array(gradients[..<(rows * D)]), centralDifferences(xs) { dot(g, twin($0, gs)) }, relative: 1e-4, absolute: 1e-5)
        }
    }

    @Test("SwiGLU and its gradients, also far from zero")
    func swiGLU() {
        let n = 37
        let gate = randomTensor(n, seed: 1, scale: 5)
        let up = randomTensor(n, seed: 2)
        let dy = randomTensor(n, seed: 3)
        (gate.base[0], gate.base[1]) = (-120, 120)
        func twin(_ gate: [Double], _ up: [Double]) -> [Double] { zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 } }
        let (gs, us, ds) = (doubles(gate), doubles(up), doubles(dy))
        let results = inEveryFamily { family in
            let out = FloatTensor(3 * n)
            Kernel.swiGLU(gate: gate.base, up: up.base, rows: 1, width: n, into: out.base, parallel: .serial, family: family)
            Kernel.swiGLUBackward(
                dy.base, gate: gate.base, up: up.base, rows: 1, width: n, into: out.base + n, out.base + 2 * n, parallel: .serial,
                family: family)
            return out.array
        }
        expectClose(Array(results[..<n]), twin(gs, us), relative: 1e-6, absolute: 1e-30)
        expectClose(Array(results[n..<2 * n]), centralDifferences(gs) { dot(ds, twin($0, us)) }, relative: 1e-5, absolute: 1e-7)
        expectClose(Array(results[(2 * n)...]), centralDifferences(us) { dot(ds, twin(gs, $0)) }, relative: 1e-5, absolute: 1e-7)
    }

    @Test("rotation turns each pair by position · frequency, and back", arguments: [8, 12, 64])
    func rotation(_ C: Int) {
        let heads = 2
        let rows = 3
        let stride = heads * C + 4
        let half = C / 2
        let frequencies = (0..<half).map { Float(pow(10_000, -2 * Double($0) / Double(C))) }
        let table = RotaryTable(inverseFrequencies: frequencies, maximumPosition: 50)
        let positions: [Int32] = [0, 7, 49]
        let x = randomTensor(rows * stride, seed: 1)
        let start = x.array
        let turned = inEveryFamily { family in
            let y = FloatTensor(start, shape: Shape(start.count))
            Kernel.rotate(
                y.base, rows: rows, stride: stride, heads: heads, headSize: C, positions: positions, table: table, inverse: false,
                parallel: .serial, family: family)
            return y.array
        }
        var expected = start.map(Double.init)
        for row in 0..<rows {
            for h in 0..<heads {
                for i in 0..<half {
                    let angle = Double(Float(positions[row]) * frequencies[i])
                    let at = row * stride + h * C + i
                    let (a, b) = (Double(start[at]), Double(start[at + half]))
                    (expected[at], expected[at + half]) = (a * cos(angle) - b * sin(angle), b * cos(angle) + a * sin(angle))
                }
            }
        }
        expectClose(turned, expected, relative: 1e-6, absolute: 1e-6)
        let back = FloatTensor(turned, shape: Shape(turned.count))
        Kernel.rotate(
            back.base, rows: rows, stride: stride, heads: heads, headSize: C, positions: positions, table: table, inverse: true,
            parallel: Parallel(threads: 2))
        expectClose(back.array, start, relative: 1e-6, absolute: 1e-6)
    }

    @Test("the exponential is within 2 ulp, zero for large negatives and −∞")
    func exponential() {
        let x = FloatTensor(
            (0..<4000).map { -87 + 175 * Float($0) / 4000 } + [-.infinity, -1e30, -104, 0, 89, .infinity, .nan], shape: Shape(4007))
        let y = inEveryFamily { family in
            let y = FloatTensor(4007)
            Kernel.exponential(x.base, count: 4007, into: y.base, family: family)
            return y.array
        }
        let values = x.array
        #expect((0..<4000).allSatisfy { abs(Double(y[$0]) - exp(Double(values[$0]))) <= 2 * Double(y[$0].ulp) })
        #expect(y[4000...4005].elementsEqual([0, 0, 0, 1, .infinity, .infinity]) && y[4006].isNaN)
    }

    @Test("bfloat16 rounds to nearest even, keeps NaN, overflows to infinity")
    func bfloat16Rounding() {
        let signalling = Float(bitPattern: 0x7f80_0001)
        let negative = Float(bitPattern: 0xffff_ffff)
        var values: [Float] = [1, 1 + 0x1p-8, 1 + 0x1p-8 + 0x1p-20, 1 + 0x3p-8, .greatestFiniteMagnitude, -.infinity, 0, -0.0]
        values += [.leastNonzeroMagnitude, 0x1p-133, signalling, negative] + randomTensor(60, seed: 1).array
        for family in KernelFamily.selectable() {
            var out = [UInt16](repeating: 1, count: values.count + 1)
            var wide = [Float](repeating: 0, count: values.count)
            Kernel.roundToBFloat16(values, count: values.count, into: &out, family: family)
            #expect(Array(out[..<8]) == [0x3f80, 0x3f80, 0x3f81, 0x3f82, 0x7f80, 0xff80, 0, 0x8000])
            #expect(out[8] == 0 && out[9] == 1 && out[values.count] == 1)
            Kernel.widenBFloat16(out, count: values.count, into: &wide, family: family)
            #expect(wide[10].isNaN && wide[11].isNaN)
            #expect(bits(Array(wide[12...])) == bits(values[12...].map(bfloat16)))
        }
    }

    @Test("the largest magnitude sees every element; infinities and NaN count as infinity", arguments: [1, 16, 33, 100])
    func magnitude(_ n: Int) {
        for family in KernelFamily.selectable() {
            for i in 0..<n {
                let x = randomTensor(n, seed: 1)
                x.base[i] = -9
                #expect(Kernel.maximumMagnitude(x.base, count: n, family: family) == 9)
                x.base[i] = i % 2 == 0 ? .nan : -.infinity
                #expect(Kernel.maximumMagnitude(x.base, count: n, family: family) == .infinity)
            }
            #expect(Kernel.maximumMagnitude([Float](), count: 0, family: family) == 0)
        }
    }

    @Test("sums of squares are double precision")
    func squares() {
        let x = randomTensor(1003, seed: 1)
        let expected = doubles(x).reduce(0) { $0 + $1 * $1 }
        let sums = Set(KernelFamily.selectable().map { Kernel.sumOfSquares(x.base, count: 1003, family: $0) })
        #expect(sums.count == 1)
        expectClose(Array(sums), [expected], relative: 1e-14)
    }

    @Test("addition, of vectors and of a row to rows")
    func addition() {
        let x = randomTensor(37, seed: 1)
        let y = randomTensor(3 * 40, seed: 2)
        let before = y.array
        let bias = x.array
        Kernel.addRow(x.base, into: y.base, rows: 3, width: 37, stride: 40)
        Kernel.add(x.base, into: y.base, count: 37)
        let expected = before.indices.map { i in
            let once = i % 40 < 37 ? before[i] + bias[i % 40] : before[i]
            return i < 37 ? once + bias[i] : once
        }
        #expect(bits(y) == bits(expected))
    }

    @Test("AdamW follows the published recurrence")
    func adamW() {
        let n = 21
        let start = randomTensor(n, seed: 1)
        let (rate, b1, b2, epsilon, decay) = (1e-2, 0.9, 0.99, 1e-8, 0.1)
        var w = doubles(start)
        var m = [Double](repeating: 0, count: n)
        var v = m
        let result = inEveryFamily { family in
            let w = FloatTensor(start.array, shape: Shape(n))
            let m = FloatTensor(n)
            let v = FloatTensor(n)
            for step in 1...3 {
                let gradient = randomTensor(n, seed: 10 + step)
                Kernel.adamW(
                    w.base, gradient: gradient.base, m: m.base, v: v.base, count: n, learningRate: Float(rate),
                    beta1: Float(b1), beta2: Float(b2), epsilon: Float(epsilon), weightDecay: Float(decay),
                    biasCorrection1: Float(1 - pow(b1, Double(step))), biasCorrection2: Float(1 - pow(b2, Double(step))),
                    gradientScale: 0.5, family: family)
            }
            return w.array
        }
        for step in 1...3 {
            for (i, value) in doubles(randomTensor(n, seed: 10 + step)).enumerated() {
                let g = 0.5 * value
                w[i] *= 1 - rate * decay
                m[i] = b1 * m[i] + (1 - b1) * g
                v[i] = b2 * v[i] + (1 - b2) * g * g
                let (c1, c2) = (1 - pow(b1, Double(step)), 1 - pow(b2, Double(step)))
                w[i] -= rate / c1 * m[i] / ((v[i] / c2).squareRoot() + epsilon)
            }
        }
        expectClose(result, w, relative: 2e-6, absolute: 1e-7)
    }
}
