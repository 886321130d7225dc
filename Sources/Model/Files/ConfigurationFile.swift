/// Hugging Face's config.json and generation_config.json, read and written.
///
/// What is done with each key is in `KeyTable.configuration`.
enum ConfigurationFile {
    /// Reads `config.json` of a folder and, when there is one, `generation_config.json`.
    ///
    /// `notes` gets what people should know of the file.
    static func read(folder: String, notes: inout [String]) throws(ModelFileError) -> TransformerConfiguration {
        let path = "\(folder)/config.json"
        guard MappedFile.exists(path) else {
            throw .missing(path: folder, field: "config.json", advice: "name a folder in Hugging Face's layout, or a .gguf file")
        }
        let fields = try JSONFields(file: path, table: .configuration)
        let modelType = try fields.required("model_type", JSONFields.string)
        guard modelType == "llama" || modelType == "qwen2" else {
            throw .unsupported(path: path, field: "model_type", supported: "llama, qwen2", found: "\"\(modelType)\"")
        }
        try fields.checkKeys()
        try refuseUnsupported(fields, modelType: modelType)

        let hiddenSize = try fields.required("hidden_size", JSONFields.integer)
        let headCount = try fields.required("num_attention_heads", JSONFields.integer)
        let headSize: Int
        if let given = try fields.integer("head_dim") {
            headSize = given
        } else if headCount > 0, hiddenSize % headCount == 0 {
            headSize = hiddenSize / headCount
        } else {
            throw .malformed(
                path: path, field: "hidden_size", expected: "a multiple of num_attention_heads (\(headCount)), as head_dim is not given",
                found: "\(hiddenSize)")
        }
        let contextLength = try fields.integer("max_position_embeddings") ?? (modelType == "qwen2" ? 32768 : 2048)
        // transformers' defaults; null is as many as there are heads.
        let keyValueHeads = modelType == "qwen2" && !fields.isNull("num_key_value_heads") ? 32 : headCount
        let attentionBias = try fields.boolean("attention_bias") ?? false
        var configuration = TransformerConfiguration(
            hiddenSize: hiddenSize,
            intermediateSize: try fields.required("intermediate_size", JSONFields.integer),
            layerCount: try fields.required("num_hidden_layers", JSONFields.integer),
            headCount: headCount,
            keyValueHeadCount: try fields.integer("num_key_value_heads") ?? keyValueHeads,
            headSize: headSize,
            vocabularySize: try fields.required("vocab_size", JSONFields.integer),
            contextLength: contextLength,
            normEpsilon: Float(try fields.number("rms_norm_eps") ?? 1e-6),
            rope: try ConfigurationRotary.read(fields, contextLength: contextLength, notes: &notes),
            tiedEmbeddings: try fields.boolean("tie_word_embeddings") ?? false,
            queryKeyValueBias: modelType == "qwen2" || attentionBias,
            outputBias: modelType == "llama" && attentionBias,
            mlpBias: try fields.boolean("mlp_bias") ?? false,
            beginToken: try fields.token("bos_token_id"),
            endTokens: try fields.tokens("eos_token_id"),
            modelType: modelType)

        try refuseWindow(fields, configuration)
        // Either file may name ends that the other lacks; those of generation_config.json are what generation uses.
        let generationPath = "\(folder)/generation_config.json"
        if MappedFile.exists(generationPath) {
            let generation = try JSONFields(file: generationPath)
            let endTokens = try generation.tokens("eos_token_id")
            configuration.endTokens = endTokens + configuration.endTokens.filter { !endTokens.contains($0) }
            if let beginToken = try generation.token("bos_token_id") { configuration.beginToken = beginToken }
        }
        if let problem = configuration.problems().first {
            throw .malformed(path: path, field: "the configuration", expected: "consistent sizes", found: "inconsistent: \(problem)")
        }
        return configuration
    }

    private static func refuseUnsupported(_ fields: JSONFields, modelType: String) throws(ModelFileError) {
        func refuse(_ field: String, _ supported: String, _ value: JSONValue) -> ModelFileError {
            .unsupported(path: fields.path, field: field, supported: supported, found: value.summary)
        }
        if let activation = fields["hidden_act"], activation != JSONValue("silu"), activation != JSONValue("swish") {
            throw refuse("hidden_act", "\"silu\"", activation)
        }
        for type in try fields.array("layer_types") ?? [] where type != JSONValue("full_attention") {
            throw refuse("layer_types", "\"full_attention\" for every layer", type)
        }
        if modelType == "qwen2", try fields.boolean("mlp_bias") ?? false {
            throw refuse("mlp_bias", "false for qwen2", .boolean(true))
        }
    }

