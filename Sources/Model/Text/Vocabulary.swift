/// What a tokenizer file says, before anything is built from it: the one description that both file formats fill in.
struct Vocabulary: Sendable {
    /// A token that is cut out of the text before anything else is done with it.
    struct AddedToken: Sendable, Equatable {
        let id: Int32
        let content: ByteString
        /// Marks structure, such as the end of a turn; left out when a decoder skips special tokens.
        let isSpecial: Bool
        /// Looked for in the text after normalisation.
        let isNormalized: Bool
    }

    /// Each token as the file spells it, by id; nil where no token has the id.
    var tokens: [ByteString?]
    /// In order of rank.
    var merges: [(left: ByteString, right: ByteString)]
    var addedTokens: [AddedToken]
    var preTokenizer: PreTokenizer
    /// Text is brought to Unicode's composed form first.
    var composes: Bool
    /// A piece that is a token as a whole is not merged.
    var ignoresMerges: Bool
    var unknownToken: ByteString?
    var fusesUnknown: Bool
    /// What is put around a text when special tokens are asked for.
    var prefix: [Int32]
    var suffix: [Int32]
}
