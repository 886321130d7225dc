
/// Random numbers with an address: the t-th draw is a pure function of seed, purpose, step, slot, sample and t.
///
/// Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). The key is the seed; the counter holds the
/// rest of the address, so streams with different addresses never share a block. A block gives two draws of 64 bits.
package struct RandomStream: RandomNumberGenerator, Sendable {
    package enum Purpose: UInt32, Sendable {
        case promptOrder = 1
        case sampling, initialization, replay, dataSplit, exploration, bootstrap, evaluation, task
        /// The temperature that a group is sampled at.
        case behaviour
        /// The order of mini-batches in an epoch.
        case miniBatches
        /// Solutions whose steps are labelled, and the completions that label them.
        case labelSolutions, labelCompletions
        /// Which step labels are turned over.
        case labelNoise
    }

    private let key: SIMD2<UInt32>
    /// Block number, sample, slot, purpose and step.
    private var counter: SIMD4<UInt32>
    private var spare: UInt64?

    /// Steps go up to 2²⁸ − 1, slots and samples up to 2³² − 1.
    package init(seed: UInt64, purpose: Purpose, step: Int = 0, slot: Int = 0, sample: Int = 0) {
        precondition((0..<(1 << 28)).contains(step), "step \(step) of a random stream is not below 2²⁸")
        precondition(UInt32(exactly: slot) != nil && UInt32(exactly: sample) != nil, "slot \(slot), sample \(sample)")
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        counter = SIMD4(0, UInt32(sample), UInt32(slot), purpose.rawValue << 28 | UInt32(step))
    }

    package mutating func next() -> UInt64 {
        if let value = spare {
            spare = nil
            return value
        }
        let block = philox(counter: counter, key: key)
        counter.x &+= 1
        precondition(counter.x != 0, "a random stream ends after 2³³ draws")
        spare = UInt64(block.w) << 32 | UInt64(block.z)
        return UInt64(block.y) << 32 | UInt64(block.x)
    }

    /// One draw: a multiple of 2⁻²⁴ in [0, 1).
    package mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// A uniform index below `count`: the high word of a 64-bit product, biased by less than count / 2⁶⁴.
    package mutating func index(below count: Int) -> Int {
        precondition(count > 0, "an index below \(count)")
        return Int(next().multipliedFullWidth(by: UInt64(count)).high)
    }

    /// Uniform in [0, 1) with 53 bits.
    package mutating func unitDouble() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// 0..<count in random order (Fisher and Yates). Written out, because `shuffle(using:)` may change between Swift versions.
    package mutating func permutation(of count: Int) -> [Int] {
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) { order.swapAt(last, index(below: last + 1)) }
        return order
    }

    /// Standard normal, from two draws (Box and Muller 1958).
    package mutating func normal() -> Double {
        let radius = Double((next() >> 11) + 1) * 0x1p-53  // (0, 1]: its logarithm is finite
        let angle = Double(next() >> 11) * 0x1p-53
        return (-2 * Elementary.log(radius)).squareRoot() * Elementary.cos(2 * .pi * angle)
    }
}

/// Ten rounds of Philox 4x32.
func philox(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var (c, k) = (counter, key)
    for _ in 0..<10 {
        let (a, b) = (c.x.multipliedFullWidth(by: 0xD251_1F53), c.z.multipliedFullWidth(by: 0xCD9E_8D57))
        c = SIMD4(b.high ^ c.y ^ k.x, b.low, a.high ^ c.w ^ k.y, a.low)
        k = SIMD2(k.x &+ 0x9E37_79B9, k.y &+ 0xBB67_AE85)
    }
    return c
}
