internal import Foundation

/// Byte-level byte-pair encoding, with the ids that Hugging Face's tokenizers library gives.
package final class Tokenizer: Sendable {
    /// One more than the largest id.
    package let vocabularySize: Int

    private let vocabulary: Vocabulary
    /// The file this came from, to be copied beside exported weights; nil for GGUF.
    private let originalJSON: [UInt8]?
    private let ids: [ByteString: Int32]
    private let merges: BytePairMerges
    /// The token of each single byte; -1 where the vocabulary has none, and the byte is dropped (or unknown).
    private let byteTokens: [Int32]
    private let unknownToken: Int32?
    /// The bytes that each token stands for, one after another, and where each begins.
    private let tokenBytes: [UInt8]
    private let tokenStarts: [Int]
    private let specialIDs: Set<Int32>
    private let rawMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher

    /// Throws when a merge names something that is no token, or two tokens are the same.
    init(_ vocabulary: Vocabulary, path: String, originalJSON: [UInt8]? = nil) throws(ModelFileError) {
        self.vocabulary = vocabulary
        self.originalJSON = originalJSON
        vocabularySize = vocabulary.tokens.count
        var ids: [ByteString: Int32] = Dictionary(minimumCapacity: vocabulary.tokens.count)
        for (id, token) in vocabulary.tokens.enumerated() {
            if let token, ids.updateValue(Int32(id), forKey: token) != nil {
                throw .malformed(path: path, field: "the vocabulary", expected: "tokens that differ", found: "with \"\(token.text)\" twice")
            }
        }
        var merges = BytePairMerges(capacity: vocabulary.merges.count)
        for (rank, merge) in vocabulary.merges.enumerated() {
            let joined = ByteString(merge.left.bytes + merge.right.bytes)
            guard let left = ids[merge.left], let right = ids[merge.right], let result = ids[joined] else {
                throw .malformed(
                    path: path, field: "merge \(rank)", expected: "three tokens of the vocabulary: left, right and both together",
                    found: "\"\(merge.left.text)\" and \"\(merge.right.text)\"")
            }
            merges.insert(left, right, rank: rank, result: result)
        }
        if let unknown = vocabulary.unknownToken {
            guard let id = ids[unknown] else {
                throw .malformed(path: path, field: "unk_token", expected: "a token of the vocabulary", found: "\"\(unknown.text)\"")
            }
            unknownToken = id
        } else {
            unknownToken = nil
        }
        var tokenBytes: [UInt8] = []
        var tokenStarts = [0]
        for token in vocabulary.tokens {
            if let token { tokenBytes += ByteAlphabet.decode(token) ?? token.bytes }
            tokenStarts.append(tokenBytes.count)
        }
        self.ids = ids
        self.merges = merges
        byteTokens = (0..<256).map { ids[ByteAlphabet.token(of: UInt8($0))] ?? -1 }
        self.tokenBytes = tokenBytes
        self.tokenStarts = tokenStarts
        specialIDs = Set(vocabulary.addedTokens.filter(\.isSpecial).map(\.id))
        rawMatcher = AddedTokenMatcher(vocabulary.addedTokens.filter { !$0.isNormalized })
        normalizedMatcher = AddedTokenMatcher(
            vocabulary.addedTokens.filter(\.isNormalized).map {
                Vocabulary.AddedToken(
                    id: $0.id, content: vocabulary.composes ? Tokenizer.composed($0.content) : $0.content, isSpecial: $0.isSpecial,
                    isNormalized: true)
            })
    }

    /// The id of a token as the vocabulary spells it, for example "<|im_end|>" or "Ġthe".
    package func id(of token: String) -> Int32? { ids[ByteString(token)] }

    /// Whether the token marks structure, such as the end of a turn, rather than text.
    package func isSpecial(_ id: Int32) -> Bool { specialIDs.contains(id) }

    // MARK: Text to tokens

    /// The tokens of a text.
    ///
    /// `addingSpecialTokens` puts around it what the file's post-processor says (Llama 3: its begin token).
    /// With `parsingSpecialTokens` false, "<|im_end|>" in the text is ordinary text: use it for text
    /// that comes from others.
    package func encode(_ text: String, addingSpecialTokens: Bool = false, parsingSpecialTokens: Bool = true) -> [Int32] {
        var output = addingSpecialTokens ? vocabulary.prefix : []
        rawMatcher.split(ByteString(text), includingSpecial: parsingSpecialTokens) { part in
            switch part {
            case .token(let id): output.append(id)
            case .text(let bytes):
                let text = vocabulary.composes ? Tokenizer.composed(ByteString(Array(bytes))) : ByteString(Array(bytes))
                normalizedMatcher.split(text, includingSpecial: parsingSpecialTokens) { part in
                    switch part {
                    case .token(let id): output.append(id)
                    case .text(let bytes): encodeText(bytes, into: &output)
                    }
                }
            }
        }
        return addingSpecialTokens ? output + vocabulary.suffix : output
    }

    private func encodeText(_ text: ArraySlice<UInt8>, into output: inout [Int32]) {
        for piece in vocabulary.preTokenizer.pieces(of: text) {
            if vocabulary.ignoresMerges {
                let spelled = ByteString(text[piece].flatMap { ByteAlphabet.token(of: $0).bytes })
                if let id = ids[spelled] {
                    output.append(id)
                    continue
                }
            }
            var symbols: [Int32] = []
            symbols.reserveCapacity(piece.count)
            for byte in text[piece] {
                let token = byteTokens[Int(byte)]
                if token >= 0 {
                    symbols.append(token)
                } else if let unknownToken, !(vocabulary.fusesUnknown && symbols.last == unknownToken) {
                    symbols.append(unknownToken)
                }
            }
            output += merges.apply(to: symbols)
        }
    }

    /// Unicode's composed form (NFC).
    private static func composed(_ text: ByteString) -> ByteString {
        // Nothing below U+0300 ever combines.
        guard text.bytes.contains(where: { $0 >= 0xCC }) else { return text }
        return ByteString(text.text.precomposedStringWithCanonicalMapping)
    }

    // MARK: Tokens to text

    /// The bytes that the tokens stand for; ids outside of the vocabulary stand for nothing.
    package func bytes(of ids: [Int32], skippingSpecialTokens: Bool = false) -> [UInt8] {
        var output: [UInt8] = []
        for id in ids where id >= 0 && Int(id) < vocabularySize && !(skippingSpecialTokens && specialIDs.contains(id)) {
            output += tokenBytes[tokenStarts[Int(id)]..<tokenStarts[Int(id) + 1]]
        }
        return output
    }

    /// The text of the tokens; bytes that are no UTF-8 become U+FFFD.
    package func decode(_ ids: [Int32], skippingSpecialTokens: Bool = false) -> String {
        String(decoding: bytes(of: ids, skippingSpecialTokens: skippingSpecialTokens), as: UTF8.self)
    }

    // MARK: Files

    /// The contents of a tokenizer.json that makes the same tokenizer: the original, or for GGUF a new one.
    package var json: [UInt8] { originalJSON ?? vocabulary.jsonObject().encoded(indented: false) }
}

