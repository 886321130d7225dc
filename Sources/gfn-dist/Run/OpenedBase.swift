internal import Foundation
internal import Model
internal import Problems
internal import Tensor

/// The model that the settings name, opened but not read: a folder or file, the embedded base, or random weights in the shape of the
/// latter.
struct OpenedBase: Sendable {
    let model: UnloadedModel
    /// As files of a run name it.
    let path: String
    /// Nil for random weights.
    let files: ModelFiles?
    let cache: PackedCache?
    /// Whether there will be a backward.
    private let gradients: Bool

    init(_ configuration: RunConfiguration, gradients: Bool, parallel: Parallel) throws {
        self.gradients = gradients
        guard configuration.model != "random" else {
            (path, files, cache) = ("random", nil, nil)
            var model = try UnloadedModel(
                randomly: PathSum.modelConfiguration(configuration.randomSize), seed: configuration.seed,
                precision: configuration.precision, parallel: parallel)
            model.keyPrecision = configuration.keyPrecision
            self.model = model
            return
        }
        path = configuration.model.isEmpty ? EmbeddedResources.baseModelPath : configuration.model
        let opened = try ModelFiles.open(path)
        // Said now, not when the trained model is to be written.
        if gradients, configuration.purpose == .training, configuration.trainable == .full {
            try opened.configuration.requireWritable(path: path)
        }
        files = opened
        cache = try .named(configuration.text("base.cache"))
        var model = try UnloadedModel(
            opened, precision: configuration.precision, parallel: parallel,
            quantised: QuantisedWeights(rawValue: configuration.text("base.weights")) ?? .blocks)
        model.keyPrecision = configuration.keyPrecision
        self.model = model
    }

    /// The same with its first layers only, packed in memory; embedding, last norm and output matrix are those of the model.
    init(_ whole: OpenedBase, layers: Int, parallel: Parallel) throws {
        (path, files, gradients, cache) = (whole.path, whole.files, whole.gradients, nil)
        model = try whole.model.truncated(toLayers: layers, path: path, parallel: parallel)
    }

    /// Reads the weights, or maps what the cache has of them.
    func load() throws(ModelFileError) -> BaseModel {
        let base = try BaseModel(model, gradients: gradients, cache: cache)
        if let note = base.cacheNote { Launch.say(note) }
        return base
    }

    /// How texts become tokens: random weights stand for the embedded base, and read what it reads.
    func tokenizer() throws -> Tokenizer {
        try (files ?? ModelFiles.open(EmbeddedResources.baseModelPath)).requireTokenizer()
    }

    /// ⊤, and the one of its tokens that is taught.
    func ends() throws -> (stopTokens: StopTokens, taught: Int32) {
        guard let files else { return (StopTokens(PathSum.modelConfiguration.endTokens), PathSum.modelConfiguration.endTokens[0]) }
        guard let ends = ResponseEnds(of: files, template: nil) else {
            throw RunError.badData("model \(path) names no token that ends a response, expected eos_token_id in its configuration")
        }
        return (ends.stopTokens, ends.taught)
    }
}
