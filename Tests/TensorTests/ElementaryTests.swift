import Foundation
import TestSupport
import Testing

@testable import Tensor

@Suite("elementary functions")
struct ElementaryTests {
    /// How many times the distance between neighbouring doubles at `expected` the values are apart.
    private func ulps(_ value: Double, _ expected: Double) -> Double { abs(value - expected) / expected.ulp }

    @Test("are within two ulps of the C library's")
    func accuracy() {
        var stream = RandomStream(seed: 5, purpose: .task)
        var worst = (exp: 0.0, log: 0.0, cos: 0.0)
        for trial in 0..<20_000 {
            let x = (Double(stream.uniform()) - 0.5) * (trial % 2 == 0 ? 1400 : 20)
            worst.exp = max(worst.exp, ulps(Elementary.exp(x), exp(x)))
            let y = trial % 2 == 0 ? exp(x) : 0.5 + Double(stream.uniform()) * 2
            worst.log = max(worst.log, ulps(Elementary.log(y), log(y)))
            let angle = Double(stream.uniform()) * [7, 3000, 1.5e6][trial % 3]
            worst.cos = max(worst.cos, ulps(Elementary.cos(angle), cos(angle)))
        }
        #expect(worst.exp < 2 && worst.log < 2 && worst.cos < 2, "\(worst)")
        #expect(ulps(Elementary.power(10000, -0.34375), pow(10000, -0.34375)) < 8)
    }

    @Test("have the limits of the definition")
    func limits() {
        #expect(Elementary.exp(-.infinity) == 0 && Elementary.exp(-746) == 0 && Elementary.exp(710) == .infinity)
        #expect(Elementary.exp(0) == 1 && Elementary.exp(-745) == Double.leastNonzeroMagnitude && Elementary.exp(.nan).isNaN)
        #expect(Elementary.log(0) == -.infinity && Elementary.log(-1).isNaN && Elementary.log(.infinity) == .infinity)
        #expect(Elementary.log(1) == 0 && Elementary.log(.leastNonzeroMagnitude) == log(.leastNonzeroMagnitude))
        #expect(Elementary.cos(0) == 1)
    }
}
