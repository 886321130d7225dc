internal import CDigest

/// SHA-256 (FIPS 180-4) of bytes that come in one piece or in several.
package struct SHA256 {
    /// Of a digest.
    package static let byteCount = 32
    private static let blockLength = 64

    private var state: [UInt32]
    /// What has come since the last whole block.
    private var rest: [UInt8] = []
    private var count = 0

    package init() {
        state = Array(repeating: 0, count: 8)
        gfn_sha256_begin(&state)
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        count += bytes.count
        var bytes = bytes[...]
        if !rest.isEmpty {
            let missing = min(Self.blockLength - rest.count, bytes.count)
            rest += bytes.prefix(missing)
            bytes = bytes.dropFirst(missing)
            guard rest.count == Self.blockLength else { return }
            gfn_sha256_blocks(&state, rest, 1)
            rest.removeAll(keepingCapacity: true)
        }
        let blocks = bytes.count / Self.blockLength
        if blocks > 0, let base = UnsafeRawBufferPointer(rebasing: bytes).baseAddress {
            gfn_sha256_blocks(&state, base.assumingMemoryBound(to: UInt8.self), blocks)
        }
        rest += bytes.dropFirst(blocks * Self.blockLength)
    }

    package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    /// The digest of all that has come, 32 bytes.
    package func finished() -> [UInt8] {
        var last = self
        let padding = (Self.blockLength + 55 - count % Self.blockLength) % Self.blockLength
        last.update([0x80] + Array(repeating: 0, count: padding))
        withUnsafeBytes(of: UInt64(8 * count).bigEndian) { last.update($0) }
        return last.state.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    }

    package static func digest(of bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finished()
    }

    package static func digest(of bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { digest(of: $0) } }
}

/// Two lower-case digits for each byte.
package func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
