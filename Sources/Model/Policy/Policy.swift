package import Tensor

/// π(y|x): a frozen base with an adapter, or weights of its own.
///
/// Not to be used by two threads at once; the base may be shared.
package final class Policy {
    package let base: BaseModel
    package let trainable: Trainable
    package let layout: ParameterLayout
    package let parallel: Parallel
    /// Of the parameters last adopted: the number of optimiser steps that made them.
    package private(set) var version = 0
    /// Off: the frozen base alone, which is the reference. A policy with `full` weights then is the model it started from.
    package var adapterEnabled = true
    /// ⊤, whose log-probability is read at every state and any of which ends a response. Never fed.
    package var stopTokens: StopTokens
    /// Bytes of activations that a recording may keep on top of what a pass takes in any case (`PolicyMemory`), to which the input of each
    /// layer and one layer's activations but for gate and up belong. Where they do not suffice, layers compute again in the
    /// backward what they have not kept (`RecordingLevel`). Changes time, not results.
    package var activationBudget = 512 << 20

    private let adapters: AdapterStack?
    /// Of a policy with `full` weights, once parameters were adopted.
    private var ownWeights: ModelWeights?
    private var rotary: RotaryTable

    /// The base as it is, until parameters are adopted. The base needs `gradients` if there is to be a backward.
    package init(base: BaseModel, trainable: Trainable, parallel: Parallel) {
        self.base = base
        self.trainable = trainable
        self.parallel = parallel
        layout = ParameterLayout(trainable, of: base.configuration)
        stopTokens = StopTokens(base.configuration.endTokens)
        if case .lora(let adapter) = trainable {
            adapters = AdapterStack(adapter, of: base.configuration, precision: base.precision, gradients: base.gradients)
        } else {
            adapters = nil
        }
        rotary = base.configuration.rotaryTable(positions: 256)
    }

    /// The first tensor of the weights that it computes with, adapters after the base, that holds NaN or an infinity; for who looks for
    /// the reason of a number that is none: it reads all of them.
    package var firstTensorNotFinite: String? {
        (ownWeights ?? base.weights).notFinite.first?.name ?? adapters?.firstNotFinite
    }

    /// Where training starts. LoRA: A uniform on ±1/√inputs, as PEFT's Kaiming-uniform with a = √5, and B zero, so that π is the
    /// base. Full: the base's values, read again from where it came from.
    package func initialParameters(seed: UInt64) throws(ModelFileError) -> [Float] {
        var parameters: [Float] = []
        parameters.reserveCapacity(layout.count)
        for (index, entry) in layout.entries.enumerated() {
            switch trainable {
            case .full: parameters += try base.source.read(entry.name)
            case .lora:
                if index % 2 == 1 {
                    parameters += [Float](repeating: 0, count: entry.count)
                } else {
                    var random = RandomStream(seed: seed, purpose: .initialization, slot: index)
                    let bound = 1 / Float(entry.shape[1]).squareRoot()
                    for _ in 0..<entry.count { parameters.append((2 * random.uniform() - 1) * bound) }
                }
            }
        }
        return parameters
    }

    /// Computes with these parameters from now on: bf16 bits in the order of `layout`.
    package func adopt(_ bits: [UInt16], version: Int) {
        precondition(bits.count == layout.count, "adopt: \(bits.count) numbers for \(layout.count) parameters")
        let values = FloatTensor(max(1, bits.count))
        Kernel.widenBFloat16(bits, count: bits.count, into: values.base)
        adopt(values.base, version: version)
    }

    /// The same with exact values. Training goes through bf16, so that whoever receives a broadcast has equal numbers.
    package func adopt(values: [Float], version: Int) {
        precondition(values.count == layout.count, "adopt: \(values.count) numbers for \(layout.count) parameters")
        values.withUnsafeBufferPointer { if let base = $0.baseAddress { adopt(base, version: version) } }
    }

    private func adopt(_ values: UnsafePointer<Float>, version: Int) {
        self.version = version
        switch trainable {
        case .full:
            let weights = ownWeights ?? ModelWeights(base.configuration, precision: base.precision, gradients: base.gradients)
            ownWeights = weights
            let slots = WeightSlot.all(of: base.configuration)
            parallel.forEach(slots.count) { range in
                for index in range {
                    let (slot, shape) = slots[index]
                    weights.pack(slot, rows: 0..<(shape.count > 1 ? shape[0] : 1), from: values + layout.entries[index].offset)
                }
            }
        case .lora:
            guard let adapters else { return }
            for entry in layout.adapters {
                guard let adapter = adapters[entry.place.layer, entry.place.kind] else { continue }
                adapter.a.pack(0..<entry.a.shape[0], from: values + entry.a.offset)
                adapter.b.pack(0..<entry.b.shape[0], from: values + entry.b.offset)
            }
        }
    }

    /// The weights of the next pass, with a rotary table for `positions` positions.
    func network(positions: Int) -> Network {
        if positions > rotary.maximumPosition {
            rotary = base.configuration.rotaryTable(positions: max(positions, 2 * rotary.maximumPosition))
        }
        return Network(
            weights: adapterEnabled ? ownWeights ?? base.weights : base.weights, adapters: adapterEnabled ? adapters : nil,
            rotary: rotary, keyPrecision: base.keyPrecision, parallel: parallel)
    }

    func gradients(into buffer: UnsafeMutablePointer<Float>) -> ParameterGradients {
        ParameterGradients(buffer, layout: layout, trainable: trainable, model: base.configuration)
    }
}
