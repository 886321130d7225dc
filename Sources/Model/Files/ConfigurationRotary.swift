/// The rotary settings of config.json, resolved as transformers 5.23 does (`RotaryEmbeddingConfigMixin`).
enum ConfigurationRotary {
    /// - Parameters:
    ///   - contextLength: `max_position_embeddings`.
    ///   - notes: gets what people should know of settings that do nothing.
    static func read(
        _ fields: JSONFields, contextLength: Int, notes: inout [String]
    ) throws(ModelFileError) -> RotaryConfiguration {
        let theta = try fields.number("rope_theta")
        let original = try fields.integer("original_max_position_embeddings")
        let older = try fields.object("rope_scaling", table: .rope)
        let newer = try fields.object("rope_parameters", table: .rope)
        // The older object goes first, even without the θ that is in the newer one.
        let isOlder = older?.members.isEmpty == false
        guard let scaling = isOlder ? older : newer else { return RotaryConfiguration(theta: theta ?? 10000) }
        if isOlder, let newer, newer.members != scaling.members {
            notes.append("\(fields.path): rope_scaling is used instead of rope_parameters, which is there too, as transformers does")
        }
        try scaling.checkKeys()
        let ownTheta = try scaling.number("rope_theta")
        let type = try (scaling.string("rope_type"), scaling.string("type"))
        let kind = type.0 ?? type.1 ?? "default"
        var rotary = RotaryConfiguration(theta: ownTheta ?? theta ?? 10000)
        switch kind {
        case "default": break
        case "linear":
            rotary.scaling = .linear(factor: try scaling.required("factor", JSONFields.number))
        case "llama3":
            let ownOriginal = try scaling.integer("original_max_position_embeddings")
            rotary.scaling = .llama3(
                factor: try scaling.required("factor", JSONFields.number),
                lowFrequencyFactor: try scaling.required("low_freq_factor", JSONFields.number),
                highFrequencyFactor: try scaling.required("high_freq_factor", JSONFields.number),
                originalContextLength: original ?? ownOriginal ?? contextLength)
        default:
            throw .unsupported(
                path: fields.path, field: scaling.prefix + (type.0 == nil ? "type" : "rope_type"), supported: "default, linear, llama3",
                found: "\"\(kind)\"")
        }
        let idle = (kind == "default" ? ["factor"] : []) + ["attention_factor", "attn_factor"]
        for member in scaling.members where member.value != .null && idle.contains(member.key.text) {
            notes.append(
                "\(fields.path): \(scaling.prefix)\(member.key.text) does nothing with rotary type \(kind), as in transformers")
        }
        return rotary
    }
}
