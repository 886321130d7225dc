import Testing

@testable import Tensor

@Suite("random streams")
struct RandomStreamTests {
    @Test("Philox gives the known answers of Random123")
    func knownAnswers() {
        #expect(philox(counter: .zero, key: .zero) == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        let ones = UInt32.max
        #expect(
            philox(counter: SIMD4(repeating: ones), key: SIMD2(repeating: ones))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            philox(counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: SIMD2(0xa409_3822, 0x299f_31d0))
                == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test("streams of different addresses differ; equal addresses repeat")
    func addresses() {
        var streams: [RandomStream] = []
        for seed in [0, 1, 1 << 40] as [UInt64] {
            for purpose in [RandomStream.Purpose.sampling, .replay] {
                for (step, slot, sample) in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 1, 3)] {
                    streams.append(RandomStream(seed: seed, purpose: purpose, step: step, slot: slot, sample: sample))
                }
            }
        }
        let draws = streams.flatMap { stream in
            var stream = stream
            return (0..<4).map { _ in stream.next() }
        }
        #expect(Set(draws).count == draws.count)
        var again = RandomStream(seed: 1 << 40, purpose: .replay, step: 2, slot: 1, sample: 3)
        #expect((0..<4).map { _ in again.next() } == Array(draws.suffix(4)))
    }

    @Test("uniform numbers fill [0, 1); normal ones have mean 0 and variance 1")
    func moments() {
        var stream = RandomStream(seed: 5, purpose: .task)
        let uniform = (0..<4000).map { _ in Double(stream.uniform()) }
        let normal = (0..<4000).map { _ in stream.normal() }
        #expect(uniform.allSatisfy { (0..<1).contains($0) })
        #expect(abs(uniform.reduce(0, +) / 4000 - 0.5) < 0.02)
        #expect(abs(normal.reduce(0, +) / 4000) < 0.06)
        #expect(abs(normal.reduce(0) { $0 + $1 * $1 } / 4000 - 1) < 0.1)
    }
}
