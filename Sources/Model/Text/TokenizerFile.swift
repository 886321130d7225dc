extension Tokenizer {
    /// Loads a tokenizer.json of byte-pair encoding, spelled in bytes or in characters, and refuses whatever would give
    /// other ids.
    package static func load(json path: String) throws(ModelFileError) -> Tokenizer {
        let file = try MappedFile(path)
        return Tokenizer(try Vocabulary(TokenizerDocument(file, path: path)), original: file)
    }
}

extension Vocabulary {
    /// Reads the parts of a tokenizer.json.
    fileprivate init(_ document: TokenizerDocument) throws(ModelFileError) {
        let fields = document.fields
        let model = try fields.required("model", JSONFields.object)
        try Vocabulary.requireKnown(model)
        let steps = try TokenizerSteps(fields)
        let addedTokens = try Vocabulary.addedTokens(fields)
        let tokens = try Vocabulary.tokens(document, model, adding: addedTokens)
        let fallback = try model.boolean("byte_fallback") ?? false
        self.init(
            tokens: tokens, merges: try Vocabulary.merges(document, model, tokens), addedTokens: addedTokens,
            normalization: steps.normalization, preTokenizer: steps.preTokenizer,
            spelling: steps.isByteLevel ? .bytes : .characters(fallback: fallback), decoding: steps.decoding,
            ignoresMerges: try model.boolean("ignore_merges") ?? false, fusesUnknown: try model.boolean("fuse_unk") ?? false)
        if steps.isByteLevel, fallback, !PieceEncoder(self).knowsEveryByte {
            throw model.refusal("byte_fallback", "false, where byte-level spelling lacks tokens of bytes", .boolean(true))
        }
        if let unknown = try model.bytes("unk_token") {
            guard let id = tokens.id(of: unknown) else {
                throw model.mismatch("unk_token", expected: "a token of the vocabulary", .string(unknown))
            }
            unknownToken = id
        }
        (prefix, suffix) = try TokenizerSteps.surroundings(fields, idLimit: idLimit)
    }

    private static func requireKnown(_ model: JSONFields) throws(ModelFileError) {
        // Files of before 2020 do not say it.
        let type = try model.string("type") ?? "BPE"
        guard type == "BPE" else { throw model.refusal("type", "\"BPE\"", JSONValue(type)) }
        if let dropout = try model.number("dropout"), dropout != 0 { throw model.refusal("dropout", "none", .number(dropout)) }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let affix = try model.string(key), !affix.isEmpty { throw model.refusal(key, "none", JSONValue(affix)) }
        }
    }

    // MARK: Vocabulary and merges

    private static func tokens(
        _ document: TokenizerDocument, _ model: JSONFields, adding added: [AddedToken]
    ) throws(ModelFileError) -> TokenTable {
        guard let vocabulary = document.vocabulary else {
            guard let value = model["vocab"] else { throw model.missing("vocab") }
            throw model.mismatch("vocab", expected: "an object", value)
        }
        func malformed(_ field: String, _ expected: String, _ found: String) -> ModelFileError {
            .malformed(path: model.path, field: field, expected: expected, found: found)
        }
        let count = vocabulary.ids.count
        guard count > 0 else { throw malformed("model.vocab", "at least one token", "empty") }
        // Ids may leave gaps, but not such that a table of them could not be made.
        let limit = 2 * (count + added.count) + 1024
        func check(_ id: Int, _ token: ByteString) throws(ModelFileError) {
            guard id >= 0, id < limit else { throw malformed("the id of \"\(token.text)\"", "a number from 0 to \(limit - 1)", "\(id)") }
        }
        func check(_ conflict: TokenTable.Conflict?, _ id: Int, _ token: ByteString, _ tokens: TokenTable) throws(ModelFileError) {
            switch conflict {
            case nil: return
            case .id:
                let other = tokens[Int32(id)]?.text ?? ""
                throw malformed("the id of \"\(token.text)\"", "an id of its own", "\(id), which \"\(other)\" has too")
            case .spelling: throw malformed("the vocabulary", "tokens that differ", "with \"\(token.text)\" twice")
            }
        }
        var tokens = TokenTable(capacity: count)
        for (index, id) in vocabulary.ids.enumerated() {
            if id < 0 || id >= limit { try check(id, vocabulary.texts[index]) }
            if let conflict = vocabulary.texts.withBytes(of: index, { tokens.insert($0, id: Int32(id)) }) {
                try check(conflict, id, vocabulary.texts[index], tokens)
            }
        }
        // Added tokens are no symbols of the model, but share its ids.
        var all = added.isEmpty ? TokenTable() : tokens
        for token in added {
            try check(Int(token.id), token.content)
            try check(all.insert(token.content, id: token.id), Int(token.id), token.content, all)
        }
        return tokens
    }

    private static func merges(
        _ document: TokenizerDocument, _ model: JSONFields, _ tokens: TokenTable
    ) throws(ModelFileError) -> BytePairMerges {
        guard let list = document.merges else {
            guard let value = model["merges"] else { throw model.missing("merges") }
            throw model.mismatch("merges", expected: "an array", value)
        }
        var builder = MergeBuilder(tokens, capacity: list.count / 2, path: model.path)
        for index in stride(from: 0, to: list.count, by: 2) {
            try builder.append(list.bytes[list.range(index)], list.bytes[list.range(index + 1)])
        }
        return builder.merges
    }

    private static func addedTokens(_ fields: JSONFields) throws(ModelFileError) -> [AddedToken] {
        var tokens: [AddedToken] = []
        for (index, element) in (try fields.array("added_tokens") ?? []).enumerated() {
            let item = try JSONFields(element, path: fields.path, name: "added_tokens[\(index)]")
            let content = try item.required("content", JSONFields.bytes)
            let id = try item.required("id", JSONFields.integer)
            guard let id = Int32(exactly: id), !content.bytes.isEmpty else {
                throw .malformed(
                    path: fields.path, field: item.prefix + "content", expected: "some text and an id below 2^31",
                    found: "\"\(content.text)\" with id \(id)")
            }
            if try item.boolean("single_word") ?? false { throw item.refusal("single_word", "false", .boolean(true)) }
            tokens.append(
                AddedToken(
                    id: id, content: content, isSpecial: try item.boolean("special") ?? false,
                    isNormalized: try item.boolean("normalized") ?? true, stripsLeft: try item.boolean("lstrip") ?? false,
                    stripsRight: try item.boolean("rstrip") ?? false))
        }
        return tokens
    }
}

extension JSONFields {
    /// The file may be valid, but its `key` asks for something that this program does not do.
    func refusal(_ key: String, _ supported: String, _ value: JSONValue) -> ModelFileError {
        .unsupported(path: path, field: prefix + key, supported: supported, found: value.summary)
    }
}
