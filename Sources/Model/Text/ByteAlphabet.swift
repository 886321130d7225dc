/// GPT-2's one-to-one map between the 256 bytes and printable characters, in which vocabularies are written.
///
/// Printable Latin-1 bytes stand for themselves; the other 68 take U+0100, U+0101, … in order, so a blank is "Ġ".
enum ByteAlphabet {
    /// The character of each byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (0..<256).map { byte in
            let isPrintable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
            guard !isPrintable else { return Unicode.Scalar(UInt8(byte)) }
            defer { next += 1 }
            return Unicode.Scalar(next) ?? "?"
        }
    }()

    /// The byte of each character; -1 for those outside of the alphabet.
    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 0x144)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = Int16(byte) }
        return bytes
    }()

    /// The bytes that a token stands for; nil when a character is not of the alphabet.
    static func decode(_ token: ByteString) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(token.bytes.count)
        var index = 0
        let input = token.bytes
        while index < input.count {
            // The alphabet ends at U+0143, so its characters have one or two bytes.
            var value = Int(input[index])
            if value >= 0x80 {
                guard value & 0xE0 == 0xC0, index + 1 < input.count else { return nil }
                index += 1
                value = (value & 0x1F) << 6 | Int(input[index] & 0x3F)
            }
            guard value < bytes.count, bytes[value] >= 0 else { return nil }
            output.append(UInt8(bytes[value]))
            index += 1
        }
        return output
    }

    /// One character, as it is spelled in a vocabulary.
    static func token(of byte: UInt8) -> ByteString { ByteString(String(Character(scalars[Int(byte)]))) }
}
