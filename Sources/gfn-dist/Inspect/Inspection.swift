internal import Foundation
internal import Learner
internal import Model
internal import Rollout

/// What lies at a path, and what can be said of it.
struct Inspection {
    var facts = Facts()
    /// Why it could not be used, though there is something to say of it.
    var damage: (any Error)?

    private enum Kind: String {
        case run, checkpoint, rewardModel = "reward model", adapter, model, tensors
    }

    /// - Throws: where there is nothing that this program knows, or it cannot be read.
    init(of path: String) throws {
        let kind = try Self.kind(of: path)
        let adapter = kind == .model && !Self.isFolder(path) ? try GGUFAdapter.overview(path) : nil
        facts.add("kind", adapter == nil ? kind.rawValue : Kind.adapter.rawValue)
        facts.add("path", path)
        if let adapter {
            addAdapter(gguf: adapter, path)
            return
        }
        switch kind {
        case .run: try addRun(path)
        case .checkpoint: addCheckpoint(path)
        case .rewardModel, .adapter: try addAdapter(path)
        case .model: try addModel(path)
        case .tensors: try addTensors(path)
        }
    }

    private static func kind(of path: String) throws -> Kind {
        guard FileManager.default.fileExists(atPath: path) else {
            throw RunError.missingInput(
                "\(path) is not there; name a run, a checkpoint, an adapter or a model: a folder, or a .gguf or .safetensors file")
        }
        if !isFolder(path) { return path.hasSuffix(".safetensors") ? .tensors : .model }
        let marks: [(file: String, kind: Kind)] = [
            ("config.yaml", .run), ("metrics.jsonl", .run), ("MANIFEST.json", .checkpoint), ("state.json", .checkpoint),
            (RewardModelFolder.headName, .rewardModel), ("adapter_config.json", .adapter), ("config.json", .model),
        ]
        guard let mark = marks.first(where: { FileManager.default.fileExists(atPath: "\(path)/\($0.file)") }) else {
            throw RunError.missingInput(
                "\(path) is not what this program knows: it has no config.yaml (a run), MANIFEST.json (a checkpoint), adapter_config.json "
                    + "(an adapter) or config.json (a model)")
        }
        return mark.kind
    }

    // MARK: Files of models

    private mutating func addAdapter(gguf adapter: GGUFAdapter.Overview, _ path: String) {
        facts.add("format", "GGUF file")
        facts.add("model_type", adapter.architecture)
        facts.add("ranks", .list(adapter.ranks.map { .integer($0) }))
        facts.add("alphas", .list([adapter.alpha].compactMap { $0.map { .number(Double($0)) } }))
        facts.add("tensors", adapter.tensorCount)
        facts.add("parameters", adapter.parameterCount)
        facts.add("stored", adapter.types)
        facts.add("bytes", Self.size(path))
    }

    private mutating func addModel(_ path: String) throws {
        let files = try ModelFiles.open(path)
        let sizes = files.configuration
        facts.add("format", Self.isFolder(path) ? "Hugging Face folder" : "GGUF file")
        facts.add("model_type", sizes.modelType)
        facts.add("layers", sizes.layerCount)
        facts.add("hidden_size", sizes.hiddenSize)
        facts.add("intermediate_size", sizes.intermediateSize)
        facts.add("heads", sizes.headCount)
        facts.add("key_value_heads", sizes.keyValueHeadCount)
        facts.add("head_size", sizes.headSize)
        facts.add("vocabulary", sizes.vocabularySize)
        facts.add("context", sizes.contextLength)
        facts.add("rope_theta", sizes.rope.theta)
        facts.add("rope_scaling", Self.scaling(sizes.rope))
        facts.add("tied_embeddings", sizes.tiedEmbeddings)
        let biases = [(sizes.queryKeyValueBias, "q, k, v"), (sizes.outputBias, "o"), (sizes.mlpBias, "mlp")]
        facts.add("biases", biases.filter(\.0).map(\.1))
        let tensors = sizes.tensorShapes.map { (files.weights.storedType(of: $0.name) ?? "", $0.shape.reduce(1, *)) }
        facts.add("parameters", tensors.reduce(0) { $0 + $1.1 })
        addStored(tensors)
        facts.add("bytes", files.weights.paths.reduce(0) { $0 + Self.size($1) })
        addText(files)
        facts.add("notes", files.notes)
    }

