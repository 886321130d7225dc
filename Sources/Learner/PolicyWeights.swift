package import Model
internal import Tensor

/// Puts a policy's weights into the forms that other programs read, from the bf16 bits that the policy computes with.
package enum PolicyWeights {
    /// A PEFT folder's files, for a policy that trains an adapter; model.safetensors with Hugging Face's names otherwise.
    package static func write(
        _ bits: [UInt16], of trainable: Trainable, model: TransformerConfiguration, baseModel: String, to folder: String
    ) throws(ModelFileError) {
        let layout = ParameterLayout(trainable, of: model)
        precondition(bits.count == layout.count, "\(bits.count) weights for a layout of \(layout.count)")
        switch trainable {
        case .lora(let configuration):
            try AdapterFolder.write(
                folder, configuration: configuration, baseModel: baseModel, model: model,
                matrices: layout.adapterMatrices(of: bits.map { Float(bitPattern: UInt32($0) << 16) }))
        case .full:
            try SafetensorsWriter.write(
                layout.entries.map { .init(name: $0.name, shape: $0.shape, values: .bfloat16(Array(bits[$0.range]))) },
                metadata: ["format": "pt"], to: "\(folder)/model.safetensors")
        }
    }
}
