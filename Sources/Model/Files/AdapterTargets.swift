/// Which modules PEFT adapts, with which rank and α, as `adapter_config.json` says it (`check_target_module_exists` and
/// `get_pattern_key` in PEFT's source).
struct AdapterTargets {
    /// Names and ends of paths, or an expression for the whole path.
    private enum Selection {
        case names(Set<String>)
        case pattern(PythonPattern)
        case allLinear
    }

    private let fields: JSONFields
    private let targets: Selection
    private let excluded: Selection?
    /// Nil: all layers.
    private let layers: Set<Int>?
    private let layerPatterns: [PythonPattern]
    private let rank: Int, alpha: Float
    private let ranks: [(pattern: PythonPattern, value: Int)]
    private let alphas: [(pattern: PythonPattern, value: Float)]

    /// Throws for values that PEFT refuses too, and for expressions that are not supported.
    init(_ fields: JSONFields) throws(ModelFileError) {
        self.fields = fields
        rank = try Self.rank(fields.required("r", JSONFields.integer), fields.path, "r")
        alpha = try Self.alpha(fields.required("lora_alpha", JSONFields.number), fields.path, "lora_alpha")
        guard let targets = try Self.selection("target_modules", fields) else {
            throw .missing(
                path: fields.path, field: "target_modules",
                advice: "name the modules that the adapter is for, for example [\"q_proj\", \"v_proj\"]")
        }
        if case .string(let text) = fields["target_modules"], text.text.lowercased() == "all-linear" {
            self.targets = .allLinear
        } else {
            self.targets = targets
        }
        excluded = try Self.selection("exclude_modules", fields)
        (layers, layerPatterns) = try Self.layers(fields)
        ranks = try Self.patterns("rank_pattern", fields) { (fields, key) throws(ModelFileError) in
            try Self.rank(fields.required(key, JSONFields.integer), fields.path, fields.prefix + key)
        }
        alphas = try Self.patterns("alpha_pattern", fields) { (fields, key) throws(ModelFileError) in
            try Self.alpha(fields.required(key, JSONFields.number), fields.path, fields.prefix + key)
        }
    }

    /// The places that PEFT adapts in a model with `layerCount` layers.
    ///
    /// Throws when it adapts none, when a module that has no linear map in a layer is among them, and when a listed name is
    /// nobody's.
    func places(layerCount: Int) throws(ModelFileError) -> [AdapterPlace: AdapterConfiguration.Strength] {
        var places: [AdapterPlace: AdapterConfiguration.Strength] = [:]
        for layer in 0..<layerCount {
            for kind in LinearKind.allCases {
                let place = AdapterPlace(layer: layer, kind: kind)
                guard try isAdapted(place.path) else { continue }
                places[place] = AdapterConfiguration.Strength(
                    rank: try Self.first(ranks, matching: place.path) ?? rank,
                    alpha: try Self.first(alphas, matching: place.path) ?? alpha)
            }
        }
        let others = Self.otherModules(layerCount: layerCount)
        for module in others where try isAdapted(module) { throw unsupported("it adapts the module \(module)") }
        if case .names(let names) = targets {
            // PEFT passes over such a name; a typing error would go unnoticed.
            let linear = (0..<layerCount).flatMap { layer in LinearKind.allCases.map { AdapterPlace(layer: layer, kind: $0).path } }
            let known = Set((linear + others).flatMap(Self.ends))
            if let name = names.subtracting(known).min() { throw unsupported("\"\(name)\", which this model has no module for") }
        }
        guard !places.isEmpty else {
            let isExpression = if case .pattern = targets { true } else { false }
            throw .malformed(
                path: fields.path, field: "target_modules",
                expected: "at least one of \(Self.supported)" + (isExpression ? ", in a list or by an expression for the full path" : ""),
                found: "\(fields["target_modules"]?.summary ?? "null"), which selects none after exclude_modules and layers_to_transform")
        }
        return places
    }

    private func isAdapted(_ module: String) throws(ModelFileError) -> Bool {
        switch excluded {
        case .pattern(let pattern)?: if try pattern.matches(module) { return false }
        case .names(let names)?: if Self.isNamed(module, by: names) { return false }
        case .allLinear?, nil: break
        }
        switch targets {
        // What is linear beside the layers' maps is the output matrix, which PEFT leaves out.
        case .allLinear: return LinearKind.allCases.contains { module.hasSuffix(".\($0.path)") }
        case .pattern(let pattern): return try pattern.matches(module)
        case .names(let names):
            // A full path counts in every layer, whatever layers_to_transform says.
            if names.contains(module) { return true }
            return Self.isNamed(module, by: names) ? try isInLayers(module) : false
        }
    }

    private static func isNamed(_ module: String, by names: Set<String>) -> Bool {
        ends(of: module).contains { names.contains($0) }
    }

    private func isInLayers(_ module: String) throws(ModelFileError) -> Bool {
        guard let layers else { return true }
        for pattern in layerPatterns {
            // The first pattern that matches decides, as in PEFT.
            if let number = try pattern.lastGroup(in: module) { return Int(number).map(layers.contains) ?? false }
        }
        return false
    }

