internal import Digest

/// The SHA-256 of bytes, as 64 hexadecimal digits.
package func sha256Hex(_ bytes: some Sequence<UInt8>) -> String {
    hexadecimal(SHA256.digest(of: Array(bytes)))
}

/// The SHA-256 of a policy's bf16 bits in the order of its layout, least significant byte first: equal policies, equal digests.
package func sha256Hex(_ bits: [UInt16]) -> String {
    // Not bits.map(\.littleEndian), which looks the key path up for every element.
    bits.map { $0.littleEndian }.withUnsafeBytes { hexadecimal(SHA256.digest(of: $0)) }
}
