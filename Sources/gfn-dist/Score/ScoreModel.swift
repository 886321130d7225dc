internal import Model
internal import Tensor

/// The model that `score` computes with, and the ends that it scores.
struct ScoreModel: Sendable {
    let files: ModelFiles
    private let model: LoadedModel
    private let stopTokens: StopTokens
    /// What people should know of how the files were read.
    let notes: [String]

    /// Takes what `LoadedModel` takes from the settings, and `model` and `data.chat_template`.
    /// - Parameter ranksOnNode: how many ranks share this machine's cores.
    init(_ layers: ConfigurationLayers, ranksOnNode: Int) throws {
        try layers.check()
        guard layers.values["model"] != "random" else {
            throw RunError.configuration("model is 'random', which has learned nothing to score with; name a folder or a .gguf file")
        }
        files = try LoadedModel.files(layers)
        // No template is used here, but where training used one, its end of a turn belongs to ⊤ and is scored with it.
        let own = files.writtenTemplate.text.flatMap { ChatTemplate.recognise($0) }
        let template = ChatTemplate(setting: layers.values["data.chat_template"] ?? "") ?? own
        guard let ends = ResponseEnds(of: files, template: template) else {
            throw RunError.badData(
                "model \(files.path) names no token that ends a response, expected eos_token_id in its configuration: "
                    + "there is no end to score")
        }
        stopTokens = ends.stopTokens
        notes = files.notes + [ends.note].compactMap { $0 }
        model = try LoadedModel(files, layers, ranksOnNode: ranksOnNode)
    }

    /// What one rank scores with.
    func policy() -> Policy { model.policy(endingWith: stopTokens) }
}
