/// One gradient buffer in the order of a layout, seen tensor by tensor.
struct ParameterGradients: GradientMap {
    let base: UnsafeMutablePointer<Float>
    let trainable: Trainable
    private let offsets: [WeightSlot: Int]
    private let adapterOffsets: [[(a: Int, b: Int)?]]

    init(_ base: UnsafeMutablePointer<Float>, layout: ParameterLayout, trainable: Trainable, model: TransformerConfiguration) {
        self.base = base
        self.trainable = trainable
        var offsets: [WeightSlot: Int] = [:], adapterOffsets: [[(a: Int, b: Int)?]] = []
        switch trainable {
        case .full:
            for ((slot, _), entry) in zip(WeightSlot.all(of: model), layout.entries) { offsets[slot] = entry.offset }
        case .lora:
            adapterOffsets = Array(repeating: Array(repeating: nil, count: LinearKind.allCases.count), count: model.layerCount)
            for adapter in layout.adapters {
                adapterOffsets[adapter.place.layer][adapter.place.kind.rawValue] = (adapter.a.offset, adapter.b.offset)
            }
        }
        self.offsets = offsets
        self.adapterOffsets = adapterOffsets
    }

    var reachesEmbedding: Bool { trainable == .full }

    func vector(_ slot: WeightSlot) -> UnsafeMutablePointer<Float>? { offsets[slot].map { base + $0 } }

    func linear(_ kind: LinearKind, layer: Int) -> LinearGradient {
        let adapter = adapterOffsets.isEmpty ? nil : adapterOffsets[layer][kind.rawValue]
        return LinearGradient(
            weight: vector(.weight(layer, kind)), bias: vector(.bias(layer, kind)), a: adapter.map { base + $0.a },
            b: adapter.map { base + $0.b })
    }

    /// The output matrix's gradient: the embedding's when they are tied.
    func head(tied: Bool) -> UnsafeMutablePointer<Float>? { vector(tied ? .embedding : .head) }
}
