/// Byte-pair encoding, spelled in bytes (GPT-2, Llama 3, Qwen2) or in characters (Llama 2), with the ids that Hugging Face's
/// tokenizers library gives.
///
/// A text goes through these steps: added tokens are cut out; what is between is normalised; added tokens that are
/// looked for afterwards are cut out; the rest is cut into pieces, and each piece's symbols are merged.
package final class Tokenizer: Sendable {
    /// One more than the largest id.
    package let vocabularySize: Int

    let decoder: TokenDecoder
    private let vocabulary: Vocabulary
    /// The file this came from, to be copied beside exported weights; nil for GGUF.
    private let original: MappedFile?
    private let encoder: PieceEncoder
    private let rawMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher
    /// A text without pieces may be cut before words all the same, as no merge reaches over their beginnings.
    private let cutsWords: Bool
    /// The steps for a text that continues another: what marks a beginning is not put into its middle.
    private let continuedNormalization: [NormalizationStep]
    private let cache = PieceCache()

    init(_ vocabulary: Vocabulary, original: MappedFile? = nil) {
        self.vocabulary = vocabulary
        self.original = original
        vocabularySize = vocabulary.idLimit
        continuedNormalization = vocabulary.normalization.filter { !$0.isPrepending }
        decoder = TokenDecoder(vocabulary)
        encoder = PieceEncoder(vocabulary)
        let added = vocabulary.spelledAddedTokens
        rawMatcher = AddedTokenMatcher(added.filter { !$0.isNormalized })
        normalizedMatcher = AddedTokenMatcher(added.filter(\.isNormalized))
        cutsWords =
            vocabulary.preTokenizer.isWhole && !vocabulary.ignoresMerges && encoder.knowsEveryByte
            && !vocabulary.merges.results.contains { vocabulary.tokens.withSpelling(of: $0, BlankMark.isInside) ?? false }
    }

    /// The id of a token as the vocabulary spells it, for example "<|im_end|>" or "Ġthe".
    package func id(of token: String) -> Int32? { vocabulary.id(of: ByteString(token)) }

    /// Whether the token marks structure, such as the end of a turn, rather than text.
    package func isSpecial(_ id: Int32) -> Bool { decoder.isSpecial(id) }

    /// Whether the token is cut out of a text as a whole, and so ends what is before it.
    func isAdded(_ id: Int32) -> Bool { vocabulary.addedTokens.contains { $0.id == id } }

    // MARK: Text to tokens

    /// Where a text stands in the whole that it is part of: some tokenizers mark beginnings.
    package enum Place: Sendable {
        /// The whole begins with it.
        case beginning
        /// A token of structure is before it.
        case afterToken
        /// Text is before it, so that its first word may be the rest of one.
        case continuation
    }

    /// What the file's post-processor puts before a text (Llama 3: its begin token).
    package var beginTokens: [Int32] { vocabulary.prefix }

    /// The tokens of a text.
    ///
    /// `addingSpecialTokens` puts around it what the file's post-processor says (Llama 3: its begin token).
    /// With `parsingSpecialTokens` false, "<|im_end|>" in the text is ordinary text: use it for text
    /// that comes from others.
    package func encode(
        _ text: String, addingSpecialTokens: Bool = false, parsingSpecialTokens: Bool = true, place: Place = .beginning
    ) -> [Int32] {
        var text = text
        var output = addingSpecialTokens ? vocabulary.prefix : []
        text.withUTF8 { text in
            output.reserveCapacity(output.count + text.count / 3 + 8)
            let ownsCache = cache.enter()
            defer { if ownsCache { cache.leave() } }
            var workspace = BytePairMerges.Workspace()
            rawMatcher.split(text, includingSpecial: parsingSpecialTokens) { part in
                switch part {
                case .token(let id): output.append(id)
                case .text(let range):
                    let section = UnsafeBufferPointer(rebasing: text[range])
                    let place = range.lowerBound == 0 ? place : .afterToken
                    let steps = place == .continuation ? continuedNormalization : vocabulary.normalization
                    steps.apply(to: section) { section in
                        normalizedMatcher.split(section, includingSpecial: parsingSpecialTokens) { part in
                            switch part {
                            case .token(let id): output.append(id)
                            case .text(let inner):
                                encodeSection(
                                    UnsafeBufferPointer(rebasing: section[inner]), inner.lowerBound == 0 ? place : .afterToken,
                                    into: &output, ownsCache ? cache : nil, &workspace)
                            }
                        }
                    }
                }
            }
        }
        return addingSpecialTokens ? output + vocabulary.suffix : output
    }

    /// Text without added tokens.
    private func encodeSection(
        _ text: UnsafeBufferPointer<UInt8>, _ place: Place, into output: inout [Int32], _ cache: PieceCache?,
        _ workspace: inout BytePairMerges.Workspace
    ) {
        func encode(_ text: UnsafeBufferPointer<UInt8>, _ piece: Range<Int>) {
            let bytes = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: text[piece]))
            guard let cache, let key = PieceCache.Key(bytes) else {
                return encoder.encode(bytes, into: &output, &workspace)
            }
            if cache.find(key, appendingTo: &output) { return }
            let start = output.count
            encoder.encode(bytes, into: &output, &workspace)
            cache.insert(key, output[start...])
        }
        switch vocabulary.preTokenizer {
        case .metaspace(let prepend, _):
            let isMarked = text.first == 0x20 || !text.isEmpty && BlankMark.stands(at: 0, in: text)
            let isPrepended =
                !isMarked && (prepend == .always && place != .continuation || prepend == .first && place == .beginning)
            BlankMark.marked(text, after: isPrepended ? BlankMark.bytes : []).withUnsafeBufferPointer { text in
                if cutsWords {
                    BlankMark.cut(text, atRuns: true) { encode(text, $0) }
                } else {
                    vocabulary.preTokenizer.forEachPiece(of: text) { encode(text, $0) }
                }
            }
        case .whole where cutsWords: BlankMark.cut(text, atRuns: true) { encode(text, $0) }
        default: vocabulary.preTokenizer.forEachPiece(of: text) { encode(text, $0) }
        }
    }

    // MARK: Tokens to text

    /// The bytes that the tokens stand for; ids outside of the vocabulary stand for nothing.
    package func bytes(of ids: [Int32], skippingSpecialTokens: Bool = false) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(4 * ids.count)
        var state = decoder.begin()
        for id in ids where !(skippingSpecialTokens && decoder.isSpecial(id)) { decoder.append(id, to: &output, &state) }
        decoder.finish(&output, &state)
        return output
    }

    /// The text of the tokens; bytes that are no UTF-8 become U+FFFD.
    package func decode(_ ids: [Int32], skippingSpecialTokens: Bool = false) -> String {
        String(decoding: bytes(of: ids, skippingSpecialTokens: skippingSpecialTokens), as: UTF8.self)
    }

    // MARK: Files

    /// The contents of a tokenizer.json that makes the same tokenizer: the original, or for GGUF a new one.
    package var json: [UInt8] {
        if let original { return withExtendedLifetime(original) { Array(original.bytes) } }
        return vocabulary.jsonObject().encoded(indented: false)
    }
}

extension PreTokenizer {
    /// Whether a text is one piece.
    fileprivate var isWhole: Bool {
        switch self {
        case .whole, .metaspace(_, cutsBeforeBlanks: false): true
        default: false
        }
    }
}
