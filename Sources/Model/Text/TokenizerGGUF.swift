extension Tokenizer {
    /// The tokenizer in a GGUF file's metadata: kind `gpt2`, with a pre-tokenizer whose pattern is known.
    ///
    /// `vocabularySize` is the number of rows of the embedding, which has to be that of the tokens; nil when there is none.
    convenience init(gguf fields: GGUFFields, vocabularySize: Int? = nil) throws(ModelFileError) {
        let path = fields.file.path
        func malformed(_ field: String, _ expected: String, _ found: String) -> ModelFileError {
            .malformed(path: path, field: field, expected: expected, found: found)
        }
        let kind = try fields.string("tokenizer.ggml.model")
        guard kind == "gpt2" else {
            throw .unsupported(path: path, field: "tokenizer.ggml.model", supported: "gpt2 (byte-level BPE)", found: "\"\(kind)\"")
        }
        let name = try fields.string("tokenizer.ggml.pre")
        let known: [String: PreTokenizer] = [
            "gpt-2": .gpt2, "smollm": .smollm2, "llama-bpe": .llama3, "llama3": .llama3, "llama-v3": .llama3, "qwen2": .qwen2,
        ]
        guard let preTokenizer = known[name] else {
            throw .unsupported(
                path: path, field: "tokenizer.ggml.pre", supported: known.keys.sorted().joined(separator: ", "), found: "\"\(name)\"")
        }
        let tokens = try fields.strings("tokenizer.ggml.tokens")
        if let vocabularySize, tokens.count != vocabularySize {
            throw malformed("tokenizer.ggml.tokens", "\(vocabularySize) tokens, one per row of the embedding", "\(tokens.count) tokens")
        }
        var merges: [(left: ByteString, right: ByteString)] = []
        for (rank, merge) in try fields.strings("tokenizer.ggml.merges").enumerated() {
            let parts = merge.bytes.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw malformed("tokenizer.ggml.merges[\(rank)]", "two tokens with a blank between", "\"\(merge.text)\"") }
            merges.append((ByteString(Array(parts[0])), ByteString(Array(parts[1]))))
        }
        var addedTokens: [Vocabulary.AddedToken] = []
        if let types = try fields.optionalIntegers("tokenizer.ggml.token_type") {
            guard types.count == tokens.count else {
                throw malformed("tokenizer.ggml.token_type", "\(tokens.count) types, one per token", "\(types.count) types")
            }
            // llama.cpp's kinds: 3 marks structure, 4 was added by a user.
            for (id, type) in types.enumerated() where type == 3 || type == 4 {
                guard !tokens[id].bytes.isEmpty else { throw malformed("tokenizer.ggml.tokens[\(id)]", "some text", "empty") }
                addedTokens.append(
                    Vocabulary.AddedToken(id: Int32(id), content: tokens[id], isSpecial: type == 3, isNormalized: false))
            }
        }
        let beginToken = try fields.optionalToken("tokenizer.ggml.bos_token_id")
        let endToken = try fields.optionalToken("tokenizer.ggml.eos_token_id")
        let addsBegin = try fields.optionalBoolean("tokenizer.ggml.add_bos_token") ?? (preTokenizer == .llama3)
        let addsEnd = try fields.optionalBoolean("tokenizer.ggml.add_eos_token") ?? false
        try self.init(
            Vocabulary(
                tokens: tokens, merges: merges, addedTokens: addedTokens, preTokenizer: preTokenizer,
                // The file does not say so, but Qwen2's tokenizer composes.
                composes: preTokenizer == .qwen2, ignoresMerges: preTokenizer == .llama3, unknownToken: nil, fusesUnknown: false,
                prefix: addsBegin ? beginToken.map { [$0] } ?? [] : [], suffix: addsEnd ? endToken.map { [$0] } ?? [] : []),
            path: path)
    }
}
