import Foundation
import TestSupport
import Testing

@testable import Tensor

@Suite("the output head")
struct LogSoftmaxTests {
    @Test("log-probabilities, entropy and normaliser are those of the definition in every family", arguments: [1, 15, 16, 1003])
    func gather(_ V: Int) {
        let rows = 3
        let z = randomTensor(rows * V, seed: V, scale: 4)
        let values = doubles(z)
        let tokens: [Int32] = [0, Int32(V - 1), -1]
        let stop = Int32(V / 2)
        for family in KernelFamily.selectable() {
            let out = FloatTensor(4, rows)
            Kernel.gatherLogProbabilities(
                z.base, rows: rows, vocabulary: V, tokens: tokens, stopTokens: StopTokens([stop]), tokenLogProbability: out.base,
                stopLogProbability: out.base + rows, entropy: out.base + 2 * rows, logSumExp: out.base + 3 * rows,
                parallel: Parallel(threads: 2), family: family)
            for row in 0..<rows {
                let line = Array(values[row * V..<(row + 1) * V])
                let top = line.max() ?? 0
                let lse = top + log(line.reduce(0) { $0 + exp($1 - top) })
                let entropy = -line.reduce(0) { $0 + exp($1 - lse) * ($1 - lse) }
                let token = tokens[row] < 0 ? 0 : line[Int(tokens[row])] - lse
                expectClose(
                    [out.base[row], out.base[rows + row], out.base[2 * rows + row], out.base[3 * rows + row]],
                    [token, line[Int(stop)] - lse, entropy, lse], relative: 1e-6, absolute: 1e-7)
            }
        }
    }

    @Test("a log-probability close to zero keeps its relative accuracy")
    func nearlyCertain() {
        let V = 5000
        let z = FloatTensor([Float](repeating: -20, count: V), shape: Shape(V))
        let out = FloatTensor(3)
        z.base[17] = 0
        Kernel.gatherLogProbabilities(
            z.base, rows: 1, vocabulary: V, tokens: [17], stopTokens: StopTokens([3]), tokenLogProbability: out.base,
            stopLogProbability: out.base + 1,
            entropy: out.base + 2)
        let rest = Double(V - 1) * exp(-20)
        expectClose(out.array, [-log1p(rest), -20 - log1p(rest), log1p(rest) + 20 * rest / (1 + rest)], relative: 1e-6)
    }

    @Test("log π(⊤) is that of the whole set, also where the set is all but certain or all but impossible")
    func stopSet() {
        let V = 5000
        func stop(_ z: [Float], _ stops: [Int32], _ family: KernelFamily) -> Float {
            let out = FloatTensor(2), logits = FloatTensor(z, shape: Shape(z.count))
            Kernel.gatherLogProbabilities(
                logits.base, rows: 1, vocabulary: z.count, tokens: [-1], stopTokens: StopTokens(stops), tokenLogProbability: out.base,
                stopLogProbability: out.base + 1, family: family)
            return out.array[1]
        }
        let random = randomTensor(V, seed: 8, scale: 3).array, values = random.map(Double.init)
        let lse = log(values.reduce(0) { $0 + exp($1) })
        var certain = [Float](repeating: -20, count: V)
        (certain[7], certain[4000], certain[17]) = (1, 0.5, -3)
        var impossible = random
        (impossible[3], impossible[4999]) = (-200, -200.5)
        for family in KernelFamily.selectable() {
            for stops in [[0, 4999, 17], [5], Array(100..<164)] as [[Int32]] {
                let expected = log(stops.reduce(0) { $0 + exp(values[Int($1)]) }) - lse
                expectClose(Double(stop(random, stops, family)), expected, relative: 1e-6, "\(family) \(stops.count)")
            }
            let mass = exp(1) + exp(0.5) + exp(-3)
            expectClose(Double(stop(certain, [7, 17, 4000], family)), -log1p(Double(V - 3) * exp(-20) / mass), relative: 1e-5)
            let rest = impossible.reduce(0.0) { $0 + exp(Double($1)) }
            expectClose(Double(stop(impossible, [3, 4999], family)), -200 + log(1 + exp(-0.5)) - log(rest), relative: 1e-6)
            // All of the vocabulary is certain, whatever the order of a sum.
            #expect(stop(Array(random.prefix(60)), Array(0..<60), family) <= 0)
            #expect(stop(Array(random.prefix(60)), Array(0..<60), family) > -1e-6)
            #expect(stop(random, [], family) == 0)
        }
    }