    /// Throws if a layer sees only the last tokens of the context.
    private static func refuseWindow(_ fields: JSONFields, _ configuration: TransformerConfiguration) throws(ModelFileError) {
        let isQwen2 = configuration.modelType == "qwen2"
        let isUsed = try fields.boolean("use_sliding_window") ?? !isQwen2
        // Qwen2's defaults are transformers'; null is no window.
        let window = try fields.integer("sliding_window") ?? (isQwen2 && !fields.isNull("sliding_window") ? 4096 : nil)
        let firstLayer = try fields.integer("max_window_layers") ?? 28
        let isEverywhereFull = try fields.array("layer_types") != nil || isQwen2 && firstLayer >= configuration.layerCount
        guard isUsed, let window, window < configuration.contextLength, !isEverywhereFull else { return }
        throw .unsupported(
            path: fields.path, field: "sliding_window",
            supported: "null, or use_sliding_window false if the model was trained without a window", found: "\(window)")
    }
}

extension JSONFields {
    /// Whether the member is there and null; reading alone does not tell it from an absent one.
    fileprivate func isNull(_ key: String) -> Bool { members.contains { $0.key == ByteString(key) && $0.value == .null } }

    fileprivate func token(_ key: String) throws(ModelFileError) -> Int32? { try tokens(key).first }

    /// A token id or a list of them; none when null or absent.
    fileprivate func tokens(_ key: String) throws(ModelFileError) -> [Int32] {
        guard let value = self[key] else { return [] }
        let elements = if case .array(let elements) = value { elements } else { [value] }
        var tokens: [Int32] = []
        for element in elements {
            guard case .integer(let integer) = element, let token = Int32(exactly: integer) else {
                throw mismatch(key, expected: "a token id or a list of them", element)
            }
            if !tokens.contains(token) { tokens.append(token) }
        }
        return tokens
    }
}

// MARK: - Writing

extension TransformerConfiguration {
    /// Throws if config.json has no words for the model, which then cannot be written as a folder; `path` is where it was read.
    package func requireWritable(path: String) throws(ModelFileError) {
        guard rope.divisors.isEmpty, rope.attentionFactor == 1 else {
            throw .unsupported(
                path: path, field: "the rotary embedding",
                supported: "that of Llama 3.1 or a linear one when all weights are trained; train an adapter",
                found: rope.divisors.isEmpty
                    ? "scaled by an attn_factor of \(rope.attentionFactor), which config.json cannot say"
                    : "scaled by the divisors of \(GGUFRotary.divisorsName), which config.json cannot say")
        }
    }

    /// config.json in the spelling that every version of transformers reads; weights are said to be bfloat16.
    func jsonObject() -> JSONValue {
        var members = [
            JSONMember("architectures", .array([JSONValue(modelType == "qwen2" ? "Qwen2ForCausalLM" : "LlamaForCausalLM")])),
            JSONMember("model_type", JSONValue(modelType)),
            JSONMember("hidden_act", JSONValue("silu")),
            JSONMember("hidden_size", .integer(hiddenSize)),
            JSONMember("intermediate_size", .integer(intermediateSize)),
            JSONMember("num_hidden_layers", .integer(layerCount)),
            JSONMember("num_attention_heads", .integer(headCount)),
            JSONMember("num_key_value_heads", .integer(keyValueHeadCount)),
            JSONMember("head_dim", .integer(headSize)),
            JSONMember("vocab_size", .integer(vocabularySize)),
            JSONMember("max_position_embeddings", .integer(contextLength)),
            // The shortest decimal that is this Float: 1e-05, not 9.999999747378752e-06.
            JSONMember("rms_norm_eps", .number(Double(normEpsilon.description) ?? Double(normEpsilon))),
            JSONMember("rope_theta", .number(rope.theta)),
            JSONMember("tie_word_embeddings", .boolean(tiedEmbeddings)),
            JSONMember("attention_dropout", .number(0)),
            JSONMember("torch_dtype", JSONValue("bfloat16")),
        ]
        switch rope.scaling {
        case .none: break
        case .linear(let factor):
            members.append(
                JSONMember("rope_scaling", .object([JSONMember("rope_type", JSONValue("linear")), JSONMember("factor", .number(factor))])))
        case .llama3(let factor, let low, let high, let original):
            members.append(
                JSONMember(
                    "rope_scaling",
                    .object([
                        JSONMember("rope_type", JSONValue("llama3")),
                        JSONMember("factor", .number(factor)),
                        JSONMember("low_freq_factor", .number(low)),
                        JSONMember("high_freq_factor", .number(high)),
                        JSONMember("original_max_position_embeddings", .integer(original)),
                    ])))
        }
        if modelType == "llama" {
            members.append(JSONMember("attention_bias", .boolean(outputBias)))
            members.append(JSONMember("mlp_bias", .boolean(mlpBias)))
        }
        return .object(members + tokenMembers)
    }

    /// generation_config.json: the tokens that begin and end a text.
    func generationObject() -> JSONValue { .object(tokenMembers) }

    private var tokenMembers: [JSONMember] {
        let end: JSONValue =
            switch endTokens.count {
            case 0: .null
            case 1: .integer(Int(endTokens[0]))
            default: .array(endTokens.map { .integer(Int($0)) })
            }
        return [
            JSONMember("bos_token_id", beginToken.map { .integer(Int($0)) } ?? .null),
            JSONMember("eos_token_id", end),
        ]
    }
}
