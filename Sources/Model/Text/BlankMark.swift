/// SentencePiece's visible blank, "▁" (U+2581): in such vocabularies it stands for " " and begins a word.
enum BlankMark {
    static let bytes: [UInt8] = [0xE2, 0x96, 0x81]
    static let text: ByteString = "\u{2581}"

    @inline(__always)
    static func stands(at position: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        text[position] == 0xE2 && position + 2 < text.count && text[position + 1] == 0x96 && text[position + 2] == 0x81
    }

    /// Cuts before marks: before every one, or only before the first of a run (`atRuns`).
    @inline(__always)
    static func cut(_ text: UnsafeBufferPointer<UInt8>, atRuns: Bool, _ body: (Range<Int>) -> Void) {
        var (start, position) = (0, 0)
        var followsMark = false
        while position < text.count {
            let isMark = stands(at: position, in: text)
            if isMark, position > start, !(atRuns && followsMark) {
                body(start..<position)
                start = position
            }
            followsMark = isMark
            position += isMark ? 3 : 1
        }
        if start < text.count { body(start..<text.count) }
    }

    /// Whether a mark follows something else within a token, so that merges reach over the beginnings of words.
    static func isInside(_ token: UnsafeRawBufferPointer) -> Bool {
        let bytes = token.bindMemory(to: UInt8.self)
        var pieces = 0
        cut(bytes, atRuns: true) { _ in pieces += 1 }
        return pieces > 1
    }

    /// With marks for blanks.
    static func marked(_ text: UnsafeBufferPointer<UInt8>, after prefix: [UInt8] = []) -> [UInt8] {
        var output = prefix
        output.reserveCapacity(prefix.count + text.count * 3 / 2)
        for byte in text {
            if byte == 0x20 { output += bytes } else { output.append(byte) }
        }
        return output
    }

    /// Appends a token's text, with blanks for marks.
    static func appendUnmarked(_ token: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        var position = 0
        while position < token.count {
            let isMark = stands(at: position, in: token)
            output.append(isMark ? 0x20 : token[position])
            position += isMark ? 3 : 1
        }
    }
}