    @Test("the logits' gradient is that of central differences; it sums to zero", arguments: [[20], [20, 3, 4], [], Array(0..<20)] as [[Int32]])
    func gradient(stops: [Int32]) {
        let V = 21
        let z = randomTensor(2 * V, seed: 5, scale: 2)
        let values = doubles(z)
        let tokens: [Int32] = [4, -1]
        let wt: [Float] = [0.7, 9]
        let ws: [Float] = [-0.4, 1.3]
        func value(_ z: [Double]) -> Double {
            (0..<2).reduce(0.0) { sum, row in
                let line = z[row * V..<(row + 1) * V]
                let lse = log(line.reduce(0) { $0 + exp($1) })
                let token = tokens[row] < 0 ? 0 : Double(wt[row]) * (z[row * V + Int(tokens[row])] - lse)
                let stop = stops.isEmpty ? 0 : log(stops.reduce(0) { $0 + exp(z[row * V + Int($1)]) }) - lse
                return sum + token + Double(ws[row]) * stop
            }
        }
        let expected = centralDifferences(values, value)
        let out = FloatTensor(6)
        let start = z.array
        for family in KernelFamily.selectable() {
            for i in 0..<z.count { z.base[i] = start[i] }
            Kernel.gatherLogProbabilities(
                z.base, rows: 2, vocabulary: V, tokens: tokens, stopTokens: StopTokens(stops), tokenLogProbability: out.base,
                stopLogProbability: out.base + 2, logSumExp: out.base + 4, family: family)
            Kernel.logitGradient(
                z.base, rows: 2, vocabulary: V, tokens: tokens, stopTokens: StopTokens(stops), tokenWeights: wt, stopWeights: ws,
                logSumExp: out.base + 4, family: family)
            expectClose(z.array, expected, relative: 1e-5, absolute: 1e-6)
        }
    }

    @Test("sampling inverts the cumulative distribution", arguments: [Float(0.5), 1, 2])
    func sampling(_ temperature: Float) {
        let V = 700
        let z = randomTensor(V, seed: 9)
        let values = doubles(z)
        let weights = values.map { exp($0 / Double(temperature)) }
        let total = weights.reduce(0, +)
        var stream = RandomStream(seed: 3, purpose: .task)
        for _ in 0..<50 {
            let u = stream.uniform()
            let tokens = KernelFamily.selectable().map {
                Kernel.sampleToken(z.base, vocabulary: V, temperature: temperature, uniform: u, family: $0)
            }
            #expect(Set(tokens).count == 1)
            let token = Int(tokens[0])
            let below = weights[..<token].reduce(0, +) / total
            let above = below + weights[token] / total
            #expect(below - 1e-6 <= Double(u) && Double(u) <= above + 1e-6)
        }
    }

    @Test("an impossible token is never drawn, whatever the draw; greedy takes the lowest of equals")
    func samplingEdges() {
        let V = 600
        let z = FloatTensor([Float](repeating: -.infinity, count: V), shape: Shape(V))
        (z.base[5], z.base[300], z.base[301]) = (0, 1, 1)
        let draws: [Float] = [0, 0.1, 0.5, 0.99, 1 - 0x1p-24]
        for u in draws {
            #expect([5, 300, 301].contains(Kernel.sampleToken(z.base, vocabulary: V, temperature: 1, uniform: u)))
        }
        #expect(Kernel.sampleToken(z.base, vocabulary: V, temperature: 1, uniform: 0) == 5)
        #expect(Kernel.sampleToken(z.base, vocabulary: V, temperature: 1, uniform: 1 - 0x1p-24) == 301)
        #expect(Kernel.sampleToken(z.base, vocabulary: V, temperature: 0, uniform: 0.9) == 300)
        #expect(Kernel.sampleToken(z.base, vocabulary: V, temperature: 1e-30, uniform: 0.4) == 300)
    }
}
