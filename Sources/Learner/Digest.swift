internal import Crypto

/// The SHA-256 of bytes, as 64 hexadecimal digits.
package func sha256Hex(_ bytes: some Sequence<UInt8>) -> String {
    let array = Array(bytes)
    return array.withUnsafeBytes { hexadecimal(SHA256.hash(data: $0)) }
}

/// The SHA-256 of a policy's bf16 bits in the order of its layout, least significant byte first: equal policies, equal digests.
package func sha256Hex(_ bits: [UInt16]) -> String {
    // Not bits.map(\.littleEndian), which looks the key path up for every element.
    bits.map { $0.littleEndian }.withUnsafeBytes { hexadecimal(SHA256.hash(data: $0)) }
}

func hexadecimal(_ digest: SHA256.Digest) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
