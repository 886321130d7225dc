/// The two factors of one adapted linear map, row-major: A [rank, inputs], B [outputs, rank].
package struct AdapterMatrices: Sendable, Equatable {
    package var a: [Float]
    package var b: [Float]

    package init(a: [Float], b: [Float]) {
        self.a = a
        self.b = b
    }
}

/// A LoRA adapter in PEFT's layout: `adapter_config.json` and `adapter_model.safetensors`.
package enum AdapterFolder {
    static let configurationName = "adapter_config.json"
    static let weightsName = "adapter_model.safetensors"

    /// Reads an adapter for a model of these sizes.
    ///
    /// Throws for every feature of PEFT that would change the result and is not followed here, for matrices that are
    /// missing, misshapen, not finite, or belong to nothing.
    package static func read(
        _ path: String, for model: TransformerConfiguration
    ) throws(ModelFileError) -> (configuration: AdapterConfiguration, matrices: [AdapterPlace: AdapterMatrices]) {
        let configurationPath = "\(path)/\(configurationName)"
        guard MappedFile.exists(configurationPath) else {
            throw .missing(path: path, field: configurationName, advice: "name a folder that PEFT or this program wrote")
        }
        let configuration = try readConfiguration(JSONFields(file: configurationPath), layerCount: model.layerCount)

        let file = try SafetensorsFile("\(path)/\(weightsName)")
        var matrices: [AdapterPlace: AdapterMatrices] = [:]
        var known = Set<String>()
        func read(_ name: String, _ shape: [Int]) throws(ModelFileError) -> [Float] {
            guard let found = file.shape(of: name) else {
                throw .missing(path: file.path, field: "tensor \(name)", advice: "\(configurationName) announces it")
            }
            guard found == shape else { throw .shape(path: file.path, tensor: name, expected: shape, found: found) }
            known.insert(name)
            return try file.read(name)
        }
        for (place, strength) in configuration.places(layerCount: model.layerCount) {
            let (outputs, inputs) = model.extents(of: place.kind)
            matrices[place] = AdapterMatrices(
                a: try read(place.names.a, [strength.rank, inputs]), b: try read(place.names.b, [outputs, strength.rank]))
        }
        if let stranger = file.names.first(where: { !known.contains($0) }) {
            throw .malformed(
                path: file.path, field: "tensor \(stranger)", expected: "a matrix that \(configurationName) announces for this model",
                found: "one that belongs to nothing")
        }
        return (configuration, matrices)
    }

    /// Reads what `adapter_config.json` says of a model with `layerCount` layers; throws for what is not followed here.
    static func readConfiguration(_ fields: JSONFields, layerCount: Int) throws(ModelFileError) -> AdapterConfiguration {
        let type = try fields.required("peft_type", JSONFields.string)
        guard type == "LORA" else {
            throw .unsupported(path: fields.path, field: "peft_type", supported: "\"LORA\"", found: "\"\(type)\"")
        }
        let table = KeyTable.adapterConfiguration
        for member in fields.members where table.entry(of: member.key.text) != nil || !isOff(member.value) {
            try table.check(member.key.text, member.value, path: fields.path)
        }
        let rankStabilised = try fields.boolean("use_rslora") ?? false
        let places = try AdapterTargets(fields).places(layerCount: layerCount)
        return AdapterConfiguration(places, layerCount: layerCount, rankStabilised: rankStabilised)
    }

    /// How a newer PEFT writes a feature that is not used.
    private static func isOff(_ value: JSONValue) -> Bool {
        [.boolean(false), .array([]), .object([]), JSONValue("")].contains(value)
    }

    /// Writes an adapter so that PEFT loads it onto `baseModel` (a path or a name on the hub), as float32.
    ///
    /// `matrices` has one element for every place of `configuration`. Throws when the disk refuses.
    package static func write(
        _ path: String, configuration: AdapterConfiguration, baseModel: String, model: TransformerConfiguration,
        matrices: [AdapterPlace: AdapterMatrices], metadata: [String: String] = [:]
    ) throws(ModelFileError) {
        try SideFile.makeFolder(path)
        var tensors: [SafetensorsWriter.Tensor] = []
        for (place, strength) in configuration.places(layerCount: model.layerCount) {
            guard let factors = matrices[place] else { preconditionFailure("the adapter has no matrices for \(place.path)") }
            let (outputs, inputs) = model.extents(of: place.kind)
            tensors.append(.init(name: place.names.a, shape: [strength.rank, inputs], values: .float32(factors.a)))
            tensors.append(.init(name: place.names.b, shape: [outputs, strength.rank], values: .float32(factors.b)))
        }
        try SafetensorsWriter.write(
            tensors, metadata: metadata.merging(["format": "pt"]) { _, format in format }, to: "\(path)/\(weightsName)")
        try SideFile.write(
            json(configuration, baseModel: baseModel, layerCount: model.layerCount).encoded(), to: "\(path)/\(configurationName)")
    }

    private static func json(_ configuration: AdapterConfiguration, baseModel: String, layerCount: Int) -> JSONValue {
        let places = configuration.places(layerCount: layerCount)
        let usual = configuration.usualStrength ?? AdapterConfiguration.Strength(rank: 1, alpha: 1)
        let layers = Set(places.map(\.place.layer)).sorted()
        // Names do where all these layers have the same modules; else each module is named by its path, which PEFT takes as it is.
        let isProduct = places.count == layers.count * configuration.targets.count
        let targets = isProduct ? configuration.targets.map(\.moduleName) : places.map(\.place.path)
        let isEveryLayer = !isProduct || layers.count == layerCount
        /// What differs from the usual, by the module's path: as an expression it matches that module only.
        func pattern<Value: Equatable>(
            _ value: (AdapterConfiguration.Strength) -> Value, _ write: (Value) -> JSONValue
        ) -> JSONValue {
            let others = places.filter { value($0.strength) != value(usual) }
            return .object(others.map { JSONMember(ByteString($0.place.path), write(value($0.strength))) })
        }
        return .object([
            JSONMember("peft_type", JSONValue("LORA")),
            JSONMember("task_type", JSONValue("CAUSAL_LM")),
            JSONMember("base_model_name_or_path", JSONValue(baseModel)),
            JSONMember("r", .integer(usual.rank)),
            JSONMember("lora_alpha", number(usual.alpha)),
            JSONMember("lora_dropout", .number(0)),
            JSONMember("target_modules", .array(targets.map { JSONValue($0) })),
            JSONMember("layers_to_transform", isEveryLayer ? .null : .array(layers.map { .integer($0) })),
            JSONMember("use_rslora", .boolean(configuration.rankStabilised)),
            JSONMember("use_dora", .boolean(false)),
            JSONMember("bias", JSONValue("none")),
            JSONMember("fan_in_fan_out", .boolean(false)),
            JSONMember("inference_mode", .boolean(true)),
            JSONMember("init_lora_weights", .boolean(true)),
            JSONMember("modules_to_save", .null),
            JSONMember("rank_pattern", pattern(\.rank) { .integer($0) }),
            JSONMember("alpha_pattern", pattern(\.alpha, number)),
        ])
    }

    /// A whole number is written as one, as PEFT itself does.
    private static func number(_ alpha: Float) -> JSONValue { Int(exactly: alpha).map { .integer($0) } ?? .number(Double(alpha)) }
}
