package import Tensor

/// A model whose tensors are known to fit its configuration, before any weight is read: what it is, and how large it will be.
package struct UnloadedModel: Sendable {
    let packing: Packing
    package var configuration: TransformerConfiguration { packing.configuration }
    package var precision: Precision { packing.precision }
    package var source: any WeightSource { packing.source }
    package var forms: WeightForms { packing.forms }
    /// Of the keys and values that attention reads, in every pass with the model: rounded to bf16, a sampler's cache takes half the memory.
    package var keyPrecision = Precision.fp32

    /// Throws when a tensor is missing, or has another shape than the configuration implies.
    package init(
        _ files: ModelFiles, precision: Precision, parallel: Parallel, quantised: QuantisedWeights = .blocks
    ) throws(ModelFileError) {
        try self.init(
            files.configuration, source: files.weights, path: files.path, precision: precision, parallel: parallel, quantised: quantised)
    }

    /// A model that has learned nothing: see `RandomWeights`.
    package init(
        randomly configuration: TransformerConfiguration, seed: UInt64, precision: Precision, parallel: Parallel
    ) throws(ModelFileError) {
        try self.init(
            configuration, source: RandomWeights(configuration, seed: seed), path: "a randomly initialised model",
            precision: precision, parallel: parallel)
    }

    init(
        _ configuration: TransformerConfiguration, source: any WeightSource, path: String, precision: Precision,
        parallel: Parallel, quantised: QuantisedWeights = .blocks
    ) throws(ModelFileError) {
        let slots = WeightSlot.all(of: configuration)
        for (slot, shape) in slots {
            guard let found = source.shape(of: slot.name) else {
                throw .missing(path: path, field: "tensor \(slot.name)", advice: "config.json does not describe this file")
            }
            if found != shape { throw .shape(path: path, tensor: slot.name, expected: shape, found: found) }
        }
        packing = Packing(
            configuration, source: source, precision: precision, slots: slots, quantised: quantised, parallel: parallel)
    }

    /// The same model with its first layers only.
    package func truncated(toLayers count: Int, path: String, parallel: Parallel) throws(ModelFileError) -> UnloadedModel {
        precondition((1...configuration.layerCount).contains(count), "\(count) of \(configuration.layerCount) layers")
        var shape = configuration
        shape.layerCount = count
        var model = try UnloadedModel(
            shape, source: packing.source, path: path, precision: precision, parallel: parallel, quantised: packing.quantised)
        model.keyPrecision = keyPrecision
        return model
    }

    /// Bytes of the packed weights.
    package func byteCount(_ part: WeightPart) -> Int { packing.byteCount(part) }

    /// Whether `QuantisedWeights.blocks` would take less: the file has blocks that are not used.
    package var couldUseCodes: Bool {
        packing.precision == .bf16
            && packing.slots.contains { slot, _ in
                guard case .numbers = packing.forms[slot], slot != .embedding else { return false }
                return packing.source.codeFormat(of: slot.name) != nil
            }
    }

    /// Whether all processes of a node map one copy of the weights, as long as files can be made.
    package func isShared(by cache: PackedCache?) -> Bool { cache?.holds(packing) ?? false }
}
