/// What a tokenizer file says, as both file formats fill it in: everything that decides about ids and text.
struct Vocabulary: Sendable {
    /// A token that is cut out of the text before anything else is done with it.
    struct AddedToken: Sendable, Equatable {
        let id: Int32
        var content: ByteString
        /// Marks structure, such as the end of a turn; left out when a decoder skips special tokens.
        let isSpecial: Bool
        /// Looked for in the text after normalisation.
        let isNormalized: Bool
        /// Takes the white space before it, after it.
        var stripsLeft = false, stripsRight = false
    }

    /// How text is spelled with tokens.
    enum Spelling: Sendable, Equatable {
        /// GPT-2's way: each byte is one character of `ByteAlphabet`.
        case bytes
        /// SentencePiece's way: characters stand for themselves. With `fallback`, one that has no token becomes the
        /// tokens "<0xE2>" of its bytes.
        case characters(fallback: Bool)
    }

    /// How tokens become text.
    enum Decoding: Sendable, Equatable {
        /// By `ByteAlphabet`.
        case bytes
        /// Marks become blanks, "<0xE2>" becomes a byte when `fallback`, and up to `stripped` blanks at the beginning of
        /// the whole text are left out.
        case characters(unmarks: Bool, fallback: Bool, stripped: Int)
    }

    /// What merging starts from and leads to. Added tokens are here as well only if the file lists them here.
    var tokens: TokenTable
    /// Characters that occur in tokens without being tokens, with ids from `tokens.idLimit` on. Merges may name them; what is
    /// left of them after merging is spelled in bytes.
    var strays = TokenTable()
    var merges: BytePairMerges
    var addedTokens: [AddedToken]
    var normalization: [NormalizationStep]
    var preTokenizer: PreTokenizer
    var spelling: Spelling
    var decoding: Decoding
    /// A piece that is a token as a whole is not merged.
    var ignoresMerges = false
    /// Stands for what has no token.
    var unknownToken: Int32?
    /// Neighbouring unknowns are one token.
    var fusesUnknown = false
    /// What is put around a text when special tokens are asked for.
    var prefix: [Int32] = []
    var suffix: [Int32] = []

    /// One more than the largest id.
    var idLimit: Int { max(tokens.idLimit, addedTokens.map { Int($0.id) + 1 }.max() ?? 0) }

    /// The added tokens as they are looked for, and as they decode: normalised, where they are looked for in normalised text.
    var spelledAddedTokens: [AddedToken] {
        addedTokens.map { token in
            var token = token
            if token.isNormalized { token.content = normalization.apply(to: token.content) }
            return token
        }
    }

    func id(of token: ByteString) -> Int32? {
        addedTokens.first { $0.content == token }?.id ?? tokens.id(of: token)
    }

    /// The token of each single byte "<0x00>" to "<0xFF>"; -1 where there is none.
    var byteTokens: [Int32] { (0..<256).map { tokens.id(of: Vocabulary.byteToken(UInt8($0))) ?? -1 } }

    static func byteToken(_ byte: UInt8) -> ByteString {
        let digits = Array("0123456789ABCDEF".utf8)
        return ByteString(Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]] + Array(">".utf8))
    }

    /// The byte that a token such as "<0x0A>" stands for.
    static func byte(of token: UnsafeRawBufferPointer) -> UInt8? {
        guard token.count == 6, token.starts(with: Array("<0x".utf8)), token[5] == UInt8(ascii: ">") else { return nil }
        func digit(_ byte: UInt8) -> UInt8? { Character(Unicode.Scalar(byte)).hexDigitValue.flatMap { UInt8(exactly: $0) } }
        guard let high = digit(token[3]), let low = digit(token[4]) else { return nil }
        return high << 4 | low
    }
}
