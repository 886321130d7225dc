extension Tokenizer {
    /// Loads a tokenizer.json of the byte-level BPE kind, and refuses whatever would give other ids.
    package static func load(json path: String) throws(ModelFileError) -> Tokenizer {
        let file = try MappedFile(path)
        let fields = try JSONFields(JSONParser.parse(file.bytes, path: path), path: path)
        return try Tokenizer(Vocabulary(fields), path: path, originalJSON: Array(file.bytes))
    }
}

extension Vocabulary {
    /// Reads the parts of a tokenizer.json.
    fileprivate init(_ fields: JSONFields) throws(ModelFileError) {
        let model = try fields.required("model", JSONFields.object)
        try Vocabulary.requireKnown(model)
        (preTokenizer, composes) = (try Vocabulary.preTokenizer(fields), try Vocabulary.composes(fields))
        try Vocabulary.requireByteLevelDecoder(fields)
        ignoresMerges = try model.boolean("ignore_merges") ?? false
        unknownToken = try model.bytes("unk_token")
        fusesUnknown = try model.boolean("fuse_unk") ?? false
        merges = try Vocabulary.merges(model)
        addedTokens = try Vocabulary.addedTokens(fields)
        tokens = try Vocabulary.tokens(model, adding: addedTokens)
        (prefix, suffix) = try Vocabulary.surroundings(fields, idLimit: tokens.count)
    }

    private static func refusal(_ fields: JSONFields, _ key: String, _ supported: String, _ value: JSONValue) -> ModelFileError {
        .unsupported(path: fields.path, field: fields.prefix + key, supported: supported, found: value.summary)
    }

