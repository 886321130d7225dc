/// The rotary settings of a GGUF file, resolved as llama.cpp does.
enum GGUFRotary {
    /// Divisors of the frequencies, one per rotary pair: how llama.cpp's converter stores the scaling of Llama 3.1.
    static let divisorsName = "rope_freqs.weight"

    /// - Parameter prefix: the architecture's, for example "llama.".
    static func read(_ fields: GGUFFields, prefix: String, headSize: Int) throws(ModelFileError) -> RotaryConfiguration {
        var rotary = RotaryConfiguration(theta: try fields.optionalNumber(prefix + "rope.freq_base") ?? 10000)
        rotary.attentionFactor = try fields.optionalNumber(prefix + "rope.scaling.attn_factor") ?? 1
        // Without a type, a factor is linear; the old key counts when the new one is absent, and 0 means 1.
        let type = try fields.optionalString(prefix + "rope.scaling.type") ?? "linear"
        guard type == "linear" || type == "none" else {
            throw .unsupported(
                path: fields.file.path, field: prefix + "rope.scaling.type", supported: "none, linear", found: "\"\(type)\"")
        }
        let (factor, older) = try (
            fields.optionalNumber(prefix + "rope.scaling.factor"), fields.optionalNumber(prefix + "rope.scale_linear")
        )
        if type == "linear", let factor = factor ?? older, factor != 0, factor != 1 { rotary.scaling = .linear(factor: factor) }
        guard let tensor = fields.file.tensors[divisorsName] else { return rotary }
        guard headSize >= 2, tensor.shape == [headSize / 2] else {
            throw .shape(path: fields.file.path, tensor: divisorsName, expected: [headSize / 2], found: tensor.shape)
        }
        rotary.divisors = [Float](unsafeUninitializedCapacity: headSize / 2) { buffer, count in
            if let base = buffer.baseAddress { fields.file.readRow(0, of: tensor, into: base) }
            count = headSize / 2
        }
        return rotary.recognised(headSize: headSize)
    }
}

extension RotaryConfiguration {
    /// The same with `.llama3` instead of divisors, if they are those of Llama 3.1 or 3.2, so that it can be written to config.json.
    fileprivate func recognised(headSize: Int) -> RotaryConfiguration {
        guard scaling == .none else { return self }
        if divisors.allSatisfy({ $0 == 1 }) { return RotaryConfiguration(theta: theta, attentionFactor: attentionFactor) }
        for factor in [8.0, 32.0] {
            let known = RotaryConfiguration(
                theta: theta, scaling: .llama3(factor: factor, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 8192),
                attentionFactor: attentionFactor)
            let (plain, scaled) = (RotaryConfiguration(theta: theta).frequencies(headSize: headSize), known.frequencies(headSize: headSize))
            // The converter's arithmetic is single precision.
            let isKnown = zip(divisors, zip(plain, scaled)).allSatisfy { abs(Double($0) * $1.1 / $1.0 - 1) < 1e-6 }
            if isKnown { return known }
        }
        return self
    }
}
