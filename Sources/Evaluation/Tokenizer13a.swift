/// The tokenizer of NIST's `mteval-v13a`, as sacrebleu's `13a` has it.
///
/// Markup is undone, ASCII signs other than `'`, `-`, `.` and `,` stand alone, points and commas do unless digits surround them,
/// and a hyphen does after a digit. It works on UTF-8, whose bytes beyond ASCII are letters to every rule.
enum Tokenizer13a {
    /// A text's tokens, as numbers of `table`.
    static func tokens(of text: String, in table: inout TokenTable) -> [Int32] {
        var bytes = Array(text.utf8)
        removeTrailingWhitespace(&bytes)
        for (pattern, replacement) in markup { replace(pattern, with: replacement, in: &bytes) }
        // One space before and after, as the rules for points look at a neighbour on either side.
        var line = [space]
        line.reserveCapacity(bytes.count + bytes.count / 2)
        for byte in bytes {
            let isSign = isSign(byte)
            if isSign { line.append(space) }
            line.append(byte)
            if isSign { line.append(space) }
        }
        line.append(space)
        separate(&line, spaceBefore: false) { !isDigit($0) && isPoint($1) }
        separate(&line, spaceBefore: true) { isPoint($0) && !isDigit($1) }
        separate(&line, spaceBefore: false) { isDigit($0) && $1 == UInt8(ascii: "-") }
        return split(line, in: &table)
    }

    private static let space = UInt8(ascii: " ")

    private static let markup: [(pattern: [UInt8], replacement: [UInt8])] = [
        ("<skipped>", ""), ("-\n", ""), ("\n", " "), ("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"),
    ].map { (Array($0.utf8), Array($1.utf8)) }

    private static func replace(_ pattern: [UInt8], with replacement: [UInt8], in bytes: inout [UInt8]) {
        guard var start = bytes.firstIndex(of: pattern[0]) else { return }
        var result = Array(bytes[..<start])
        while start < bytes.count {
            if bytes[start] == pattern[0], bytes[start...].starts(with: pattern) {
                result += replacement
                start += pattern.count
            } else {
                result.append(bytes[start])
                start += 1
            }
        }
        bytes = result
    }

    /// Puts spaces between two neighbours and before or after both, from left to right; neither is looked at again.
    @inline(__always)
    private static func separate(_ line: inout [UInt8], spaceBefore: Bool, where areApart: (UInt8, UInt8) -> Bool) {
        var (result, index) = ([UInt8](), 0)
        result.reserveCapacity(line.count + line.count / 4)
        while index < line.count {
            if index + 1 < line.count, areApart(line[index], line[index + 1]) {
                if spaceBefore { result.append(space) }
                result.append(line[index])
                result.append(space)
                result.append(line[index + 1])
                if !spaceBefore { result.append(space) }
                index += 2
            } else {
                result.append(line[index])
                index += 1
            }
        }
        line = result
    }

    private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

    private static func isPoint(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ".") || byte == UInt8(ascii: ",") }

    private static func isSign(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x7B...0x7E, 0x5B...0x60, 0x20...0x26, 0x28...0x2B, 0x3A...0x40, 0x2F: true
        default: false
        }
    }

    private static func removeTrailingWhitespace(_ bytes: inout [UInt8]) {
        var (index, end) = (0, 0)
        while index < bytes.count {
            let length = whitespace(bytes, at: index)
            index += max(length, 1)
            if length == 0 { end = index }
        }
        bytes.removeLast(bytes.count - end)
    }

    private static func split(_ line: [UInt8], in table: inout TokenTable) -> [Int32] {
        var (tokens, token, index) = ([Int32](), [UInt8](), 0)
        while index < line.count {
            let length = whitespace(line, at: index)
            if length == 0 {
                token.append(line[index])
            } else if !token.isEmpty {
                tokens.append(table.number(of: token))
                token.removeAll(keepingCapacity: true)
            }
            index += max(length, 1)
        }
        return tokens
    }

    /// How many bytes the white space at an index has, by Unicode with the four separators of ASCII; 0 where there is none.
    private static func whitespace(_ bytes: [UInt8], at index: Int) -> Int {
        switch bytes[index] {
        case 0x09...0x0D, 0x1C...0x20: return 1
        case 0xC2 where index + 1 < bytes.count: return bytes[index + 1] == 0x85 || bytes[index + 1] == 0xA0 ? 2 : 0
        case 0xE1...0xE3 where index + 2 < bytes.count:
            switch (bytes[index], bytes[index + 1], bytes[index + 2]) {
            case (0xE1, 0x9A, 0x80), (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xA8...0xA9), (0xE2, 0x80, 0xAF), (0xE2, 0x81, 0x9F),
                (0xE3, 0x80, 0x80):
                return 3
            default: return 0
            }
        default: return 0
        }
    }
}
