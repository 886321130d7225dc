internal import Foundation
internal import Model
internal import Problems
internal import Tensor

/// The model that the settings name, opened: a folder or file, the embedded base, or random weights in the shape of the latter.
struct OpenedBase {
    let base: BaseModel
    /// As files of a run name it.
    let path: String
    /// Nil for random weights.
    let files: ModelFiles?

    /// - Parameter gradients: whether there will be a backward.
    init(_ configuration: RunConfiguration, gradients: Bool, parallel: Parallel) throws {
        guard configuration.model != "random" else {
            (path, files) = ("random", nil)
            base = try BaseModel(
                randomly: PathSum.modelConfiguration(configuration.randomSize), seed: configuration.seed,
                precision: configuration.precision, gradients: gradients, parallel: parallel)
            return
        }
        path = configuration.model.isEmpty ? EmbeddedResources.baseModelPath : configuration.model
        let opened = try ModelFiles.open(path)
        // Said now, not when the trained model is to be written.
        if gradients, configuration.purpose == .training, configuration.trainable == .full {
            try opened.configuration.requireWritable(path: path)
        }
        files = opened
        base = try BaseModel(
            opened, precision: configuration.precision, gradients: gradients, parallel: parallel,
            quantised: QuantisedWeights(rawValue: configuration.text("base.weights")) ?? .blocks, cache: .named(configuration.text("base.cache")))
        if let note = base.cacheNote { Launch.say(note) }
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
