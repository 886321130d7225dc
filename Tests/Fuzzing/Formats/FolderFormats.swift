internal import Model

/// The JSON files of a model folder beside valid weights.
struct ConfigurationFormat: ModelFileFormat {
    let name = "config"
    private let models: [(name: String, files: [String: [UInt8]])]
    private let mutator: ByteMutator

    init(_ corpus: Corpus) {
        // The smallest ones: what is damaged here is the same in all of them.
        let ordered = corpus.models.sorted { Mutant(files: $0.files).byteCount < Mutant(files: $1.files).byteCount }
        models = Array(ordered.prefix(6))
        mutator = ByteMutator(donors: models.compactMap { $0.files["config.json"] })
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        let base = random.pick(models)
        var mutant = Mutant(files: base.files, changes: [base.name])
        let names = base.files.keys.filter { $0.hasSuffix(".json") && $0 != "tokenizer.json" && !$0.hasSuffix("index.json") }.sorted()
        let file = random.chance(0.7) ? "config.json" : random.pick(names)
        var bytes = base.files[file] ?? []
        mutant.changes += mutator.mutateJSON(&bytes, using: &random).map { "\(file) \($0)" }
        mutant.files[file] = bytes
        return mutant
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        let files = try ModelFiles.open(folder)
        try readAll(files.weights)
        var tensors: [(name: String, shape: [Int], bits: [UInt16])] = []
        for (name, shape) in files.configuration.tensorShapes {
            tensors.append((name, shape, try files.weights.read(name).map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) }))
        }
        let written = "\(folder)/written"
        try ModelFolder.write(written, configuration: files.configuration, tensors: tensors)
        let again: ModelFiles
        do throws(ModelFileError) { again = try ModelFiles.open(written) } catch {
            throw BrokenInvariant("the folder that was written of it is refused: \(error)")
        }
        try BrokenInvariant.unless(
            again.configuration == files.configuration, "written and read again it is \(again.configuration), not \(files.configuration)")
    }
}

/// The index of a model whose weights lie in several files.
struct IndexFormat: ModelFileFormat {
    let name = "index"
    private let model: (name: String, files: [String: [UInt8]])
    private static let indexName = "model.safetensors.index.json"

    init(_ corpus: Corpus) {
        model = corpus.models.first { $0.files[Self.indexName] != nil } ?? corpus.models.first.map { ($0.name, Self.sharded($0.files)) } ?? ("none", [:])
    }

    /// A model of one file as one with two names for it: enough for an index, whose entries each name a file.
    private static func sharded(_ files: [String: [UInt8]]) -> [String: [UInt8]] {
        guard let weights = files["model.safetensors"] else { return files }
        var files = files
        files["model.safetensors"] = nil
        files["model-00001-of-00002.safetensors"] = weights
        files["model-00002-of-00002.safetensors"] = weights
        let length = weights.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = weights[8..<8 + length].withUnsafeBytes { buffer -> JSONValue in
            do throws(ModelFileError) { return try JSONParser.parse(buffer, path: "") } catch { return .null }
        }
        guard case .object(let members) = header else { return files }
        let map = members.filter { $0.key != "__metadata__" }.enumerated().map { index, member in
            JSONMember(member.key, JSONValue("model-0000\(index % 2 + 1)-of-00002.safetensors"))
        }
        files[indexName] = JSONValue.object([JSONMember("metadata", .object([])), JSONMember("weight_map", .object(map))]).encoded()
        return files
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        var mutant = Mutant(files: model.files, changes: [model.name])
        var bytes = model.files[Self.indexName] ?? []
        mutant.changes += ByteMutator().mutateJSON(&bytes, using: &random)
        mutant.files[Self.indexName] = bytes
        return mutant
    }

    func read(_ mutant: Mutant, in folder: String) throws { try readAll(ModelFiles.open(folder).weights) }
}

/// An adapter's two files, for a model that is whole.
struct AdapterFormat: ModelFileFormat {
    let name = "adapter"
    private let adapters: [(name: String, model: TransformerConfiguration, files: [String: [UInt8]])]
    private let mutator: ByteMutator

    /// - Parameter configurations: of the models, by the name that the corpus gives them.
    init(_ corpus: Corpus, configurations: [String: TransformerConfiguration]) {
        adapters = corpus.adapters.compactMap { adapter in configurations[adapter.model].map { (adapter.name, $0, adapter.files) } }
        mutator = ByteMutator(donors: corpus.adapters.compactMap { $0.files["adapter_model.safetensors"] })
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        let base = random.pick(adapters)
        var mutant = Mutant(files: base.files, changes: [base.name])
        let isConfiguration = random.chance(0.6)
        let file = isConfiguration ? "adapter_config.json" : "adapter_model.safetensors"
        var bytes = base.files[file] ?? []
        mutant.changes += isConfiguration
            ? ByteMutator().mutateJSON(&bytes, using: &random) : mutator.mutateSafetensors(&bytes, using: &random)
        mutant.files[file] = bytes
        return mutant
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        guard let model = adapters.first(where: { $0.name == mutant.changes.first })?.model else { return }
        let (configuration, matrices) = try AdapterFolder.read(folder, for: model)
        for (place, pair) in matrices {
            let (outputs, inputs) = model.extents(of: place.kind)
            // A has as many rows as B has columns, whatever the settings say of this place.
            let rank = pair.a.count / inputs
            try BrokenInvariant.unless(
                (0..<model.layerCount).contains(place.layer) && rank > 0 && pair.a.count == rank * inputs && pair.b.count == outputs * rank,
                "the matrices of \(place) have \(pair.a.count) and \(pair.b.count) numbers")
            try BrokenInvariant.unless((pair.a + pair.b).allSatisfy(\.isFinite), "the matrices of \(place) are not finite")
        }
        let written = "\(folder)/written"
        try AdapterFolder.write(written, configuration: configuration, baseModel: "base", model: model, matrices: matrices)
        do throws(ModelFileError) {
            let again = try AdapterFolder.read(written, for: model)
            guard again.configuration == configuration, again.matrices == matrices else {
                throw .malformed(path: written, field: "the adapter", expected: "what was written", found: "something else")
            }
        } catch {
            throw BrokenInvariant("the adapter that was written of it: \(error)")
        }
    }
}
