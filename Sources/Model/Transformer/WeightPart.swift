internal import Tensor

/// The weights of a model lie in two stretches of memory, because not every rank needs both.
package enum WeightPart: String, CaseIterable, Sendable {
    /// What a forward pass reads.
    case forward
    /// The matrices of a backward, Wᵀ.
    case transposed

    /// Of all tensors in it, each on a boundary of 64 bytes.
    func byteCount(of configuration: TransformerConfiguration, forms: WeightForms) -> Int {
        WeightSlot.all(of: configuration).reduce(0) { $0 + extent(of: $1.slot, shape: $1.shape, configuration, forms) }
    }

    private func extent(of slot: WeightSlot, shape: [Int], _ configuration: TransformerConfiguration, _ forms: WeightForms) -> Int {
        func matrix(_ outputs: Int, _ inputs: Int) -> Int {
            let form = forms[slot]
            return self == .forward
                ? ArenaCursor.extent(form.byteCount(outputs: outputs, inputs: inputs, transposed: false))
                : ArenaCursor.extent(form.byteCount(outputs: inputs, inputs: outputs, transposed: true))
        }
        switch slot {
        case .weight, .head: return matrix(shape[0], shape[1])
        case .embedding:
            let table = ArenaCursor.extent(EmbeddingTable.byteCount(vocabulary: shape[0], width: shape[1], precision: forms.precision))
            return (self == .forward ? table : 0) + (configuration.tiedEmbeddings ? matrix(shape[0], shape[1]) : 0)
        case .inputNorm, .postAttentionNorm, .bias, .finalNorm:
            return self == .forward ? ArenaCursor.extent(shape[0] * MemoryLayout<Float>.stride) : 0
        }
    }
}

/// Where the next tensor of each part goes.
struct WeightPlaces {
    var forward: ArenaCursor
    /// Nil where no gradient is asked for.
    var transposed: ArenaCursor?

    init(_ arenas: [WeightPart: MemoryArena]) {
        guard let forward = arenas[.forward] else { preconditionFailure("weights without memory for a forward pass") }
        self.forward = ArenaCursor(forward)
        transposed = arenas[.transposed].map { ArenaCursor($0) }
    }

    var areAtEnd: Bool { forward.isAtEnd && transposed?.isAtEnd ?? true }
}
