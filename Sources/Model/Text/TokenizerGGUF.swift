extension Tokenizer {
    /// The tokenizer in a GGUF file's metadata: kind `gpt2`, with a pre-tokenizer whose pattern is known, or `llama`.
    ///
    /// `vocabularySize` is the number of rows of the embedding, which has to be that of the tokens; nil when there is none.
    convenience init(gguf fields: GGUFFields, vocabularySize: Int? = nil) throws(ModelFileError) {
        let path = fields.file.path
        let kind = try fields.string("tokenizer.ggml.model")
        guard kind == "gpt2" || kind == "llama" else {
            throw .unsupported(
                path: path, field: "tokenizer.ggml.model", supported: "gpt2 (byte-level BPE), llama (SentencePiece's BPE)",
                found: "\"\(kind)\"")
        }
        let reader = try GGUFVocabulary(fields, vocabularySize: vocabularySize)
        self.init(try kind == "gpt2" ? reader.byteLevel() : reader.sentencePiece())
    }
}

/// The parts of a tokenizer that both kinds have in a GGUF file.
private struct GGUFVocabulary {
    private let fields: GGUFFields
    private let tokens: TokenTable
    private let addedTokens: [Vocabulary.AddedToken]
    private var path: String { fields.file.path }

    init(_ fields: GGUFFields, vocabularySize: Int?) throws(ModelFileError) {
        self.fields = fields
        let path = fields.file.path
        func malformed(_ field: String, _ expected: String, _ found: String) -> ModelFileError {
            .malformed(path: path, field: field, expected: expected, found: found)
        }
        let texts = try fields.strings("tokenizer.ggml.tokens")
        if let vocabularySize, texts.count != vocabularySize {
            throw malformed("tokenizer.ggml.tokens", "\(vocabularySize) tokens, one per row of the embedding", "\(texts.count) tokens")
        }
        guard texts.count > 0, texts.count <= Int32.max else { throw malformed("tokenizer.ggml.tokens", "at least one token", "\(texts.count)") }
        var tokens = TokenTable(capacity: texts.count)
        for id in 0..<texts.count where texts.withBytes(of: id, { tokens.insert($0, id: Int32(id)) }) != nil {
            throw malformed("tokenizer.ggml.tokens[\(id)]", "a token of its own", "\"\(texts[id].text)\", which is there twice")
        }
        var addedTokens: [Vocabulary.AddedToken] = []
        if let types = try fields.optionalIntegers("tokenizer.ggml.token_type") {
            guard types.count == texts.count else {
                throw malformed("tokenizer.ggml.token_type", "\(texts.count) types, one per token", "\(types.count) types")
            }
            // llama.cpp's kinds: 2 is unknown, 3 marks structure, 4 was added by a user.
            for (id, type) in types.enumerated() where (2...4).contains(type) {
                let content = texts[id]
                guard !content.bytes.isEmpty else { throw malformed("tokenizer.ggml.tokens[\(id)]", "some text", "empty") }
                addedTokens.append(
                    Vocabulary.AddedToken(id: Int32(id), content: content, isSpecial: type != 4, isNormalized: false))
            }
        }
        self.tokens = tokens
        self.addedTokens = addedTokens
    }

