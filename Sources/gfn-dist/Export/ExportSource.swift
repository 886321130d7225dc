internal import Foundation
internal import Learner
internal import Model
internal import Rollout

/// What is exported, as a call names it: a run's result or one of its checkpoints, or an adapter on a model.
enum ExportSource {
    /// An adapter in PEFT's layout, and the model that it was trained on.
    case adapter(String, model: String)
    /// A run's whole model, which it ended with.
    case model(String)
    /// The same from a checkpoint, which has the weights alone.
    case checkpoint(String, RunConfiguration)

    init(run: String?, step: Int?, adapter: String?, settings: SettingOptions) throws {
        var layers = ConfigurationLayers()
        let folder = run.map { RunFolder(path: $0) }
        if let folder {
            guard FileManager.default.fileExists(atPath: folder.settings) else {
                throw RunError.missingInput(
                    "\(folder.path) is not a run folder (there is no config.yaml in it); an adapter by itself is named with --adapter")
            }
            layers.lay(yaml: try configurationText(folder.settings), named: folder.settings, isChoice: false)
        }
        try settings.layFile(over: &layers)
        settings.layFlags(over: &layers)
        if let adapter { layers.set("adapter", to: adapter, from: .flag("adapter")) }
        try layers.check()
        if let folder {
            try self.init(folder, step: step, layers)
        } else {
            let path = layers.values["adapter"] ?? ""
            guard !path.isEmpty else {
                throw RunError.configuration("adapter is not set, so there is nothing to export: name one with --adapter")
            }
            self = .adapter(path, model: try Self.model(layers))
        }
        if case .adapter(let path, _) = self, RewardModelFolder.isThere(path) {
            throw RunError.configuration(
                "\(path) is a process reward model, whose head none of the exported forms has: copy the folder itself, which PEFT reads as "
                    + "an adapter, with the head beside it")
        }
    }

    private init(_ folder: RunFolder, step: Int?, _ layers: ConfigurationLayers) throws {
        let isWhole = layers.values["trainable"] == "full"
        guard let step else {
            let result = isWhole ? folder.model : folder.adapter
            guard FileManager.default.fileExists(atPath: result) else {
                throw RunError.missingInput(
                    "the run in \(folder.path) has no \(result), so it has not ended: go on with gfn-dist train --resume --output "
                        + "\(folder.path), or take a checkpoint with --step (\(Self.steps(folder)))")
            }
            self = isWhole ? .model(result) : .adapter(result, model: try Self.model(layers))
            return
        }
        guard let path = try Checkpoint.path(ofStep: step, in: folder.checkpoints) else {
            throw RunError.missingInput("the run in \(folder.path) has no checkpoint of step \(step); \(Self.steps(folder))")
        }
        self = isWhole ? .checkpoint(path, try RunConfiguration(layers)) : .adapter(path, model: try Self.model(layers))
    }

    private static func steps(_ folder: RunFolder) -> String {
        let steps = Checkpoint.steps(in: folder.checkpoints)
        guard !steps.isEmpty else { return "it has none" }
        return "it has those of \(steps.count > 8 ? "\(steps.count) steps, the newest" : "steps") "
            + steps.suffix(8).map(String.init).joined(separator: ", ")
    }

    private static func model(_ layers: ConfigurationLayers) throws -> String {
        let model = layers.values["model"] ?? ""
        guard model != "random" else {
            throw RunError.configuration("model is 'random', whose weights are in no file that an adapter could be exported for")
        }
        return model.isEmpty ? EmbeddedResources.baseModelPath : model
    }
}