    private static func first<Value>(
        _ patterns: [(pattern: PythonPattern, value: Value)], matching module: String
    ) throws(ModelFileError) -> Value? {
        for (pattern, value) in patterns where try pattern.matches(module) { return value }
        return nil
    }

    // MARK: Reading

    private static func selection(_ key: String, _ fields: JSONFields) throws(ModelFileError) -> Selection? {
        switch fields[key] {
        case nil: return nil
        case .string(let text)?:
            if text.bytes.isEmpty { return .names([]) }
            return .pattern(try PythonPattern(wholeName: text.text, path: fields.path, field: key))
        case .array(let elements)?:
            var names = Set<String>()
            for element in elements {
                guard case .string(let name) = element else { throw fields.mismatch(key, expected: "names of modules", element) }
                names.insert(name.text)
            }
            return .names(names)
        case let value?: throw fields.mismatch(key, expected: "a list of modules or a regular expression", value)
        }
    }

    /// `layers_to_transform` and `layers_pattern`, which hold for listed names only.
    private static func layers(_ fields: JSONFields) throws(ModelFileError) -> (Set<Int>?, [PythonPattern]) {
        let (value, pattern) = (fields["layers_to_transform"], fields["layers_pattern"])
        for (key, value) in [("layers_to_transform", value), ("layers_pattern", pattern)] {
            if case .string = fields["target_modules"], let value {
                throw fields.mismatch(key, expected: "null, since target_modules is a string", value)
            }
        }
        var sources: [String] = []
        switch pattern {
        case .string(let text)?: sources = text.bytes.isEmpty ? [] : [text.text]
        case nil: break
        case let value?:
            guard case .array(let elements) = value else {
                throw fields.mismatch("layers_pattern", expected: "a name or a list of names", value)
            }
            for element in elements {
                guard case .string(let text) = element else { throw fields.mismatch("layers_pattern", expected: "names", element) }
                sources.append(text.text)
            }
        }
        guard let value else {
            guard sources.isEmpty else {
                throw .missing(path: fields.path, field: "layers_to_transform", advice: "layers_pattern has no meaning without it")
            }
            return (nil, [])
        }
        var layers = Set<Int>()
        let elements = if case .array(let elements) = value { elements } else { [value] }
        for element in elements {
            guard case .integer(let layer) = element else {
                throw fields.mismatch("layers_to_transform", expected: "numbers of layers", element)
            }
            layers.insert(layer)
        }
        if layers.isEmpty { return (nil, []) }
        // The number of the layer is the last group; without a pattern it follows any name.
        let texts = sources.isEmpty ? [(".*?\\.[^.]*\\.(\\d+)\\.", "")] : sources.map { ("(?:^|.*?\\.)\($0)\\.(\\d+)\\.", $0) }
        var patterns: [PythonPattern] = []
        for (text, source) in texts {
            patterns.append(try PythonPattern(text, source: source, path: fields.path, field: "layers_pattern"))
        }
        return (layers, patterns)
    }

    private static func patterns<Value>(
        _ key: String, _ fields: JSONFields, _ read: (JSONFields, String) throws(ModelFileError) -> Value
    ) throws(ModelFileError) -> [(pattern: PythonPattern, value: Value)] {
        guard let object = try fields.object(key) else { return [] }
        var patterns: [(pattern: PythonPattern, value: Value)] = []
        for member in object.members {
            let source = member.key.text
            let pattern = try PythonPattern("(.*\\.)?(\(source))$", source: source, path: fields.path, field: key)
            patterns.append((pattern, try read(object, source)))
        }
        return patterns
    }

    private static func rank(_ value: Int, _ path: String, _ field: String) throws(ModelFileError) -> Int {
        guard (1...1 << 16).contains(value) else {
            throw .malformed(path: path, field: field, expected: "a number from 1 to 65536", found: "\(value)")
        }
        return value
    }

    private static func alpha(_ value: Double, _ path: String, _ field: String) throws(ModelFileError) -> Float {
        guard Float(value).isFinite else {
            throw .malformed(path: path, field: field, expected: "a number that fits 32 bits", found: "\(value)")
        }
        return Float(value)
    }

    // MARK: The modules of a model

    private static let supported = LinearKind.allCases.map(\.moduleName).joined(separator: ", ")

    private func unsupported(_ found: String) -> ModelFileError {
        .unsupported(path: fields.path, field: "target_modules", supported: Self.supported, found: found)
    }

    /// A Llama's modules that are no linear map of a layer, as transformers names them.
    private static func otherModules(layerCount: Int) -> [String] {
        let inLayer = ["", ".self_attn", ".mlp", ".mlp.act_fn", ".input_layernorm", ".post_attention_layernorm"]
        return ["lm_head", "model", "model.embed_tokens", "model.layers", "model.norm", "model.rotary_emb"]
            + (0..<layerCount).flatMap { layer in inLayer.map { "model.layers.\(layer)\($0)" } }
    }

    /// A path and all its ends that begin after a point.
    private static func ends(of path: String) -> [String] {
        let parts = path.split(separator: ".")
        return parts.indices.map { parts[$0...].joined(separator: ".") }
    }
}