    /// Kind `gpt2`.
    func byteLevel() throws(ModelFileError) -> Vocabulary {
        let name = try fields.string("tokenizer.ggml.pre")
        let known: [String: PreTokenizer] = [
            "gpt-2": .gpt2, "smollm": .smollm2, "llama-bpe": .llama3, "llama3": .llama3, "llama-v3": .llama3, "qwen2": .qwen2,
        ]
        guard let preTokenizer = known[name] else {
            throw .unsupported(
                path: path, field: "tokenizer.ggml.pre", supported: known.keys.sorted().joined(separator: ", "), found: "\"\(name)\"")
        }
        let list = try fields.strings("tokenizer.ggml.merges")
        var merges = MergeBuilder(tokens, capacity: list.count, path: path)
        for rank in 0..<list.count {
            let range = list.range(rank)
            guard let blank = list.bytes[range].firstIndex(of: UInt8(ascii: " ")), !list.bytes[blank + 1..<range.upperBound].contains(UInt8(ascii: " "))
            else {
                throw .malformed(
                    path: path, field: "tokenizer.ggml.merges[\(rank)]", expected: "two tokens with a blank between",
                    found: "\"\(list[rank].text)\"")
            }
            try merges.append(list.bytes[range.lowerBound..<blank], list.bytes[(blank + 1)..<range.upperBound])
        }
        // The file does not say so, but Qwen2's tokenizer composes.
        let vocabulary = Vocabulary(
            tokens: tokens, merges: merges.merges, addedTokens: addedTokens, normalization: preTokenizer == .qwen2 ? [.compose] : [],
            preTokenizer: preTokenizer, spelling: .bytes, decoding: .bytes, ignoresMerges: preTokenizer == .llama3)
        return try surrounded(vocabulary, addsBegin: preTokenizer == .llama3)
    }

    /// Kind `llama`: SentencePiece's BPE, whose scores say what is merged first.
    func sentencePiece() throws(ModelFileError) -> Vocabulary {
        let scores = try fields.numbers("tokenizer.ggml.scores")
        guard scores.count == tokens.count else {
            throw .malformed(
                path: path, field: "tokenizer.ggml.scores", expected: "\(tokens.count) scores, one per token", found: "\(scores.count)")
        }
        for (id, score) in scores.enumerated() {
            guard !score.isNaN else {
                throw .malformed(path: path, field: "tokenizer.ggml.scores[\(id)]", expected: "a number", found: "NaN")
            }
            let length = tokens.withSpelling(of: Int32(id), \.count) ?? 0
            guard length <= ScoredMerges.maximumTokenBytes else {
                throw .unsupported(
                    path: path, field: "tokenizer.ggml.tokens[\(id)]", supported: "tokens of at most \(ScoredMerges.maximumTokenBytes) bytes",
                    found: "\(length) bytes long")
            }
        }
        let addsBlank = try fields.optionalBoolean("tokenizer.ggml.add_space_prefix") ?? true
        let scored = ScoredMerges(tokens, scores: scores)
        var vocabulary = Vocabulary(
            tokens: tokens, strays: scored.strays, merges: scored.merges, addedTokens: addedTokens,
            normalization: (addsBlank ? [.prepend(BlankMark.text)] : []) + [.replace(" ", with: BlankMark.text)], preTokenizer: .whole,
            spelling: .characters(fallback: true), decoding: .characters(unmarks: true, fallback: true, stripped: addsBlank ? 1 : 0),
            fusesUnknown: true)
        let unknown = try fields.optionalToken("tokenizer.ggml.unknown_token_id") ?? 0
        vocabulary.unknownToken = tokens.has(unknown) ? unknown : nil
        return try surrounded(vocabulary, addsBegin: true)
    }

    /// With the begin and end tokens that the file, or else the kind, asks for.
    private func surrounded(_ vocabulary: Vocabulary, addsBegin: Bool) throws(ModelFileError) -> Vocabulary {
        var vocabulary = vocabulary
        func token(_ key: String, or fallback: Int32?) throws(ModelFileError) -> [Int32] {
            guard let id = try fields.optionalToken(key) ?? fallback else { return [] }
            guard tokens.has(id) else {
                throw .malformed(path: path, field: key, expected: "an id from 0 to \(tokens.idLimit - 1)", found: "\(id)")
            }
            return [id]
        }
        let isScored = vocabulary.spelling != .bytes
        if try fields.optionalBoolean("tokenizer.ggml.add_bos_token") ?? addsBegin {
            vocabulary.prefix = try token("tokenizer.ggml.bos_token_id", or: isScored ? 1 : nil)
        }
        if try fields.optionalBoolean("tokenizer.ggml.add_eos_token") ?? false {
            vocabulary.suffix = try token("tokenizer.ggml.eos_token_id", or: isScored ? 2 : nil)
        }
        return vocabulary
    }
}
