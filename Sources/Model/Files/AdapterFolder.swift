/// Where a LoRA adapter sits in the model.
package struct AdapterPlace: Hashable, Sendable, Comparable {
    package let layer: Int
    package let kind: LinearKind

    package init(layer: Int, kind: LinearKind) {
        self.layer = layer
        self.kind = kind
    }

    /// PEFT's names of A and B in adapter_model.safetensors.
    package var names: (a: String, b: String) {
        let module = "base_model.model.model.layers.\(layer).\(kind.path)"
        return ("\(module).lora_A.weight", "\(module).lora_B.weight")
    }

    package static func < (left: AdapterPlace, right: AdapterPlace) -> Bool {
        (left.layer, left.kind) < (right.layer, right.kind)
    }
}

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
        _ path: String, for configuration: TransformerConfiguration
    ) throws(ModelFileError) -> (configuration: AdapterConfiguration, matrices: [AdapterPlace: AdapterMatrices]) {
        let configurationPath = "\(path)/\(configurationName)"
        guard MappedFile.exists(configurationPath) else {
            throw .missing(path: path, field: configurationName, advice: "name a folder that PEFT or this program wrote")
        }
        let fields = try JSONFields(file: configurationPath)
        let adapter = try readConfiguration(fields)
        let layers = try adaptedLayers(fields, layerCount: configuration.layerCount)

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
        for layer in layers {
            for kind in adapter.targets {
                let place = AdapterPlace(layer: layer, kind: kind)
                let (outputs, inputs) = configuration.extents(of: kind)
                matrices[place] = AdapterMatrices(
                    a: try read(place.names.a, [adapter.rank, inputs]), b: try read(place.names.b, [outputs, adapter.rank]))
            }
        }
        if let stranger = file.names.first(where: { !known.contains($0) }) {
            throw .malformed(
                path: file.path, field: "tensor \(stranger)", expected: "a matrix that \(configurationName) announces for this model",
                found: "one that belongs to nothing")
        }
        return (adapter, matrices)
    }

    private static func readConfiguration(_ fields: JSONFields) throws(ModelFileError) -> AdapterConfiguration {
        let type = try fields.required("peft_type", JSONFields.string)
        guard type == "LORA" else {
            throw .unsupported(path: fields.path, field: "peft_type", supported: "\"LORA\"", found: "\"\(type)\"")
        }
        try refuseUnsupported(fields)
        let rank = try fields.required("r", JSONFields.integer)
        guard (1...1 << 16).contains(rank) else {
            throw .malformed(path: fields.path, field: "r", expected: "a number from 1 to 65536", found: "\(rank)")
        }
        let alpha = try fields.required("lora_alpha", JSONFields.number)
        guard Float(alpha).isFinite else {
            throw .malformed(path: fields.path, field: "lora_alpha", expected: "a number that fits 32 bits", found: "\(alpha)")
        }
        let supported = LinearKind.allCases.map(\.moduleName).joined(separator: ", ")
        var targets: [LinearKind] = []
        let modules = try fields.required("target_modules", JSONFields.targetModules)
        for module in modules {
            guard case .string(let name) = module, let kind = LinearKind(moduleName: name.text) else {
                throw .unsupported(path: fields.path, field: "target_modules", supported: supported, found: module.summary)
            }
            targets.append(kind)
        }
        guard !targets.isEmpty else {
            throw .malformed(path: fields.path, field: "target_modules", expected: "at least one of \(supported)", found: "empty")
        }
        return AdapterConfiguration(
            rank: rank, alpha: Float(alpha), targets: targets, rankStabilised: try fields.boolean("use_rslora") ?? false)
    }

    /// Refuses by name what PEFT would do differently. Settings that matter only while PEFT trains are ignored.
    private static func refuseUnsupported(_ fields: JSONFields) throws(ModelFileError) {
        func isEmpty(_ value: JSONValue) -> Bool {
            switch value {
            case .boolean(false), .array([]), .object([]), .string(""): true
            default: false
            }
        }
        let plain = [
            "alora_invocation_tokens", "alpha_pattern", "arrow_config", "exclude_modules", "fan_in_fan_out", "layer_replication",
            "layers_pattern", "lora_bias", "megatron_config", "modules_to_save", "rank_pattern", "target_parameters",
            "trainable_token_indices", "use_bdlora", "use_dora", "use_qalora",
        ]
        for key in plain {
            if let value = fields[key], !isEmpty(value) {
                throw .unsupported(path: fields.path, field: key, supported: "none of it", found: value.summary)
            }
        }
        if let bias = try fields.string("bias"), bias != "none" {
            throw .unsupported(path: fields.path, field: "bias", supported: "\"none\"", found: "\"\(bias)\"")
        }
    }

    /// `layers_to_transform` when given, else all.
    private static func adaptedLayers(_ fields: JSONFields, layerCount: Int) throws(ModelFileError) -> [Int] {
        guard let value = fields["layers_to_transform"] else { return Array(0..<layerCount) }
        var layers: [Int] = []
        let elements = if case .array(let elements) = value { elements } else { [value] }
        for element in elements {
            guard case .integer(let layer) = element, (0..<layerCount).contains(layer), !layers.contains(layer) else {
                throw fields.mismatch("layers_to_transform", expected: "layers from 0 to \(layerCount - 1), each once", element)
            }
            layers.append(layer)
        }
        return layers.isEmpty ? Array(0..<layerCount) : layers.sorted()
    }

    /// Writes an adapter so that PEFT loads it onto `baseModel` (a path or a name on the hub), as float32.
    ///
    /// The layers are those of `matrices`; every one has all of the targets. Throws when the disk refuses.
    package static func write(
        _ path: String, configuration: AdapterConfiguration, baseModel: String, model: TransformerConfiguration,
        matrices: [AdapterPlace: AdapterMatrices], metadata: [String: String] = [:]
    ) throws(ModelFileError) {
        try SideFile.makeFolder(path)
        var tensors: [SafetensorsWriter.Tensor] = []
        for (place, factors) in matrices.sorted(by: { $0.key < $1.key }) {
            let (outputs, inputs) = model.extents(of: place.kind)
            tensors.append(
                .init(name: place.names.a, shape: [configuration.rank, inputs], values: .float32(factors.a)))
            tensors.append(
                .init(name: place.names.b, shape: [outputs, configuration.rank], values: .float32(factors.b)))
        }
        try SafetensorsWriter.write(
            tensors, metadata: metadata.merging(["format": "pt"]) { _, format in format }, to: "\(path)/\(weightsName)")
        let layers = Set(matrices.keys.map(\.layer)).sorted()
        try SideFile.write(
            json(configuration, baseModel: baseModel, layers: layers.count == model.layerCount ? nil : layers).encoded(),
            to: "\(path)/\(configurationName)")
    }

    private static func json(_ configuration: AdapterConfiguration, baseModel: String, layers: [Int]?) -> JSONValue {
        // A whole number is written as one, as PEFT itself does.
        let alpha = Int(exactly: configuration.alpha).map { JSONValue.integer($0) } ?? .number(Double(configuration.alpha))
        return .object([
            JSONMember("peft_type", JSONValue("LORA")),
            JSONMember("task_type", JSONValue("CAUSAL_LM")),
            JSONMember("base_model_name_or_path", JSONValue(baseModel)),
            JSONMember("r", .integer(configuration.rank)),
            JSONMember("lora_alpha", alpha),
            JSONMember("lora_dropout", .number(0)),
            JSONMember("target_modules", .array(configuration.targets.map { JSONValue($0.moduleName) })),
            JSONMember("layers_to_transform", layers.map { .array($0.map { .integer($0) }) } ?? .null),
            JSONMember("use_rslora", .boolean(configuration.rankStabilised)),
            JSONMember("use_dora", .boolean(false)),
            JSONMember("bias", JSONValue("none")),
            JSONMember("fan_in_fan_out", .boolean(false)),
            JSONMember("inference_mode", .boolean(true)),
            JSONMember("init_lora_weights", .boolean(true)),
            JSONMember("modules_to_save", .null),
            JSONMember("rank_pattern", .object([])),
            JSONMember("alpha_pattern", .object([])),
        ])
    }
}

extension JSONFields {
    /// PEFT allows one name instead of a list; a pattern or "all-linear" is then refused as an unknown module.
    fileprivate func targetModules(_ key: String) throws(ModelFileError) -> [JSONValue]? {
        guard let value = self[key] else { return nil }
        if case .string = value { return [value] }
        return try array(key)
    }
}
