extension Vocabulary {
    /// A tokenizer.json with these parts, for transformers and for this program.
    func jsonObject() -> JSONValue {
        func flags(_ pairs: [(ByteString, Bool)]) -> [JSONMember] { pairs.map { JSONMember($0.0, .boolean($0.1)) } }
        let added = addedTokens.sorted { $0.id < $1.id }.map { token in
            JSONValue.object(
                [JSONMember("id", .integer(Int(token.id))), JSONMember("content", .string(token.content))]
                    + flags([
                        ("single_word", false), ("lstrip", false), ("rstrip", false), ("normalized", token.isNormalized),
                        ("special", token.isSpecial),
                    ]))
        }
        // A vocabulary lists what merging can give; a GGUF file lists the added tokens in it too, which does no harm.
        let listed = tokens.enumerated().compactMap { id, token in token.map { JSONMember($0, .integer(id)) } }
        let model: [JSONMember] =
            [
                JSONMember("type", JSONValue("BPE")), JSONMember("dropout", .null),
                JSONMember("unk_token", unknownToken.map { .string($0) } ?? .null),
                JSONMember("continuing_subword_prefix", .null), JSONMember("end_of_word_suffix", .null),
            ]
            + flags([("fuse_unk", fusesUnknown), ("byte_fallback", false), ("ignore_merges", ignoresMerges)])
            + [
                JSONMember("vocab", .object(listed)),
                JSONMember("merges", .array(merges.map { .array([.string($0.left), .string($0.right)]) })),
            ]
        return .object([
            JSONMember("version", JSONValue("1.0")),
            JSONMember("truncation", .null),
            JSONMember("padding", .null),
            JSONMember("added_tokens", .array(added)),
            JSONMember("normalizer", composes ? .object([JSONMember("type", JSONValue("NFC"))]) : .null),
            JSONMember("pre_tokenizer", preTokenizer.jsonObject()),
            JSONMember("post_processor", postProcessor()),
            JSONMember("decoder", Vocabulary.byteLevel(usesPattern: true)),
            JSONMember("model", .object(model)),
        ])
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
        func name(_ id: Int32) -> JSONValue { .string(tokens[Int(id)] ?? "") }
        let single = prefix.map(special) + [sequence("A", 0)] + suffix.map(special)
        let definitions = Set(prefix + suffix).sorted().map { id in
            JSONMember(
                tokens[Int(id)] ?? "",
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

extension PreTokenizer {
    fileprivate func jsonObject() -> JSONValue {
        func sequence(_ first: [JSONMember], usesPattern: Bool) -> JSONValue {
            .object([
                JSONMember("type", JSONValue("Sequence")),
                JSONMember("pretokenizers", .array([.object(first), Vocabulary.byteLevel(usesPattern: usesPattern)])),
            ])
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
        case .llama3: return split(PreTokenizer.llama3Pattern)
        case .qwen2: return split(PreTokenizer.qwen2Pattern)
        }
    }
}
