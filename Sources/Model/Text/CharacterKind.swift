/// What the published patterns tell apart in characters. `\p{L}`, `\p{N}` and `\s` have their Unicode meaning.
enum CharacterKind: UInt8 {
    case letter, number, newline, space, other

    var isSpace: Bool { self == .space || self == .newline }

    @inline(__always)
    init(ascii byte: UInt8) {
        if (byte | 0x20) &- 0x61 < 26 {
            self = .letter
        } else if byte &- 0x30 < 10 {
            self = .number
        } else if byte == 0x20 {
            self = .space
        } else if byte &- 0x09 < 5 {
            self = byte == 0x0A || byte == 0x0D ? .newline : .space
        } else {
            self = .other
        }
    }

    init(_ value: UInt32) {
        guard let properties = Unicode.Scalar(value)?.properties else {
            self = .other
            return
        }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
        case .decimalNumber, .letterNumber, .otherNumber: self = .number
        default: self = properties.isWhitespace ? .space : .other
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The kind of the character that begins at `position`, and its length in bytes. The bytes must be valid UTF-8.
    @inline(__always)
    func character(at position: Int) -> (kind: CharacterKind, length: Int) {
        let lead = self[position]
        if lead < 0x80 { return (CharacterKind(ascii: lead), 1) }
        return longCharacter(at: position)
    }

    private func longCharacter(at position: Int) -> (kind: CharacterKind, length: Int) {
        let length = utf8Length(at: position)
        // Most of what is not Latin: no need to ask for the properties of every ideograph and every syllable.
        if length == 3, self[position] >= 0xE5, self[position] <= 0xE8 { return (.letter, 3) }
        return (CharacterKind(scalar(at: position, length: length)), length)
    }

    /// The character of `length` bytes, more than one, that begins at `position`.
    func scalar(at position: Int, length: Int) -> UInt32 {
        var value = UInt32(self[position]) & (0x7F >> UInt32(length))
        for offset in 1..<length { value = value << 6 | UInt32(self[position + offset] & 0x3F) }
        return value
    }

    /// The number of bytes of the character that begins at `position`.
    @inline(__always)
    func utf8Length(at position: Int) -> Int {
        let lead = self[position]
        return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    }
}