/// Finds added tokens in text: the leftmost, and of those that begin there the longest.
struct AddedTokenMatcher: Sendable {
    enum Part {
        case token(Int32)
        case text(ArraySlice<UInt8>)
    }

    /// By first byte, longest first.
    private let candidates: [[Vocabulary.AddedToken]]

    init(_ tokens: [Vocabulary.AddedToken]) {
        var candidates = [[Vocabulary.AddedToken]](repeating: [], count: 256)
        for token in tokens {
            if let first = token.content.bytes.first { candidates[Int(first)].append(token) }
        }
        self.candidates = candidates.map { $0.sorted { $0.content.bytes.count > $1.content.bytes.count } }
    }

    /// Calls `body` with the tokens and the text between them, in order. Special tokens are text unless included.
    func split(_ text: ByteString, includingSpecial: Bool, _ body: (Part) -> Void) {
        let bytes = text.bytes
        var start = 0
        var position = 0
        while position < bytes.count {
            let rest = bytes[position...]
            let match = candidates[Int(bytes[position])].first {
                (includingSpecial || !$0.isSpecial) && rest.starts(with: $0.content.bytes)
            }
            guard let match else {
                position += 1
                continue
            }
            if position > start { body(.text(bytes[start..<position])) }
            body(.token(match.id))
            position += match.content.bytes.count
            start = position
        }
        if bytes.count > start { body(.text(bytes[start...])) }
    }
}
