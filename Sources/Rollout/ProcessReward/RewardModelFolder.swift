internal import Foundation
package import Model

/// A process reward model in files: a PEFT adapter, and its head in `reward_head.safetensors`.
///
/// The head is `weight` [1, d] and `bias` [1] in float32, so that p = σ(weight · h + bias). Its metadata says what the scores
/// depend on beside the weights: how the problem was posed, and which base the model was trained on.
package enum RewardModelFolder {
    package static let headName = "reward_head.safetensors"
    private static let templateKey = "chat_template", baseKey = "base_final_norm_sha256"

    /// What is in the files.
    package struct Contents: Sendable {
        package var adapter: AdapterConfiguration
        package var matrices: [AdapterPlace: AdapterMatrices]
        package var head: RewardHead
        /// How prompts were written that it was trained with.
        package var template: String
        /// Identifies the base.
        package var baseDigest: String
    }

    /// Writes the bf16 weights of the adapter and the head into a folder.
    package static func write(
        _ path: String, bits: [UInt16], trainable: Trainable, head: RewardHead, template: String, baseDigest: String,
        baseModel: String, model: TransformerConfiguration
    ) throws(ModelFileError) {
        guard case .lora(let configuration) = trainable else { preconditionFailure("a reward model that is no adapter") }
        try AdapterFolder.write(
            path, configuration: configuration, baseModel: baseModel, model: model,
            matrices: ParameterLayout(trainable, of: model).adapterMatrices(of: bits.map { Float(bitPattern: UInt32($0) << 16) }))
        try SafetensorsWriter.write(
            [
                .init(name: "weight", shape: [1, head.weight.count], values: .float32(head.weight)),
                .init(name: "bias", shape: [1], values: .float32([head.bias])),
            ], metadata: ["format": "pt", templateKey: template, baseKey: baseDigest], to: "\(path)/\(headName)")
    }

    /// The folder that has the head: `path`, or its `adapter`.
    private static func folder(_ path: String) -> String? {
        [path, "\(path)/adapter"].first { FileManager.default.fileExists(atPath: "\($0)/\(headName)") }
    }

    package static func isThere(_ path: String) -> Bool { folder(path) != nil }

    /// Reads a reward model for a base of these sizes; `path` is its folder, or that of the run that trained it.
    package static func read(_ path: String, for model: TransformerConfiguration) throws(ModelFileError) -> Contents {
        guard let folder = folder(path) else {
            throw .missing(path: path, field: headName, advice: "name a folder that gfn-dist reward wrote")
        }
        let headPath = "\(folder)/\(headName)"
        let (adapter, matrices) = try AdapterFolder.read(folder, for: model)
        let file = try SafetensorsFile(headPath)
        func tensor(_ name: String, _ shape: [Int]) throws(ModelFileError) -> [Float] {
            guard let found = file.shape(of: name) else {
                throw .missing(path: headPath, field: "tensor \(name)", advice: "name a folder that gfn-dist reward wrote")
            }
            guard found == shape else { throw .shape(path: headPath, tensor: name, expected: shape, found: found) }
            return try file.read(name)
        }
        func note(_ key: String) throws(ModelFileError) -> String {
            guard let value = file.metadata[key] else {
                throw .missing(path: headPath, field: "\(key) of the metadata", advice: "name a folder that gfn-dist reward wrote")
            }
            return value
        }
        let (weight, bias) = (try tensor("weight", [1, model.hiddenSize]), try tensor("bias", [1]))
        return Contents(
            adapter: adapter, matrices: matrices, head: RewardHead(weight: weight, bias: bias[0]), template: try note(templateKey),
            baseDigest: try note(baseKey))
    }
}