    private static func requireKnown(_ model: JSONFields) throws(ModelFileError) {
        let type = try model.required("type", JSONFields.string)
        guard type == "BPE" else { throw refusal(model, "type", "\"BPE\" (byte-level)", JSONValue(type)) }
        if let dropout = try model.number("dropout"), dropout != 0 { throw refusal(model, "dropout", "none", .number(dropout)) }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let affix = try model.string(key), !affix.isEmpty { throw refusal(model, key, "none", JSONValue(affix)) }
        }
        if try model.boolean("byte_fallback") ?? false {
            throw refusal(model, "byte_fallback", "false (byte-level tokenizers)", .boolean(true))
        }
    }

    // MARK: Vocabulary and merges

    private static func tokens(_ model: JSONFields, adding added: [AddedToken]) throws(ModelFileError) -> [ByteString?] {
        let vocabulary = try model.required("vocab", JSONFields.object)
        func malformed(_ field: String, _ expected: String, _ found: String) -> ModelFileError {
            .malformed(path: model.path, field: field, expected: expected, found: found)
        }
        guard !vocabulary.members.isEmpty else { throw malformed("model.vocab", "at least one token", "empty") }
        // Ids may leave gaps, but not such that a table of them could not be made.
        let limit = 2 * (vocabulary.members.count + added.count) + 1024
        var tokens: [ByteString?] = []
        func place(_ token: ByteString, at id: Int) throws(ModelFileError) {
            guard id >= 0, id < limit else { throw malformed("the id of \"\(token.text)\"", "a number from 0 to \(limit - 1)", "\(id)") }
            while tokens.count <= id { tokens.append(nil) }
            if let other = tokens[id], other != token {
                throw malformed("the id of \"\(token.text)\"", "an id of its own", "\(id), which \"\(other.text)\" has too")
            }
            tokens[id] = token
        }
        for member in vocabulary.members {
            guard case .integer(let id) = member.value else {
                throw malformed("model.vocab.\(member.key.text)", "an integer", member.value.summary)
            }
            try place(member.key, at: id)
        }
        for token in added { try place(token.content, at: Int(token.id)) }
        return tokens
    }

    private static func merges(_ model: JSONFields) throws(ModelFileError) -> [(left: ByteString, right: ByteString)] {
        var merges: [(left: ByteString, right: ByteString)] = []
        for (rank, merge) in try model.required("merges", JSONFields.array).enumerated() {
            // Older files write "left right", newer ones ["left", "right"].
            switch merge {
            case .string(let text):
                let parts = text.bytes.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
                if parts.count == 2 {
                    merges.append((ByteString(Array(parts[0])), ByteString(Array(parts[1]))))
                    continue
                }
            case .array(let parts):
                if parts.count == 2, case .string(let left) = parts[0], case .string(let right) = parts[1] {
                    merges.append((left, right))
                    continue
                }
            default: break
            }
            throw .malformed(
                path: model.path, field: "model.merges[\(rank)]", expected: "two tokens, as \"left right\" or [\"left\", \"right\"]",
                found: merge.summary)
        }
        return merges
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
            for key in ["single_word", "lstrip", "rstrip"] where try item.boolean(key) ?? false {
                throw refusal(item, key, "false", .boolean(true))
            }
            tokens.append(
                AddedToken(
                    id: id, content: content, isSpecial: try item.boolean("special") ?? false,
                    isNormalized: try item.boolean("normalized") ?? true))
        }
        return tokens
    }

    // MARK: The steps around the model

    /// The steps of a "Sequence", or the one step; none when absent.
    private static func steps(_ fields: JSONFields, _ key: String, list: String) throws(ModelFileError) -> [JSONFields] {
        guard let step = try fields.object(key) else { return [] }
        guard try step.required("type", JSONFields.string) == "Sequence" else { return [step] }
        var steps: [JSONFields] = []
        for (index, element) in try step.required(list, JSONFields.array).enumerated() {
            steps.append(try JSONFields(element, path: fields.path, name: "\(key).\(list)[\(index)]"))
        }
        return steps
    }

    private static func composes(_ fields: JSONFields) throws(ModelFileError) -> Bool {
        let steps = try steps(fields, "normalizer", list: "normalizers")
        for step in steps {
            let type = try step.required("type", JSONFields.string)
            guard type == "NFC" else { throw refusal(step, "type", "\"NFC\"", JSONValue(type)) }
        }
        return !steps.isEmpty
    }

    private static func preTokenizer(_ fields: JSONFields) throws(ModelFileError) -> PreTokenizer {
        let supported = "the pre-tokenizers of GPT-2, SmolLM2, Llama 3 and Qwen2"
        let steps = try steps(fields, "pre_tokenizer", list: "pretokenizers")
        guard let last = steps.last, try last.string("type") == "ByteLevel" else {
            throw refusal(fields, "pre_tokenizer", supported, fields["pre_tokenizer"] ?? .null)
        }
        if try last.boolean("add_prefix_space") ?? true { throw refusal(last, "add_prefix_space", "false", .boolean(true)) }
        let usesPattern = try last.boolean("use_regex") ?? true
        if steps.count == 1 {
            guard usesPattern else { throw refusal(last, "use_regex", "true, when there is no other step", .boolean(false)) }
            return .gpt2
        }
        let first = steps[0]
        guard steps.count == 2 else { throw refusal(fields, "pre_tokenizer", supported, .array([])) }
        switch try first.required("type", JSONFields.string) {
        case "Digits":
            guard try first.boolean("individual_digits") ?? false, usesPattern else {
                throw refusal(first, "individual_digits", "true, followed by ByteLevel with use_regex", .boolean(usesPattern))
            }
            return .smollm2
        case "Split":
            let patterns: [String: PreTokenizer] = [
                PreTokenizer.gpt2Pattern: .gpt2, PreTokenizer.llama3Pattern: .llama3, PreTokenizer.qwen2Pattern: .qwen2,
            ]
            let pattern = try first.required("pattern", JSONFields.object).required("Regex", JSONFields.string)
            guard let known = patterns[pattern] else {
                throw refusal(first, "pattern.Regex", "the patterns of GPT-2, Llama 3 and Qwen2", JSONValue(pattern))
            }
            let behavior = try first.required("behavior", JSONFields.string)
            let isInverted = try first.boolean("invert") ?? false
            guard behavior == "Isolated", !isInverted, !usesPattern else {
                throw refusal(first, "behavior", "\"Isolated\", not inverted, followed by ByteLevel without use_regex", JSONValue(behavior))
            }
            return known
        case let type:
            throw refusal(first, "type", supported, JSONValue(type))
        }
    }

    private static func requireByteLevelDecoder(_ fields: JSONFields) throws(ModelFileError) {
        for step in try steps(fields, "decoder", list: "decoders") {
            let type = try step.required("type", JSONFields.string)
            guard type == "ByteLevel" else { throw refusal(step, "type", "\"ByteLevel\"", JSONValue(type)) }
        }
    }

    /// The tokens that the post-processor puts before and after one text.
    private static func surroundings(
        _ fields: JSONFields, idLimit: Int
    ) throws(ModelFileError) -> (prefix: [Int32], suffix: [Int32]) {
        var surroundings: (prefix: [Int32], suffix: [Int32]) = ([], [])
        for step in try steps(fields, "post_processor", list: "processors") {
            let type = try step.required("type", JSONFields.string)
            if type == "ByteLevel" { continue }
            guard type == "TemplateProcessing" else {
                throw refusal(step, "type", "\"ByteLevel\" and \"TemplateProcessing\"", JSONValue(type))
            }
            let definitions = try step.required("special_tokens", JSONFields.object)
            var isBefore = true
            for (index, element) in try step.required("single", JSONFields.array).enumerated() {
                let part = try JSONFields(element, path: fields.path, name: step.prefix + "single[\(index)]")
                guard let special = try part.object("SpecialToken") else {
                    isBefore = false
                    continue
                }
                let name = try special.required("id", JSONFields.string)
                let definition = try definitions.required(name, JSONFields.object)
                for element in try definition.required("ids", JSONFields.array) {
                    guard case .integer(let id) = element, id >= 0, id < idLimit else {
                        throw definition.mismatch("ids", expected: "ids of the vocabulary", element)
                    }
                    if isBefore { surroundings.prefix.append(Int32(id)) } else { surroundings.suffix.append(Int32(id)) }
                }
            }
        }
        return surroundings
    }
}
