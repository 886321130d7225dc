internal import Model

/// Every format that can be named, made when it is asked for.
package struct FormatCatalogue {
    /// Those that the library reads, then those that need the program.
    package static let names = [
        "safetensors", "gguf", "tokenizer", "config", "index", "adapter", "problems", "steps", "preferences", "samples", "compressed",
        "checkpoint", "frame", "weights", "trajectory", "zstd", "settings", "score", "tokenize",
    ]
    /// The reader with built-in faults: not among the others, since it fails.
    package static let faults = "faults"

    private let corpus: Corpus
    private let scratch: String
    private let program: String

    /// - Parameters:
    ///   - scratch: a folder for what the formats need.
    ///   - program: the path of `gfn-dist`.
    package init(corpus: Corpus, scratch: String, program: String) {
        (self.corpus, self.scratch, self.program) = (corpus, scratch, program)
    }

    /// Nil when there is no such format. Throws when there are no valid files to begin with.
    package func format(_ name: String) throws -> (any FuzzFormat)? {
        switch name {
        case "safetensors", "config", "index", "score": try BrokenInvariant.unless(!corpus.models.isEmpty, "there is no model to damage; name a folder with --corpus")
        case "tokenizer", "tokenize": try BrokenInvariant.unless(!corpus.tokenizers.isEmpty, "there is no tokenizer.json to damage; name a folder with --corpus")
        case "adapter": try BrokenInvariant.unless(!corpus.adapters.isEmpty, "there is no adapter to damage; name a folder with --corpus")
        default: break
        }
        switch name {
        case "safetensors": return SafetensorsFormat(corpus)
        case "gguf":
            // A vocabulary alone is refused whatever is done to it.
            let models = try corpus.gguf.filter { file in
                try write(["a.gguf": file.bytes], to: "\(scratch)/gguf")
                do throws(ModelFileError) { _ = try ModelFiles.open("\(scratch)/gguf/a.gguf") } catch { return false }
                return true
            }
            try BrokenInvariant.unless(!models.isEmpty, "there is no model in a GGUF file to damage; name a folder with --corpus")
            return GGUFFormat(models)
        case "tokenizer": return TokenizerFormat(corpus)
        case "config": return ConfigurationFormat(corpus)
        case "index": return IndexFormat(corpus)
        case "adapter":
            var configurations: [String: TransformerConfiguration] = [:]
            for model in corpus.models {
                try write(model.files, to: "\(scratch)/model")
                configurations[model.name] = try ModelFiles.open("\(scratch)/model").configuration
            }
            return AdapterFormat(corpus, configurations: configurations)
        case "problems", "steps", "preferences", "samples": return DataFormat.Kind(rawValue: name).map { DataFormat(kind: $0) }
        case "compressed": return CompressedDataFormat()
        case "checkpoint": return try CheckpointFormat(folder: "\(scratch)/checkpoint")
        case "frame": return FrameFormat()
        case "weights": return WeightsFormat()
        case "trajectory": return TrajectoryFormat()
        case "zstd": return CompressionFormat()
        case "settings": return try SettingsFormat(program: program)
        case "score":
            try write(corpus.models[0].files, to: "\(scratch)/score-model")
            return try ScoreFormat(program: program, model: "\(scratch)/score-model")
        case "tokenize":
            try write(["tokenizer.json": corpus.tokenizers[0].bytes], to: "\(scratch)/tokenize-model")
            return try TokenizeFormat(program: program, tokenizer: "\(scratch)/tokenize-model/tokenizer.json")
        case Self.faults: return FaultsFormat()
        default: return nil
        }
    }
}
