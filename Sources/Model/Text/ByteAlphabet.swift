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

    /// Appends the bytes that a token stands for; the token as it is when a character is not of the alphabet.
    static func decode(_ token: UnsafeRawBufferPointer, appendingTo output: inout [UInt8]) {
        let start = output.count
        var index = 0
        while index < token.count {
            // The alphabet ends at U+0143, so its characters have one or two bytes.
            var value = Int(token[index])
            if value >= 0x80 {
                index += 1
                value = value & 0xE0 == 0xC0 && index < token.count ? (value & 0x1F) << 6 | Int(token[index] & 0x3F) : bytes.count
            }
            guard value < bytes.count, bytes[value] >= 0 else {
                output.removeSubrange(start...)
                output += token
                return
            }
            output.append(UInt8(bytes[value]))
            index += 1
        }
    }

    /// One character, as it is spelled in a vocabulary.
    static func token(of byte: UInt8) -> ByteString {
        var bytes: [UInt8] = []
        append(byte, to: &bytes)
        return ByteString(bytes)
    }

    /// Appends one character.
    static func append(_ byte: UInt8, to output: inout [UInt8]) {
        let value = scalars[Int(byte)].value
        if value < 0x80 {
            output.append(UInt8(value))
        } else {
            output.append(0xC0 | UInt8(value >> 6))
            output.append(0x80 | UInt8(value & 0x3F))
        }
    }
}
