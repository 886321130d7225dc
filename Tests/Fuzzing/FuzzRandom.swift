/// Draws that depend on seed, format and case number alone, so that a case can be made again by itself.
///
/// SplitMix64 (Steele, Lea and Flood 2014).
package struct FuzzRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64, format: String, number: Int) {
        state = seed &* 0x9E37_79B9_7F4A_7C15
        // Each part is stirred in before the next, so that neighbouring cases have nothing in common.
        for part in format.utf8.map(UInt64.init) + [UInt64(number)] { state = next() ^ part }
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// From 0 to `bound` - 1; `bound` is at least 1.
    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    package mutating func chance(_ probability: Double) -> Bool { Double(next() >> 11) * 0x1p-53 < probability }

    package mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// A length from 1 to `limit`, short ones more often than long ones.
    package mutating func length(atMost limit: Int) -> Int {
        let bits = below(max(1, Int.bitWidth - limit.leadingZeroBitCount)) + 1
        return 1 + below(max(1, min(limit, 1 << bits)))
    }
}
