internal import Digest

/// The envelope of every payload between ranks, so that a foreign or damaged message is an error and never a guess.
///
///     offset  0  "GFND"
///             4  kind, UInt16             what the payload is; the modules that send number their kinds
///             6  version, UInt16          of the payload's layout
///             8  payload length, UInt64
///            16  checksum, 8 bytes        the first of SHA-256 of the 16 bytes above and the payload
///            24  the payload                                                            (all little-endian)
package struct MessageFrame: Sendable, Equatable {
    package var kind: UInt16
    package var version: UInt16
    package var payload: [UInt8]

    package static let headerSize = 24
    private static let magic: [UInt8] = Array("GFND".utf8)

    package init(kind: UInt16, version: UInt16, payload: [UInt8]) {
        self.kind = kind
        self.version = version
        self.payload = payload
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: Self.headerSize + payload.count)
        writer.writeRaw(Self.magic)
        writer.write(kind)
        writer.write(version)
        writer.write(UInt64(payload.count))
        writer.writeRaw(Self.sum(header: writer.bytes, payload[...]))
        writer.writeRaw(payload)
        return writer.bytes
    }

    /// Reads one frame that is all of `bytes`.
    ///
    /// - Parameter limit: the largest payload that is accepted, in bytes.
    package static func decode(_ bytes: [UInt8], limit: Int = .max) throws(MessageFrameError) -> MessageFrame {
        guard bytes.starts(with: magic.prefix(bytes.count)) else { throw .foreign(start: Array(bytes.prefix(4))) }
        guard bytes.count >= headerSize else { throw .truncated(expected: UInt64(headerSize), found: bytes.count) }
        let (kind, version, length) = bytes.withUnsafeBytes {
            (
                $0.loadUnaligned(fromByteOffset: 4, as: UInt16.self), $0.loadUnaligned(fromByteOffset: 6, as: UInt16.self),
                $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
        guard length <= UInt64(limit) else { throw .oversized(length: length, limit: limit) }
        let found = bytes.count - headerSize
        guard UInt64(found) >= length else { throw .truncated(expected: length, found: found) }
        guard UInt64(found) == length else { throw .leftOver(count: found - Int(length)) }
        let payload = bytes[headerSize...]
        guard Array(bytes[16..<24]) == sum(header: Array(bytes[..<16]), payload) else { throw .corrupt(kind: kind) }
        return MessageFrame(kind: kind, version: version, payload: Array(payload))
    }

    /// Of what says how the payload is to be read, too: weights with one wrong bit there would be another message.
    private static func sum(header: [UInt8], _ payload: ArraySlice<UInt8>) -> [UInt8] {
        header.withUnsafeBytes { header in payload.withUnsafeBytes { checksum(header, $0) } }
    }

    /// Reads the payload of a frame that must be of this kind and version.
    package static func payload(
        of bytes: [UInt8], kind: UInt16, version: UInt16, limit: Int = .max
    ) throws(MessageFrameError) -> [UInt8] {
        try decode(bytes, limit: limit).payload(kind: kind, version: version)
    }

    /// The payload, which must be of this kind and version.
    package func payload(kind: UInt16, version: UInt16) throws(MessageFrameError) -> [UInt8] {
        guard self.kind == kind else { throw .kind(expected: kind, found: self.kind) }
        guard self.version == version else { throw .version(expected: version, found: self.version) }
        return payload
    }
}

/// Why bytes are not a frame that can be used.
package enum MessageFrameError: Error, Equatable, Sendable, CustomStringConvertible {
    case foreign(start: [UInt8])
    case truncated(expected: UInt64, found: Int)
    case oversized(length: UInt64, limit: Int)
    case leftOver(count: Int)
    case corrupt(kind: UInt16)
    case kind(expected: UInt16, found: UInt16)
    case version(expected: UInt16, found: UInt16)

    package var description: String {
        switch self {
        case .foreign(let start): "the message does not begin with GFND but with bytes \(start): another program sent it"
        case .truncated(let expected, let found): "the message has \(found) of \(expected) expected bytes"
        case .oversized(let length, let limit): "the message announces \(length) bytes, but at most \(limit) are accepted"
        case .leftOver(let count): "the message is followed by \(count) bytes that do not belong to it"
        case .corrupt(let kind): "the checksum of a message of kind \(kind) does not match: it was damaged on the way"
        case .kind(let expected, let found): "a message of kind \(found) came where kind \(expected) is expected"
        case .version(let expected, let found):
            "the message has layout \(found), but this program reads layout \(expected): all ranks need the same build"
        }
    }
}

/// The first eight bytes of SHA-256 of the parts, one after the other.
func checksum(_ parts: UnsafeRawBufferPointer...) -> [UInt8] {
    var hash = SHA256()
    for part in parts { hash.update(part) }
    return Array(hash.finished().prefix(8))
}
