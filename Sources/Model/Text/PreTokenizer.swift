/// Cuts text into the pieces within which tokens are merged.
///
/// Each of the first cases is one published pattern, scanned by hand: the general regular expression engines are thirty
/// to a hundred times slower.
enum PreTokenizer: Sendable, Equatable {
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    case gpt2
    /// Every digit alone, then GPT-2's pattern on what is between.
    case smollm2
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    case llama3
    /// Llama 3's with `\p{N}` for `\p{N}{1,3}`.
    case qwen2
    /// Nothing is cut; the normalizer has marked the blanks (Llama 2).
    case whole
    /// Hugging Face's "Metaspace": blanks become "▁", and one is put in front.
    case metaspace(prepend: Prepend, cutsBeforeBlanks: Bool)

    /// Where Metaspace puts a "▁" in front of text that does not begin with one.
    enum Prepend: String, Sendable {
        /// Of the text between any two added tokens.
        case always
        /// Only of the text's beginning.
        case first
        case never
    }

    static let gpt2Pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    static let llama3Pattern =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    static let qwen2Pattern =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// Gives the pieces of `text` to `body`, as ranges of its bytes, which must be valid UTF-8 with blanks marked where
    /// the case asks for it (`BlankMark`). O(n).
    @inline(__always)
    func forEachPiece(of text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
        let scan = Scan(text: text)
        func cut(_ range: Range<Int>, _ next: (Int, Int) -> Int) {
            var position = range.lowerBound
            while position < range.upperBound {
                let end = next(position, range.upperBound)
                body(position..<end)
                position = end
            }
        }
        let all = 0..<text.count
        switch self {
        case .gpt2: cut(all) { scan.endOfGPT2Piece(from: $0, to: $1) }
        case .llama3: cut(all) { scan.endOfLlama3Piece(from: $0, to: $1, digits: 3) }
        case .qwen2: cut(all) { scan.endOfLlama3Piece(from: $0, to: $1, digits: 1) }
        case .whole, .metaspace(_, cutsBeforeBlanks: false): body(all)
        case .metaspace(_, cutsBeforeBlanks: true): BlankMark.cut(text, atRuns: false, body)
        case .smollm2:
            var position = 0
            while position < text.count {
                let section = scan.endOfSection(from: position)
                cut(position..<section.end) { scan.endOfGPT2Piece(from: $0, to: $1) }
                if section.digit > 0 { body(section.end..<section.end + section.digit) }
                position = section.end + section.digit
            }
        }
    }
}

/// Where the pieces of a text end. Positions count bytes and are at the beginnings of characters.
private struct Scan {
    let text: UnsafeBufferPointer<UInt8>

    /// The next number's position, or the end, and the length of that number.
    func endOfSection(from start: Int) -> (end: Int, digit: Int) {
        var position = start
        while position < text.count {
            let (kind, length) = text.character(at: position)
            if kind == .number { return (position, length) }
            position += length
        }
        return (position, 0)
    }

    @inline(__always)
    private func end(of kind: CharacterKind, from start: Int, to end: Int) -> Int {
        var position = start
        while position < end {
            let character = text.character(at: position)
            if character.kind != kind { break }
            position += character.length
        }
        return position
    }

    /// The end of a contraction such as 's that begins at `start`; nil when there is none.
    @inline(__always)
    private func endOfContraction(from start: Int, to end: Int, ignoringCase: Bool) -> Int? {
        guard text[start] == UInt8(ascii: "'"), start + 1 < end else { return nil }
        func lowered(_ byte: UInt8) -> UInt8 { ignoringCase && byte &- 0x41 < 26 ? byte | 0x20 : byte }
        // ſ is an s to a case-insensitive pattern.
        if ignoringCase, text[start + 1] == 0xC5, text[start + 2] == 0xBF { return start + 3 }
        switch lowered(text[start + 1]) {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
        case let first:
            guard start + 2 < end else { return nil }
            switch (first, lowered(text[start + 2])) {
            case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")), (UInt8(ascii: "l"), UInt8(ascii: "l")):
                return start + 3
            default: return nil
            }
        }
    }

    /// What the blanks at `start` are: their end, where the last of them begins, and the end of the last line end in them.
    private func blanks(from start: Int, to end: Int) -> (end: Int, last: Int, newline: Int?) {
        var (position, last) = (start, start)
        var newline: Int?
        while position < end {
            let (kind, length) = text.character(at: position)
            guard kind.isSpace else { break }
            last = position
            position += length
            if kind == .newline { newline = position }
        }
        return (position, last, newline)
    }

    /// `\s+(?!\S)|\s+`: the blanks, but not the last one when something follows.
    private func endOfBlanks(_ blanks: (end: Int, last: Int, newline: Int?), from start: Int, to end: Int) -> Int {
        blanks.end == end || blanks.last == start ? blanks.end : blanks.last
    }

    @inline(__always)
    func endOfGPT2Piece(from start: Int, to end: Int) -> Int {
        if let contraction = endOfContraction(from: start, to: end, ignoringCase: false) { return contraction }
        var first = start
        var (kind, length) = text.character(at: start)
        if text[start] == 0x20, start + 1 < end {
            let second = text.character(at: start + 1)
            if !second.kind.isSpace { (first, kind, length) = (start + 1, second.kind, second.length) }
        }
        if !kind.isSpace { return self.end(of: kind, from: first + length, to: end) }
        return endOfBlanks(blanks(from: start, to: end), from: start, to: end)
    }

    /// Llama 3's pattern, with numbers of at most `digits` digits.
    @inline(__always)
    func endOfLlama3Piece(from start: Int, to end: Int, digits: Int) -> Int {
        if let contraction = endOfContraction(from: start, to: end, ignoringCase: true) { return contraction }
        let (kind, length) = text.character(at: start)
        if kind == .letter { return self.end(of: .letter, from: start + length, to: end) }
        if kind == .number {
            var position = start + length
            for _ in 1..<max(1, digits) where position < end {
                let next = text.character(at: position)
                guard next.kind == .number else { break }
                position += next.length
            }
            return position
        }
        let second = start + length < end ? text.character(at: start + length) : nil
        if kind != .newline, let second, second.kind == .letter {
            return self.end(of: .letter, from: start + length + second.length, to: end)
        }
        var others: Int?
        if kind == .other { others = start + length }
        if text[start] == 0x20, let second, second.kind == .other { others = start + length + second.length }
        if let others {
            return self.end(of: .newline, from: self.end(of: .other, from: others, to: end), to: end)
        }
        let blanks = blanks(from: start, to: end)
        return blanks.newline ?? endOfBlanks(blanks, from: start, to: end)
    }
}
