/// A whole model in Hugging Face's layout, with weights in bfloat16.
package enum ModelFolder {
    /// Writes config.json, model.safetensors, generation_config.json and, when given, the tokenizer's files.
    ///
    /// `tensors` are all those of `configuration.tensorShapes`, as the bits of bfloat16 numbers. `tokenizerJSON` is the
    /// content of a tokenizer.json (`Tokenizer.json`). Throws when the disk refuses, or
    /// config.json has no words for the model (`requireWritable`).
    package static func write(
        _ path: String, configuration: TransformerConfiguration,
        tensors: [(name: String, shape: [Int], bits: [UInt16])], tokenizerJSON: [UInt8]? = nil, tokenizer: Tokenizer? = nil,
        chatTemplate: String? = nil
    ) throws(ModelFileError) {
        let expected = configuration.tensorShapes
        precondition(
            expected.count == tensors.count && Set(expected.map(\.name)) == Set(tensors.map(\.name)),
            "export of \(tensors.count) tensors, where the configuration has \(expected.count)")
        try write(
            path, configuration: configuration, shapes: tensors.map { ($0.name, $0.shape) }, tokenizerJSON: tokenizerJSON,
            tokenizer: tokenizer, chatTemplate: chatTemplate
        ) { index, file in tensors[index].bits.withUnsafeBytes { file.write($0) } }
    }

    /// The same with tensors that are not in memory: `content` writes the bits of the one at an index.
    static func write(
        _ path: String, configuration: TransformerConfiguration, shapes: [(name: String, shape: [Int])], tokenizerJSON: [UInt8]?,
        tokenizer: Tokenizer?, chatTemplate: String?, content: (_ index: Int, SideFile) throws(ModelFileError) -> Void
    ) throws(ModelFileError) {
        try configuration.requireWritable(path: path)
        try SideFile.makeFolder(path)
        try SideFile.write(configuration.jsonObject().encoded(), to: "\(path)/config.json")
        try SideFile.write(configuration.generationObject().encoded(), to: "\(path)/generation_config.json")
        try SafetensorsWriter.write(
            shapes.map { ($0.name, $0.shape, .bfloat16) }, metadata: ["format": "pt"],
            to: "\(path)/\(SafetensorsCheckpoint.fileName)", content: content)
        guard let json = tokenizerJSON ?? tokenizer?.json else { return }
        try SideFile.write(json, to: "\(path)/tokenizer.json")
        try SideFile.write(
            tokenizerSettings(configuration, tokenizer: tokenizer, chatTemplate: chatTemplate).encoded(),
            to: "\(path)/tokenizer_config.json")
    }

    /// The same with the bfloat16 tensors of a file, such as a checkpoint's, which are copied.
    package static func write(
        _ path: String, configuration: TransformerConfiguration, weights: SafetensorsFile, tokenizerJSON: [UInt8]? = nil,
        tokenizer: Tokenizer? = nil, chatTemplate: String? = nil
    ) throws(ModelFileError) {
        let shapes = configuration.tensorShapes
        for (name, shape) in shapes {
            guard let entry = weights.entry(name) else {
                throw .missing(path: weights.path, field: "tensor \(name)", advice: "the weights do not fit the configuration")
            }
            guard entry.shape == shape else { throw .shape(path: weights.path, tensor: name, expected: shape, found: entry.shape) }
            guard entry.type == .bfloat16 else {
                throw .unsupported(path: weights.path, field: "dtype of \(name)", supported: "BF16", found: entry.type.rawValue)
            }
        }
        try write(
            path, configuration: configuration, shapes: shapes, tokenizerJSON: tokenizerJSON, tokenizer: tokenizer,
            chatTemplate: chatTemplate
        ) { index, file in weights.withBytes(of: shapes[index].name) { file.write($0) } }
    }

    /// What lies beside the weights in a folder of Hugging Face's: settings, tokenizer, chat template, and the terms of use.
    private static let companions = [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json",
        "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json", "LICENSE", "LICENSE.txt",
        "LICENSE.md", "NOTICE", "NOTICE.txt", "USE_POLICY.md",
    ]

    /// Copies those that are there, byte for byte.
    static func copyCompanions(from folder: String, to path: String) throws(ModelFileError) {
        for name in companions where MappedFile.exists("\(folder)/\(name)") {
            try SideFile.copy("\(folder)/\(name)", to: "\(path)/\(name)")
        }
    }

    private static func tokenizerSettings(
        _ configuration: TransformerConfiguration, tokenizer: Tokenizer?, chatTemplate: String?
    ) -> JSONValue {
        func token(_ id: Int32?) -> JSONValue {
            guard let id, let text = tokenizer?.decode([id]), !text.isEmpty else { return .null }
            return JSONValue(text)
        }
        var members = [
            JSONMember("tokenizer_class", JSONValue("PreTrainedTokenizerFast")),
            JSONMember("clean_up_tokenization_spaces", .boolean(false)),
            JSONMember("model_max_length", .integer(configuration.contextLength)),
            JSONMember("bos_token", token(configuration.beginToken)),
            JSONMember("eos_token", token(configuration.endTokens.first)),
            JSONMember("pad_token", token(configuration.endTokens.first)),
        ]
        if let chatTemplate { members.append(JSONMember("chat_template", JSONValue(chatTemplate))) }
        return .object(members)
    }
}