    private mutating func addText(_ files: ModelFiles) {
        if let tokenizer = files.tokenizer {
            facts.add("tokenizer", "\(tokenizer.vocabularySize) tokens")
            func named(_ ids: [Int32]) -> [String] { ids.map { "\($0) \(tokenizer.decode([$0]).debugDescription)" } }
            facts.add("begin_tokens", named(tokenizer.beginTokens))
            facts.add("end_tokens", named(ResponseEnds(of: files, template: nil)?.stopTokens.ids ?? []))
        } else {
            facts.add("tokenizer", files.tokenizerProblem.map { "\($0)" } ?? "none: there is no tokenizer.json")
            facts.add("end_tokens", files.configuration.endTokens.map { "\($0)" })
        }
        let template: String
        switch files.writtenTemplate {
        case .none: template = "none"
        case .text(let text): template = ChatTemplate.recognise(text)?.name ?? "none that is known"
        case .others(let names): template = "none for conversations (there are \(names.joined(separator: ", ")))"
        }
        facts.add("chat_template", template)
    }

    private mutating func addTensors(_ path: String) throws {
        let file = try SafetensorsFile(path)
        facts.add("tensors", file.entries.count)
        let tensors = file.entries.map { ($0.type.rawValue, $0.shape.reduce(1, *)) }
        facts.add("parameters", tensors.reduce(0) { $0 + $1.1 })
        addStored(tensors)
        facts.add("bytes", Self.size(path))
        facts.add("metadata", file.metadata.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })
    }

    /// How many numbers are stored in which way, the most common first.
    private mutating func addStored(_ tensors: [(type: String, count: Int)]) {
        let counts = Dictionary(tensors.map { ($0.type, $0.count) }, uniquingKeysWith: +)
        var stored = Facts()
        for (type, count) in counts.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) where !type.isEmpty { stored.add(type, count) }
        facts.add("stored", stored)
    }

    private mutating func addAdapter(_ path: String) throws {
        let adapter = try AdapterOverview(path)
        facts.add("base", adapter.baseModel)
        let places = adapter.configuration.places(layerCount: adapter.layerCount)
        facts.add("targets", adapter.configuration.targets.map(\.moduleName))
        facts.add("layers", Set(places.map(\.place.layer)).count)
        facts.add("places", places.count)
        facts.add("ranks", .list(Set(places.map(\.strength.rank)).sorted().map { .integer($0) }))
        facts.add("alphas", .list(Set(places.map { Double($0.strength.alpha) }).sorted().map { .number($0) }))
        facts.add("rank_stabilised", adapter.configuration.rankStabilised)
        facts.add("tensors", adapter.tensorCount)
        facts.add("parameters", adapter.parameterCount)
        facts.add("stored", adapter.types)
        facts.add("bytes", Self.size("\(path)/adapter_model.safetensors"))
        facts.add("changes_its_base", !adapter.isZero)
        if FileManager.default.fileExists(atPath: "\(path)/\(RewardModelFolder.headName)") {
            let head = try SafetensorsFile("\(path)/\(RewardModelFolder.headName)")
            facts.add("head", head.metadata.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })
        }
    }

    // MARK: Checkpoints and runs

    private mutating func addCheckpoint(_ path: String) {
        let (overview, damage) = Checkpoint.overview(path)
        facts.add("whole", damage == nil)
        facts.add("damage", damage.map { "\($0)" })
        self.damage = damage
        guard let overview else { return }
        facts.add("step", overview.step)
        facts.add("policy_version", overview.policyVersion)
        facts.add("published_versions", .list(overview.publishedVersions.map { .integer($0) }))
        facts.add("optimizer_step", overview.optimizerStep)
        facts.add("parameters", overview.parameterCount)
        facts.add("replay_bytes", overview.replayBytes)
        facts.add("seed", Int(exactly: overview.seed).map { .integer($0) } ?? .text("\(overview.seed)"))
        for (name, note) in overview.notes.sorted(by: { $0.key < $1.key }) { facts.add(name, note) }
        facts.add("bytes", overview.size)
    }

    private mutating func addRun(_ path: String) throws {
        let (record, folder) = (try RunRecord(reading: path), RunFolder(path: path))
        let text = try RunRecord.text(of: folder.settings)
        if let first = text?.split(separator: "\n").first, first.hasPrefix("# ") { facts.add("program", String(first.dropFirst(2))) }
        let planned = record.setting("train.steps").flatMap { Int($0) }
        facts.add("condition", Self.words(for: record.condition(plannedSteps: planned)))
        // Settings of a reward model have one as well, which it does not use.
        if !record.isOfRewardModel { facts.add("objective", record.setting("objective")) }
        // Without a name they are the embedded ones.
        for name in ["model", "data.train"] { facts.add(name, record.setting(name).map { $0.isEmpty ? "embedded" : $0 }) }
        facts.add("adapter", record.setting("adapter").flatMap { $0.isEmpty ? nil : $0 })
        facts.add("step", record.steps)
        facts.add("steps", planned)
        facts.add("ranks", record.ranks)
        facts.add("seconds", record.seconds)
        if let last = record.lines.last {
            var figures = Facts()
            for name in ["loss", "reward_mean", "accuracy", "distinct_correct", "age_max"] { figures.add(name, last[name]) }
            facts.add("last_step", figures)
            facts.add("adapter_sha256", last.texts["adapter_sha256"])
        }
        let newest = record.evaluations.map(\.step).max()
        facts.add("evaluations", record.evaluations.filter { $0.step == newest }.map(Self.facts))
        facts.add("checkpoints", Checkpoint.steps(in: folder.checkpoints).map { step in
            var facts = Facts()
            facts.add("step", step)
            let damage = Checkpoint.overview("\(folder.checkpoints)/step-\(step)").damage
            facts.add("whole", damage == nil)
            facts.add("damage", damage.map { "\($0)" })
            return facts
        })
        let results = [folder.adapter, folder.model].filter { FileManager.default.fileExists(atPath: $0) }
        facts.add("result", results.first)
        facts.add("warnings", record.warnings.map { "step \($0.step): \($0.text)" })
        facts.add("remarks", record.remarks)
    }

    private static func facts(_ evaluation: RunEvaluation) -> Facts {
        var facts = Facts()
        facts.add("step", evaluation.step)
        facts.add("dataset", evaluation.dataset)
        if evaluation.kind == .policy { facts.add("temperature", evaluation.temperature) }
        let names = evaluation.kind == .policy
            ? ["accuracy", "distinct_correct.exact", "pass_at.8", "exact.total_variation"]
            : ["accuracy", "auc", "log_loss", "calibration_error"]
        for name in names { facts.add(name.replacing(".", with: "_"), evaluation[name]?.value) }
        return facts
    }

    private static func words(for condition: RunCondition) -> String {
        switch condition {
        case .running: "running"
        case .silent(let seconds): "silent for \(Int(seconds)) s"
        case .finished: "finished"
        case .stopped: "stopped before its end"
        }
    }

    private static func scaling(_ rope: RotaryConfiguration) -> String? {
        switch rope.scaling {
        case .none: rope.divisors.isEmpty ? nil : "a divisor for each frequency"
        case .linear(let factor): "linear, factor \(factor)"
        case .llama3(let factor, _, _, let original): "llama3, factor \(factor), original context \(original)"
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// Bytes of a file; 0 where it cannot be said.
    private static func size(_ path: String) -> Int {
        ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber)?.intValue ?? 0
    }
}
