extension Vocabulary {
    /// A tokenizer.json with these parts, for transformers and for this program.
    func jsonObject() -> JSONValue {
        func flags(_ pairs: [(ByteString, Bool)]) -> [JSONMember] { pairs.map { JSONMember($0.0, .boolean($0.1)) } }
        let added = addedTokens.sorted { $0.id < $1.id }.map { token in
            JSONValue.object(
                [JSONMember("id", .integer(Int(token.id))), JSONMember("content", .string(token.content))]
                    + flags([
                        ("single_word", false), ("lstrip", token.stripsLeft), ("rstrip", token.stripsRight), ("normalized", token.isNormalized),
                        ("special", token.isSpecial),
                    ]))
        }
        // What merging can give; a GGUF file lists the added tokens among it too, which does no harm.
        let listed = (0..<Int32(tokens.idLimit)).compactMap { id in tokens[id].map { JSONMember($0, .integer(Int(id))) } }
        var fallback = false
        if case .characters(let spellsBytes) = spelling { fallback = spellsBytes }
        // A merge of a character that is no token cannot be written down.
        let pairs = merges.inOrder.compactMap { merge -> JSONValue? in
            guard let left = tokens[merge.left], let right = tokens[merge.right] else { return nil }
            return .array([.string(left), .string(right)])
        }
        let model: [JSONMember] =
            [
                JSONMember("type", JSONValue("BPE")), JSONMember("dropout", .null),
                JSONMember("unk_token", unknownToken.flatMap { tokens[$0] }.map { .string($0) } ?? .null),
                JSONMember("continuing_subword_prefix", .null), JSONMember("end_of_word_suffix", .null),
            ]
            + flags([("fuse_unk", fusesUnknown), ("byte_fallback", fallback), ("ignore_merges", ignoresMerges)])
            + [JSONMember("vocab", .object(listed)), JSONMember("merges", .array(pairs))]
        return .object([
            JSONMember("version", JSONValue("1.0")),
            JSONMember("truncation", .null),
            JSONMember("padding", .null),
            JSONMember("added_tokens", .array(added)),
            JSONMember("normalizer", Vocabulary.sequence("normalizers", normalization.map { $0.jsonObject() })),
            JSONMember("pre_tokenizer", preTokenizer.jsonObject()),
            JSONMember("post_processor", postProcessor()),
            JSONMember("decoder", decoding.jsonObject()),
            JSONMember("model", .object(model)),
        ])
    }

    /// One step, or a "Sequence" of several; null for none.
    fileprivate static func sequence(_ list: ByteString, _ steps: [JSONValue]) -> JSONValue {
        guard steps.count > 1 else { return steps.first ?? .null }
        return .object([JSONMember("type", JSONValue("Sequence")), JSONMember(list, .array(steps))])
    }

    fileprivate static func byteLevel(usesPattern: Bool) -> JSONValue {
        .object([
            JSONMember("type", JSONValue("ByteLevel")), JSONMember("add_prefix_space", .boolean(false)),
            JSONMember("trim_offsets", .boolean(true)), JSONMember("use_regex", .boolean(usesPattern)),
        ])
    }

    private func postProcessor() -> JSONValue {
        if prefix.isEmpty && suffix.isEmpty { return .null }
        func special(_ id: Int32) -> JSONValue {
            .object([
                JSONMember("SpecialToken", .object([JSONMember("id", name(id)), JSONMember("type_id", .integer(0))]))
            ])
        }
        func sequence(_ name: String, _ type: Int) -> JSONValue {
            .object([
                JSONMember("Sequence", .object([JSONMember("id", JSONValue(name)), JSONMember("type_id", .integer(type))]))
            ])
        }
        func name(_ id: Int32) -> JSONValue { .string(tokens[id] ?? "") }
        let single = prefix.map(special) + [sequence("A", 0)] + suffix.map(special)
        let definitions = Set(prefix + suffix).sorted().map { id in
            JSONMember(
                tokens[id] ?? "",
                .object([
                    JSONMember("id", name(id)), JSONMember("ids", .array([.integer(Int(id))])),
                    JSONMember("tokens", .array([name(id)])),
                ]))
        }
        return .object([
            JSONMember("type", JSONValue("TemplateProcessing")),
            JSONMember("single", .array(single)),
            JSONMember("pair", .array(single + [sequence("B", 1)])),
            JSONMember("special_tokens", .object(definitions)),
        ])
    }
}

extension NormalizationStep {
    fileprivate func jsonObject() -> JSONValue {
        switch self {
        case .compose: .object([JSONMember("type", JSONValue("NFC"))])
        case .prepend(let text): .object([JSONMember("type", JSONValue("Prepend")), JSONMember("prepend", .string(text))])
        case .replace(let old, let new): Vocabulary.replacement(of: old, with: new)
        }
    }
}

extension Vocabulary {
    fileprivate static func replacement(of old: ByteString, with new: ByteString) -> JSONValue {
        .object([
            JSONMember("type", JSONValue("Replace")), JSONMember("pattern", .object([JSONMember("String", .string(old))])),
            JSONMember("content", .string(new)),
        ])
    }
}

extension Vocabulary.Decoding {
    fileprivate func jsonObject() -> JSONValue {
        guard case .characters(let unmarks, let fallback, let stripped) = self else { return Vocabulary.byteLevel(usesPattern: true) }
        func step(_ type: String) -> JSONValue { .object([JSONMember("type", JSONValue(type))]) }
        let strip = JSONValue.object([
            JSONMember("type", JSONValue("Strip")), JSONMember("content", JSONValue(" ")), JSONMember("start", .integer(stripped)),
            JSONMember("stop", .integer(0)),
        ])
        return Vocabulary.sequence(
            "decoders",
            (unmarks ? [Vocabulary.replacement(of: BlankMark.text, with: " ")] : []) + (fallback ? [step("ByteFallback")] : [])
                + [step("Fuse")] + (stripped > 0 ? [strip] : []))
    }
}

extension PreTokenizer {
    fileprivate func jsonObject() -> JSONValue {
        func sequence(_ first: [JSONMember], usesPattern: Bool) -> JSONValue {
            Vocabulary.sequence("pretokenizers", [.object(first), Vocabulary.byteLevel(usesPattern: usesPattern)])
        }
        func split(_ pattern: String) -> JSONValue {
            sequence(
                [
                    JSONMember("type", JSONValue("Split")),
                    JSONMember("pattern", .object([JSONMember("Regex", JSONValue(pattern))])),
                    JSONMember("behavior", JSONValue("Isolated")), JSONMember("invert", .boolean(false)),
                ], usesPattern: false)
        }
        switch self {
        case .gpt2: return Vocabulary.byteLevel(usesPattern: true)
        case .smollm2:
            return sequence(
                [JSONMember("type", JSONValue("Digits")), JSONMember("individual_digits", .boolean(true))], usesPattern: true)
        case .whole: return .null
        case .metaspace(let prepend, let cuts):
            return .object([
                JSONMember("type", JSONValue("Metaspace")), JSONMember("replacement", .string(BlankMark.text)),
                JSONMember("prepend_scheme", JSONValue(prepend.rawValue)), JSONMember("split", .boolean(cuts)),
            ])
        case .llama3: return split(PreTokenizer.llama3Pattern)
        case .qwen2: return split(PreTokenizer.qwen2Pattern)
        }
    }
}
