/// Turns tokens into the bytes that they stand for.
struct TokenDecoder: Sendable {
    private let decoding: Vocabulary.Decoding
    /// What the tokens stand for, one after another, and where each begins.
    private let bytes: [UInt8]
    private let starts: [Int]
    private let isByte: [Bool]
    private let isSpecial: [Bool]

    init(_ vocabulary: Vocabulary) {
        decoding = vocabulary.decoding
        let count = vocabulary.idLimit
        var (bytes, starts): ([UInt8], [Int]) = ([], [0])
        starts.reserveCapacity(count + 1)
        var isByte = [Bool](repeating: false, count: count)
        var isSpecial = isByte
        var added = [Int32: ByteString](minimumCapacity: vocabulary.addedTokens.count)
        for (token, original) in zip(vocabulary.spelledAddedTokens, vocabulary.addedTokens) {
            added[token.id] = token.content
            // One that normalisation changes is not left out, as in Hugging Face's library.
            if token.isSpecial, token == original { isSpecial[Int(token.id)] = true }
        }
        func append(_ spelling: UnsafeRawBufferPointer, _ id: Int) {
            switch vocabulary.decoding {
            case .bytes:
                ByteAlphabet.decode(spelling, appendingTo: &bytes)
            case .characters(let unmarks, let fallback, _):
                if fallback, let byte = Vocabulary.byte(of: spelling) {
                    isByte[id] = true
                    bytes.append(byte)
                } else if unmarks {
                    BlankMark.appendUnmarked(spelling.bindMemory(to: UInt8.self), to: &bytes)
                } else {
                    bytes.append(contentsOf: spelling)
                }
            }
        }
        for id in 0..<count {
            if !added.isEmpty, let content = added[Int32(id)] {
                content.bytes.withUnsafeBytes { append($0, id) }
            } else {
                _ = vocabulary.tokens.withSpelling(of: Int32(id)) { append($0, id) }
            }
            starts.append(bytes.count)
        }
        (self.bytes, self.starts, self.isByte, self.isSpecial) = (bytes, starts, isByte, isSpecial)
    }

    /// Whether the token marks structure; ids outside of the vocabulary do not.
    func isSpecial(_ id: Int32) -> Bool { id >= 0 && Int(id) < isSpecial.count && isSpecial[Int(id)] }

    /// A decoding that has not begun.
    func begin() -> State {
        if case .characters(_, _, let stripped) = decoding { State(blanksToStrip: stripped) } else { State() }
    }

    /// Where a decoding is.
    struct State: Sendable {
        /// Bytes that are no whole character yet, or may turn out not to be: the next token decides.
        fileprivate(set) var pending: [UInt8] = []
        fileprivate var blanksToStrip = 0
    }

    /// Appends what is certain after one more token. Ids outside of the vocabulary stand for nothing.
    func append(_ id: Int32, to output: inout [UInt8], _ state: inout State) {
        guard id >= 0, Int(id) < isByte.count else { return }
        let own = bytes[starts[Int(id)]..<starts[Int(id) + 1]]
        guard case .characters = decoding else {
            output += own
            return
        }
        if isByte[Int(id)] {
            state.pending += own
        } else {
            finish(&output, &state)
            emit(own, to: &output, &state)
        }
    }

    /// Appends what was held back. A run of byte tokens counts as a whole: if it is not UTF-8, each of them is one U+FFFD, as
    /// Hugging Face's library has it.
    func finish(_ output: inout [UInt8], _ state: inout State) {
        guard !state.pending.isEmpty else { return }
        let run = state.pending
        state.pending.removeAll(keepingCapacity: true)
        if String(validating: run, as: UTF8.self) != nil {
            emit(run[...], to: &output, &state)
        } else {
            emit(run.flatMap { _ in [0xEF, 0xBF, 0xBD] }[...], to: &output, &state)
        }
    }

    private func emit(_ text: ArraySlice<UInt8>, to output: inout [UInt8], _ state: inout State) {
        var text = text
        while state.blanksToStrip > 0, let first = text.first {
            guard first == 0x20 else {
                state.blanksToStrip = 0
                break
            }
            text.removeFirst()
            state.blanksToStrip -= 1
        }
        output += text
    }
}

/// Decodes tokens one by one, and gives out only whole characters.
///
/// What it gives out adds up to what decoding all tokens at once gives: the beginning of a character is held back
/// until its end comes, and what can be no character becomes U+FFFD.
package struct IncrementalDecoder: Sendable {
    private let tokenizer: Tokenizer
    private let skipsSpecialTokens: Bool
    private var state: TokenDecoder.State
    /// The beginning of a character, at most three bytes.
    private var tail: [UInt8] = []

    package init(_ tokenizer: Tokenizer, skippingSpecialTokens: Bool = false) {
        self.tokenizer = tokenizer
        skipsSpecialTokens = skippingSpecialTokens
        state = tokenizer.decoder.begin()
    }

    /// The text that one more token makes certain; often empty, never a part of a character.
    package mutating func append(_ id: Int32) -> String {
        if skipsSpecialTokens, tokenizer.isSpecial(id) { return "" }
        tokenizer.decoder.append(id, to: &tail, &state)
        let whole = tail.count - IncrementalDecoder.incompleteSuffix(of: tail)
        defer { tail.removeFirst(whole) }
        return String(decoding: tail[..<whole], as: UTF8.self)
    }

    /// The rest, after the last token; the next token begins a new text.
    package mutating func finish() -> String {
        tokenizer.decoder.finish(&tail, &state)
        defer {
            tail.removeAll()
            state = tokenizer.decoder.begin()
        }
        return String(decoding: tail, as: UTF8.self)
    }

    /// How many bytes at the end begin a character (Unicode's table 3-7) that has not ended.
    private static func incompleteSuffix(of bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let lead = bytes[bytes.count - length]
            if lead & 0xC0 == 0x80 { continue }
            let needed = lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 1
            guard length < needed else { return 0 }
            guard length > 1 else { return 1 }
            let second = bytes[bytes.count - length + 1]
            let isPossible =
                switch lead {
                case 0xE0: second >= 0xA0
                case 0xED: second < 0xA0
                case 0xF0: second >= 0x90
                case 0xF4: second < 0x90
                default: true
                }
            return isPossible ? length : 0
        }
        return 0
    }
}
