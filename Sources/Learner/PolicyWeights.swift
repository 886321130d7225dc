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
                matrices: matrices(bits, layout: layout, targets: configuration.targets, layers: model.layerCount))
        case .full:
            try SafetensorsWriter.write(
                layout.entries.map { .init(name: $0.name, shape: $0.shape, values: .bfloat16(Array(bits[$0.range]))) },
                metadata: ["format": "pt"], to: "\(folder)/model.safetensors")
        }
    }

    private static func matrices(
        _ bits: [UInt16], layout: ParameterLayout, targets: [LinearKind], layers: Int
    ) -> [AdapterPlace: AdapterMatrices] {
        let values = bits.map { Float(bitPattern: UInt32($0) << 16) }
        var byName: [String: [Float]] = [:]
        for entry in layout.entries { byName[entry.name] = Array(values[entry.range]) }
        var matrices: [AdapterPlace: AdapterMatrices] = [:]
        for layer in 0..<layers {
            for kind in targets {
                let place = AdapterPlace(layer: layer, kind: kind)
                guard let a = byName[place.names.a], let b = byName[place.names.b] else {
                    preconditionFailure("the layout has no adapter for \(place.names.a)")
                }
                matrices[place] = AdapterMatrices(a: a, b: b)
            }
        }
        return matrices
    }
}
