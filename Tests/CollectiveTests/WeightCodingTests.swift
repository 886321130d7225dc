import Collective
import Testing

@Suite("Weights on the wire")
struct WeightCodingTests {
    /// Bits of small bf16 numbers; `step` changes a few low bits of some, as an optimiser step does.
    static func bits(_ count: Int, seed: UInt64) -> [UInt16] {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return 0x3C00 ^ UInt16(truncatingIfNeeded: state >> 40) & 0x83FF
        }
    }

    static func nudged(_ bits: [UInt16]) -> [UInt16] {
        bits.enumerated().map { $0 % 5 == 0 ? $1 ^ UInt16($0 % 4) : $1 }
    }

    @Test("come back bit for bit, in full and as changes", arguments: [0, 1, 2, 255, 4096, 30_001])
    func roundTrip(count: Int) throws {
        let compression = Compression()
        let old = Self.bits(count, seed: 1)
        for new in [Self.bits(count, seed: 2), Self.nudged(old), old, old.map { ~$0 }] {
            let full = WeightCoding.encode(bits: new, version: 8, using: compression)
            let changes = WeightCoding.encode(bits: new, version: 8, against: (old, 7), using: compression)
            #expect(full.base == nil && full.rawBytes == 2 * count && full.deltaBytes == 2 * count)
            #expect(changes.base == 7 && changes.rawBytes == 2 * count && changes.compressedBytes == changes.payload.count)
            let fromFull = try WeightCoding.decode(full.payload, having: nil, count: count, using: compression)
            let fromChanges = try WeightCoding.decode(changes.payload, having: (old, 7), count: count, using: compression)
            #expect(fromFull.bits == new && fromFull.version == 8)
            #expect(fromChanges.bits == new && fromChanges.version == 8)
        }
    }

    @Test("every bit pattern survives, infinities and NaNs included")
    func allPatterns() throws {
        let all = (0...UInt16.max).map { $0 }
        let back = try WeightCoding.decode(WeightCoding.encode(bits: all, version: 0).payload, having: nil)
        #expect(back.bits == all && back.version == 0)
    }

    @Test("equal weights cost next to nothing, and small changes less than the whole")
    func sizes() {
        let old = Self.bits(30_000, seed: 3)
        let same = WeightCoding.encode(bits: old, version: 2, against: (old, 1))
        let near = WeightCoding.encode(bits: Self.nudged(old), version: 2, against: (old, 1))
        let full = WeightCoding.encode(bits: Self.nudged(old), version: 2)
        #expect(same.deltaBytes == 0 && same.compressedBytes < 120)
        // One weight in five is visited, and three of four visits change its low byte.
        #expect(near.deltaBytes == 30_000 / 5 * 3 / 4)
        #expect(near.compressedBytes < full.compressedBytes / 3 && full.compressedBytes < full.rawBytes)
    }

    @Test("changes are refused by a receiver without the version they start from")
    func missingBase() {
        let old = Self.bits(100, seed: 4)
        let changes = WeightCoding.encode(bits: Self.nudged(old), version: 8, against: (old, 7))
        #expect(throws: WeightCodingError.missingBase(version: 7, having: nil)) {
            try WeightCoding.decode(changes.payload, having: nil)
        }
        #expect(throws: WeightCodingError.missingBase(version: 7, having: 6)) {
            try WeightCoding.decode(changes.payload, having: (old, 6))
        }
        // The right number on other bits does not pass either.
        #expect(throws: WeightCodingError.self) {
            try WeightCoding.decode(changes.payload, having: (Self.bits(100, seed: 5), 7))
        }
    }

    @Test("another number of weights is refused, and a publisher whose number changed sends in full")
    func counts() {
        let encoded = WeightCoding.encode(bits: Self.bits(100, seed: 4), version: 1, against: (Self.bits(99, seed: 4), 0))
        #expect(encoded.base == nil)
        #expect(throws: WeightCodingError.count(expected: 101, found: 100)) {
            try WeightCoding.decode(encoded.payload, having: nil, count: 101)
        }
    }

    @Test("a payload with any byte damaged, cut or added is refused", arguments: [false, true])
    func damage(asChanges: Bool) {
        let old = Self.bits(200, seed: 6)
        let payload = WeightCoding.encode(bits: Self.nudged(old), version: 3, against: asChanges ? (old, 2) : nil).payload
        for position in payload.indices {
            for mask in [0x01, 0x80] as [UInt8] {
                var damaged = payload
                damaged[position] ^= mask
                // zstd's frame header has bits without meaning: what still decodes must be the right weights.
                if let decoded = try? WeightCoding.decode(damaged, having: (old, 2)) {
                    #expect(decoded.bits == Self.nudged(old) && decoded.version == 3, "byte \(position)")
                }
            }
        }
        for count in payload.indices {
            #expect(throws: WeightCodingError.self) {
                try WeightCoding.decode(Array(payload.prefix(count)), having: (old, 2))
            }
        }
        #expect(throws: WeightCodingError.self) { try WeightCoding.decode(payload + [0], having: (old, 2)) }
    }

    @Test("a count that the planes cannot hold is refused before memory is taken")
    func absurdCount() {
        var payload = WeightCoding.encode(bits: Self.bits(10, seed: 7), version: 1).payload
        payload.replaceSubrange(16..<24, with: [0, 0, 0, 0, 0, 0, 0, 0x40])
        #expect(throws: WeightCodingError.self) { try WeightCoding.decode(payload, having: nil) }
    }

    @Test("a frame is not decompressed to another size than is expected, however the expectation came about", arguments: [0, 99, 101, -1, .min, .max])
    func unexpectedSize(_ count: Int) {
        let compression = Compression()
        let packed = compression.compress([UInt8](repeating: 3, count: 100))
        #expect(compression.decompress(packed, count: count) == nil)
        #expect(compression.decompress(packed, count: 100)?.count == 100)
    }
}
