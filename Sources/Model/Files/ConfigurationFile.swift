/// Hugging Face's config.json and generation_config.json, read and written.
///
/// Both spellings of the rotary settings are read: `rope_theta` with `rope_scaling`, and the newer `rope_parameters`.
enum ConfigurationFile {
    /// Reads `config.json` of a folder and, when there is one, `generation_config.json`.
    static func read(folder: String) throws(ModelFileError) -> TransformerConfiguration {
        let path = "\(folder)/config.json"
        guard MappedFile.exists(path) else {
            throw .missing(path: folder, field: "config.json", advice: "name a folder in Hugging Face's layout, or a .gguf file")
        }
        let fields = try JSONFields(file: path)
        let modelType = try fields.required("model_type", JSONFields.string)
        guard modelType == "llama" || modelType == "qwen2" else {
            throw .unsupported(path: path, field: "model_type", supported: "llama, qwen2", found: "\"\(modelType)\"")
        }
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
        let attentionBias = try fields.boolean("attention_bias") ?? false
        var configuration = TransformerConfiguration(
            hiddenSize: hiddenSize,
            intermediateSize: try fields.required("intermediate_size", JSONFields.integer),
            layerCount: try fields.required("num_hidden_layers", JSONFields.integer),
            headCount: headCount,
            keyValueHeadCount: try fields.integer("num_key_value_heads") ?? headCount,
            headSize: headSize,
            vocabularySize: try fields.required("vocab_size", JSONFields.integer),
            contextLength: try fields.integer("max_position_embeddings") ?? 2048,
            normEpsilon: Float(try fields.number("rms_norm_eps") ?? 1e-6),
            rope: try rotary(fields),
            tiedEmbeddings: try fields.boolean("tie_word_embeddings") ?? false,
            queryKeyValueBias: modelType == "qwen2" || attentionBias,
            outputBias: modelType == "llama" && attentionBias,
            mlpBias: try fields.boolean("mlp_bias") ?? false,
            beginToken: try fields.token("bos_token_id"),
            endTokens: try fields.tokens("eos_token_id"),
            modelType: modelType)

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
        if let activation = fields["hidden_act"], activation != JSONValue("silu") {
            throw refuse("hidden_act", "\"silu\"", activation)
        }
        if let quantization = fields["quantization_config"] {
            throw refuse("quantization_config", "unquantised weights, or a .gguf file", quantization)
        }
        if let factor = try fields.number("partial_rotary_factor"), factor != 1 {
            throw refuse("partial_rotary_factor", "1", .number(factor))
        }
        if try fields.boolean("use_sliding_window") ?? false {
            throw refuse("use_sliding_window", "false", .boolean(true))
        }
        for type in try fields.array("layer_types") ?? [] where type != JSONValue("full_attention") {
            throw refuse("layer_types", "\"full_attention\" for every layer", type)
        }
        if modelType == "qwen2", try fields.boolean("mlp_bias") ?? false {
            throw refuse("mlp_bias", "false for qwen2", .boolean(true))
        }
    }

    private static func rotary(_ fields: JSONFields) throws(ModelFileError) -> RotaryConfiguration {
        let newer = try fields.object("rope_parameters")
        let older = try fields.object("rope_scaling")
        let (newerTheta, olderTheta) = (try newer?.number("rope_theta"), try fields.number("rope_theta"))
        var rotary = RotaryConfiguration(theta: newerTheta ?? olderTheta ?? 10000)
        guard let scaling = newer ?? older else { return rotary }
        if let factor = try scaling.number("partial_rotary_factor"), factor != 1 {
            throw .unsupported(
                path: fields.path, field: scaling.prefix + "partial_rotary_factor", supported: "1", found: "\(factor)")
        }
        let (newerType, olderType) = (try scaling.string("rope_type"), try scaling.string("type"))
        switch newerType ?? olderType ?? "default" {
        case "default":
            rotary.scaling = .none
        case "linear":
            rotary.scaling = .linear(factor: try scaling.required("factor", JSONFields.number))
        case "llama3":
            rotary.scaling = .llama3(
                factor: try scaling.required("factor", JSONFields.number),
                lowFrequencyFactor: try scaling.required("low_freq_factor", JSONFields.number),
                highFrequencyFactor: try scaling.required("high_freq_factor", JSONFields.number),
                originalContextLength: try scaling.required("original_max_position_embeddings", JSONFields.integer))
        case let other:
            throw .unsupported(
                path: fields.path, field: scaling.prefix + "rope_type", supported: "default, linear, llama3", found: "\"\(other)\"")
        }
        return rotary
    }
}

extension JSONFields {
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
