internal import Learner
internal import Model
internal import Problems

/// What a run leaves to others: a PEFT adapter, or for `trainable: full` a Hugging Face folder.
struct FinalModel {
    let workspace: Workspace
    let layout: ParameterLayout

    /// Writes the bf16 weights into the run folder and returns where.
    func write(_ bits: [UInt16], to folder: RunFolder) throws(ModelFileError) -> String {
        let path = workspace.trainable == .full ? folder.model : folder.adapter
        try write(bits, into: path)
        return path
    }

    /// Writes the bf16 weights into a folder, in the form that other programs read.
    func write(_ bits: [UInt16], into path: String) throws(ModelFileError) {
        switch workspace.trainable {
        case .lora:
            try PolicyWeights.write(
                bits, of: workspace.trainable, model: workspace.base.configuration, baseModel: workspace.basePath, to: path)
        case .full:
            let tensors = layout.entries.map { entry in
                (name: entry.name, shape: entry.shape, bits: Array(bits[entry.range]))
            }
            let configuration = Self.configuration(workspace.base.configuration, of: workspace.training)
            try ModelFolder.write(
                path, configuration: configuration, tensors: tensors,
                tokenizerJSON: workspace.files == nil ? [UInt8](PathSum.tokenizerJSON()) : nil,
                tokenizer: workspace.files?.tokenizer, chatTemplate: workspace.files?.writtenTemplate.text)
        }
    }

    /// Of a model that was trained on a task as a whole.
    static func configuration(_ base: TransformerConfiguration, of task: any Task) -> TransformerConfiguration {
        // Whoever samples from the folder has to stop where the run did; first comes the end that the model was taught.
        var configuration = base
        let all = Set(configuration.endTokens + task.stopTokens.ids)
        configuration.endTokens = [task.taughtStop] + all.subtracting([task.taughtStop]).sorted()
        return configuration
    }
}
