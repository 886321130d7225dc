/// Cuts text into the pieces within which tokens are merged.
///
/// Each case is one published pattern, scanned by hand: the general regular expression engines are thirty to a hundred
/// times slower. `\p{L}`, `\p{N}` and `\s` have their Unicode meaning.
enum PreTokenizer: Sendable, Equatable {
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    case gpt2
    /// Every digit alone, then GPT-2's pattern on what is between.
    case smollm2
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    case llama3
    /// Llama 3's with `\p{N}` for `\p{N}{1,3}`.
    case qwen2

    static let gpt2Pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    static let llama3Pattern =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    static let qwen2Pattern =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// The pieces of `text` as ranges of its bytes, which must be valid UTF-8.
    func pieces(of text: ArraySlice<UInt8>) -> [Range<Int>] {
        let scan = Scan(text)
        var pieces: [Range<Int>] = []
        func emit(_ lower: Int, _ upper: Int) { pieces.append(scan.starts[lower]..<scan.starts[upper]) }
        func scanAll(_ range: Range<Int>, _ next: (Int, Int) -> Int) {
            var position = range.lowerBound
            while position < range.upperBound {
                let end = next(position, range.upperBound)
                emit(position, end)
                position = end
            }
        }
        let all = 0..<scan.kinds.count
        switch self {
        case .gpt2: scanAll(all) { scan.endOfGPT2Piece(from: $0, to: $1) }
        case .llama3: scanAll(all) { scan.endOfLlama3Piece(from: $0, to: $1, digits: 3) }
        case .qwen2: scanAll(all) { scan.endOfLlama3Piece(from: $0, to: $1, digits: 1) }
        case .smollm2:
            var start = 0
            for position in all where scan.kinds[position] == .number {
                scanAll(start..<position) { scan.endOfGPT2Piece(from: $0, to: $1) }
                emit(position, position + 1)
                start = position + 1
            }
            scanAll(start..<all.upperBound) { scan.endOfGPT2Piece(from: $0, to: $1) }
        }
        return pieces
    }
}

/// Text as characters with their class; positions count characters.
private struct Scan {
    enum Kind: UInt8 { case letter, number, newline, space, other }

    var kinds: [Kind] = []
    var scalars: [UInt32] = []
    /// Where each character begins in the text; one more for the end.
    var starts: [Int] = []

    init(_ text: ArraySlice<UInt8>) {
        kinds.reserveCapacity(text.count)
        scalars.reserveCapacity(text.count)
        starts.reserveCapacity(text.count + 1)
        var position = text.startIndex
        while position < text.endIndex {
            let lead = text[position]
            let length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
            var value = length == 1 ? UInt32(lead) : UInt32(lead) & (0x7F >> UInt32(length))
            for offset in 1..<max(length, 1) { value = value << 6 | UInt32(text[position + offset] & 0x3F) }
            kinds.append(Scan.kind(value))
            scalars.append(value)
            starts.append(position)
            position += length
        }
        starts.append(text.endIndex)
    }

    static func kind(_ value: UInt32) -> Kind {
        if value < 0x80 {
            switch UInt8(value) {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): return .letter
            case UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
            case 0x0A, 0x0D: return .newline
            case 0x20, 0x09, 0x0B, 0x0C: return .space
            default: return .other
            }
        }
        guard let properties = Unicode.Scalar(value)?.properties else { return .other }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letter
        case .decimalNumber, .letterNumber, .otherNumber: return .number
        default: return properties.isWhitespace ? .space : .other
        }
    }

    private func isSpace(_ position: Int) -> Bool { kinds[position] == .space || kinds[position] == .newline }

    private func end(of kind: Kind, from start: Int, to end: Int) -> Int {
        var position = start
        while position < end, kinds[position] == kind { position += 1 }
        return position
    }

    private func endOfSpaces(from start: Int, to end: Int) -> Int {
        var position = start
        while position < end, isSpace(position) { position += 1 }
        return position
    }

    /// The end of a contraction such as 's that begins at `start`; nil when there is none.
    private func endOfContraction(from start: Int, to end: Int, ignoringCase: Bool) -> Int? {
        guard scalars[start] == 0x27, start + 1 < end else { return nil }
        func letter(_ position: Int) -> UInt32 {
            let value = scalars[position]
            guard ignoringCase else { return value }
            // ſ is an s to a case-insensitive pattern.
            return value == 0x17F ? 0x73 : value >= 0x41 && value <= 0x5A ? value + 0x20 : value
        }
        let first = letter(start + 1)
        if first == 0x73 || first == 0x74 || first == 0x6D || first == 0x64 { return start + 2 }
        guard start + 2 < end else { return nil }
        switch (first, letter(start + 2)) {
        case (0x72, 0x65), (0x76, 0x65), (0x6C, 0x6C): return start + 3
        default: return nil
        }
    }

    /// `\s+(?!\S)|\s+`: the blanks, but not the last one when something follows.
    private func endOfBlanks(from start: Int, to end: Int) -> Int {
        let blanks = endOfSpaces(from: start, to: end)
        return blanks == end || blanks == start + 1 ? blanks : blanks - 1
    }

    func endOfGPT2Piece(from start: Int, to end: Int) -> Int {
        if let contraction = endOfContraction(from: start, to: end, ignoringCase: false) { return contraction }
        let first = scalars[start] == 0x20 && start + 1 < end && !isSpace(start + 1) ? start + 1 : start
        if !isSpace(first) { return self.end(of: kinds[first], from: first, to: end) }
        return endOfBlanks(from: start, to: end)
    }

    /// Llama 3's pattern, with numbers of at most `digits` digits.
    func endOfLlama3Piece(from start: Int, to end: Int, digits: Int) -> Int {
        if let contraction = endOfContraction(from: start, to: end, ignoringCase: true) { return contraction }
        let kind = kinds[start]
        if kind == .letter { return self.end(of: .letter, from: start, to: end) }
        if kind == .space || kind == .other, start + 1 < end, kinds[start + 1] == .letter {
            return self.end(of: .letter, from: start + 1, to: end)
        }
        if kind == .number { return self.end(of: .number, from: start, to: min(end, start + digits)) }
        let first = scalars[start] == 0x20 && start + 1 < end && kinds[start + 1] == .other ? start + 1 : start
        if kinds[first] == .other {
            return self.end(of: .newline, from: self.end(of: .other, from: first, to: end), to: end)
        }
        let blanks = endOfSpaces(from: start, to: end)
        if let newline = (start..<blanks).last(where: { kinds[$0] == .newline }) { return newline + 1 }
        return endOfBlanks(from: start, to: end)
    }
}
