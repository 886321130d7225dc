/// A LoRA adapter as a GGUF file, as llama.cpp's `--lora` reads it and its convert_lora_to_gguf.py writes it.
///
/// llama.cpp scales the product of a place by α / rank, with the rank of that place and one α for all. The file's α is the usual
/// one of the adapter (with rsLoRA α · √rank, which makes α/√rank of it); where a place is scaled otherwise, what is missing is
/// multiplied into `lora_b`, in single precision: exact wherever it is a power of two.
package enum GGUFAdapter {
    /// Writes the adapter, in float32, for a model of these sizes.
    ///
    /// `matrices` has one element for every place of `configuration`. Throws when the disk refuses, or a scaled number is no longer finite.
    package static func write(
        _ path: String, configuration: AdapterConfiguration, matrices: [AdapterPlace: AdapterMatrices], model: TransformerConfiguration
    ) throws(ModelFileError) {
        let places = configuration.places(layerCount: model.layerCount)
        let alpha = fileAlpha(of: configuration)
        var (tensors, contents): ([GGUFWriter.Tensor], [[Float]]) = ([], [])
        for (place, strength) in places {
            guard let factors = matrices[place] else { preconditionFailure("the adapter has no matrices for \(place.path)") }
            let (outputs, inputs) = model.extents(of: place.kind), name = "\(place.path).weight", rank = strength.rank
            let scale = scale(of: strength, in: configuration, fileAlpha: alpha)
            let b = [Float](unsafeUninitializedCapacity: outputs * rank) { buffer, count in
                for row in 0..<outputs {
                    let stored = model.storedRow(row, of: name)
                    for k in 0..<rank {
                        let value = factors.b[row * rank + k]
                        buffer.initializeElement(at: stored * rank + k, to: scale == 1 ? value : value * scale)
                    }
                }
                count = outputs * rank
            }
            guard b.allSatisfy(\.isFinite) else {
                throw .malformed(
                    path: path, field: "\(place.names.b) times \(scale), which its rank and alpha ask for", expected: "finite numbers",
                    found: "too large for single precision")
            }
            let stored = GGUFModel.storedName(of: name)
            tensors.append(.init(name: "\(stored).lora_a", shape: [rank, inputs], format: .f32))
            tensors.append(.init(name: "\(stored).lora_b", shape: [outputs, rank], format: .f32))
            contents += [factors.a, b]
        }
        let metadata: [(name: String, value: GGUFWriter.Value)] = [
            ("general.architecture", .text(model.modelType)), ("general.type", .text("adapter")), ("general.file_type", .integer(0)),
            ("general.quantization_version", .integer(2)), ("adapter.type", .text("lora")), ("adapter.lora.alpha", .number(alpha)),
        ]
        var writer = try GGUFWriter(replacing: path, metadata: metadata, tensors: tensors)
        for values in contents { values.withUnsafeBytes { writer.write($0, isLast: true) } }
        try writer.finish()
    }

    /// The α of the file. Never 0, which llama.cpp takes for an α that is not given.
    static func fileAlpha(of configuration: AdapterConfiguration) -> Float {
        guard let usual = configuration.usualStrength, usual.alpha != 0 else { return 1 }
        return Float(alpha(of: usual, rankStabilised: configuration.rankStabilised))
    }

    /// What `lora_b` is multiplied with.
    static func scale(of strength: AdapterConfiguration.Strength, in configuration: AdapterConfiguration, fileAlpha: Float) -> Float {
        // The root is in the file's alpha already, rounded: dividing by it again would round every number for nothing.
        if strength == configuration.usualStrength, strength.alpha != 0 { return 1 }
        return Float(alpha(of: strength, rankStabilised: configuration.rankStabilised) / Double(fileAlpha))
    }

    /// The α that makes α / rank of a place's scaling.
    private static func alpha(of strength: AdapterConfiguration.Strength, rankStabilised: Bool) -> Double {
        Double(strength.alpha) * (rankStabilised ? Double(strength.rank).squareRoot() : 1)
    }
}

/// What an adapter in a GGUF file says of itself.
extension GGUFAdapter {
    package struct Overview: Sendable {
        /// Of the model that it is for, as "llama".
        package let architecture: String
        package let alpha: Float?
        /// Different, ascending.
        package let ranks: [Int]
        /// As the file spells them, sorted.
        package let types: [String]
        package let tensorCount, parameterCount: Int
    }

    /// - Returns: nil where the file at `path` is a GGUF file, but no adapter.
    package static func overview(_ path: String) throws(ModelFileError) -> Overview? {
        let file = try GGUFFile(path)
        // Not GGUFFields, which knows the keys of models.
        guard case .string("adapter") = file.metadata["general.type"] else { return nil }
        var (architecture, alpha) = ("", Float?.none)
        if case .string(let text) = file.metadata["general.architecture"] { architecture = text.text }
        if case .number(let number) = file.metadata["adapter.lora.alpha"] { alpha = Float(number) }
        let tensors = file.tensors.values
        return Overview(
            architecture: architecture, alpha: alpha,
            ranks: Set(tensors.filter { $0.name.hasSuffix(".lora_a") }.compactMap(\.shape.first)).sorted(),
            types: Set(tensors.map(\.format.name)).sorted(), tensorCount: tensors.count,
            parameterCount: tensors.reduce(0) { $0 + $1.shape.reduce(1, *) })
    }
}
