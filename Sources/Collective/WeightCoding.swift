/// bf16 weights as the bytes of a message: all of them, or what changed since a version that the receiver has.
///
/// A delta is the XOR with the earlier bits. Small changes touch few of the high bytes (sign, exponent), so high and low
/// bytes are compressed apart, as two planes.
///
///     offset  0  version, Int64                  8  base version, Int64; −1: not a delta
///            16  number of weights, Int64       24  checksum of the 24 bytes above and the resulting bits, 8 bytes
///            32  plane of high bytes, then of low bytes: each its length, Int64, and a zstd frame
package enum WeightCoding {
    /// Weights that sender and receiver know by the number of optimiser steps that made them.
    package typealias Versioned = (bits: [UInt16], version: Int)

    /// - Parameter previous: what the receivers have; nil, or another number of weights, encodes them in full.
    package static func encode(
        bits: [UInt16], version: Int, against previous: Versioned? = nil, using compression: Compression = Compression()
    ) -> EncodedWeights {
        let base = previous.flatMap { $0.bits.count == bits.count ? $0 : nil }
        let planes = split(bits, xor: base?.bits)
        var writer = ByteWriter()
        writer.write(version)
        writer.write(base?.version ?? -1)
        writer.write(bits.count)
        writer.writeRaw(sum(header: writer.bytes, bits: bits))
        for plane in [planes.high, planes.low] { writer.write(compression.compress(plane)) }
        return EncodedWeights(
            payload: writer.bytes, version: version, base: base?.version, rawBytes: 2 * bits.count,
            deltaBytes: base == nil ? 2 * bits.count : planes.changed)
    }

    /// The weights in a payload.
    ///
    /// - Parameters:
    ///   - previous: what this receiver has. A delta against anything else is `missingBase`, and the publisher then
    ///     needs to send in full.
    ///   - count: the number of weights that the policy has, if another must be refused.
    package static func decode(
        _ payload: [UInt8], having previous: Versioned?, count: Int? = nil, using compression: Compression = Compression()
    ) throws(WeightCodingError) -> Versioned {
        let (version, base, found, expectedSum, packed) = try readParts(payload)
        guard version >= 0, base >= -1, found >= 0 else { throw .damaged("the header is out of range") }
        if let count, count != found { throw .count(expected: count, found: found) }
        var earlier: [UInt16]?
        if base >= 0 {
            guard let previous, previous.version == base else { throw .missingBase(version: base, having: previous?.version) }
            guard previous.bits.count == found else { throw .count(expected: previous.bits.count, found: found) }
            earlier = previous.bits
        }
        guard let high = compression.decompress(packed.high, count: found),
            let low = compression.decompress(packed.low, count: found)
        else { throw .damaged("its planes are not \(found) compressed bytes each") }
        let bits = join(high: high, low: low, xor: earlier)
        guard sum(header: Array(payload.prefix(24)), bits: bits) == expectedSum else {
            throw .damaged("the weights do not have the checksum of the sender's")
        }
        return (bits, version)
    }

    /// The version that a payload says it is; nil where it is too short to say so.
    package static func version(of payload: [UInt8]) -> Int? {
        var reader = ByteReader(payload)
        do { return try reader.readInt() } catch { return nil }
    }

    private typealias Parts = (version: Int, base: Int, count: Int, sum: [UInt8], planes: (high: [UInt8], low: [UInt8]))

    private static func readParts(_ payload: [UInt8]) throws(WeightCodingError) -> Parts {
        var reader = ByteReader(payload)
        do {
            let (version, base, count) = (try reader.readInt(), try reader.readInt(), try reader.readInt())
            let sum = try reader.readRaw(8)
            let planes = (high: try reader.readArray(of: UInt8.self), low: try reader.readArray(of: UInt8.self))
            try reader.finish()
            return (version, base, count, sum, planes)
        } catch {
            throw .damaged("\(error)")
        }
    }

    private static func sum(header: [UInt8], bits: [UInt16]) -> [UInt8] {
        header.withUnsafeBytes { header in bits.withUnsafeBytes { checksum(header, $0) } }
    }

    /// High and low bytes of the bits, XOR the earlier ones, and how many of these bytes are not zero.
    private static func split(_ bits: [UInt16], xor earlier: [UInt16]?) -> (high: [UInt8], low: [UInt8], changed: Int) {
        let N = bits.count
        var (high, low, changed) = ([UInt8](repeating: 0, count: N), [UInt8](repeating: 0, count: N), 0)
        high.withUnsafeMutableBufferPointer { high in
            low.withUnsafeMutableBufferPointer { low in
                bits.withUnsafeBufferPointer { bits in
                    (earlier ?? []).withUnsafeBufferPointer { earlier in
                        for n in 0..<N {
                            let word = earlier.isEmpty ? bits[n] : bits[n] ^ earlier[n]
                            high[n] = UInt8(truncatingIfNeeded: word >> 8)
                            low[n] = UInt8(truncatingIfNeeded: word)
                            changed += (high[n] == 0 ? 0 : 1) + (low[n] == 0 ? 0 : 1)
                        }
                    }
                }
            }
        }
        return (high, low, changed)
    }

    private static func join(high: [UInt8], low: [UInt8], xor earlier: [UInt16]?) -> [UInt16] {
        [UInt16](unsafeUninitializedCapacity: high.count) { bits, filled in
            high.withUnsafeBufferPointer { high in
                low.withUnsafeBufferPointer { low in
                    (earlier ?? []).withUnsafeBufferPointer { earlier in
                        for n in 0..<high.count {
                            let word = UInt16(high[n]) << 8 | UInt16(low[n])
                            bits.initializeElement(at: n, to: earlier.isEmpty ? word : word ^ earlier[n])
                        }
                    }
                }
            }
            filled = high.count
        }
    }
}

/// A payload of weights and what it saved.
package struct EncodedWeights: Sendable, Equatable {
    package let payload: [UInt8]
    package let version: Int
    /// The version that a receiver needs to have; nil when the payload is complete in itself.
    package let base: Int?
    /// Bytes of the weights as plain bf16.
    package let rawBytes: Int
    /// Bytes that differ from the base; all of them when there is none.
    package let deltaBytes: Int
    /// Bytes of the payload, header included.
    package var compressedBytes: Int { payload.count }
}

/// Why a payload gives no weights.
package enum WeightCodingError: Error, Equatable, Sendable, CustomStringConvertible {
    case missingBase(version: Int, having: Int?)
    case count(expected: Int, found: Int)
    case damaged(String)

    package var description: String {
        switch self {
        case .missingBase(let version, let having):
            "the weights are changes to version \(version), but this rank has \(having.map { "version \($0)" } ?? "none"): send them in full"
        case .count(let expected, let found):
            "the message has \(found) weights where the policy has \(expected): all ranks need the same configuration"
        case .damaged(let detail): "the weights cannot be decoded: \(detail)"
        }
    }
}
