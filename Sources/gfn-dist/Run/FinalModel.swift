internal import Foundation
internal import Model
internal import Rollout

/// What a run leaves to others: a PEFT adapter, or for `trainable: full` a Hugging Face folder.
struct FinalModel {
    let workspace: Workspace
    let layout: ParameterLayout

    /// Writes the bf16 weights and returns the folder's path.
    func write(_ bits: [UInt16], to folder: RunFolder) throws -> String {
        switch workspace.configuration.trainable {
        case .lora(let configuration):
            try AdapterFolder.write(
                folder.adapter, configuration: configuration, baseModel: workspace.basePath,
                model: workspace.base.configuration,
                matrices: AdapterArena.tensors(of: widen(bits), in: layout, configuration: configuration))
            return folder.adapter
        case .full:
            try writeModel(bits, to: folder.model)
            return folder.model
        }
    }

    private func writeModel(_ bits: [UInt16], to path: String) throws {
        let tensors = layout.entries.map { entry in
            (name: entry.name, shape: entry.shape, bits: Array(bits[entry.offset..<(entry.offset + entry.count)]))
        }
        try ModelFolder.write(
            path, configuration: workspace.base.configuration, tensors: tensors,
            tokenizerJSON: workspace.files?.tokenizer?.json ?? [UInt8](PathSum.tokenizerJSON()),
            chatTemplate: workspace.files?.chatTemplateText)
    }
}
