/// One tensor of a model: the place it has in the network, whatever file or arena its numbers come from.
enum WeightSlot: Hashable, Sendable {
    case embedding
    case inputNorm(Int)
    case postAttentionNorm(Int)
    case weight(Int, LinearKind)
    case bias(Int, LinearKind)
    case finalNorm
    case head

    /// Hugging Face's name.
    var name: String {
        switch self {
        case .embedding: "model.embed_tokens.weight"
        case .inputNorm(let layer): "model.layers.\(layer).input_layernorm.weight"
        case .postAttentionNorm(let layer): "model.layers.\(layer).post_attention_layernorm.weight"
        case .weight(let layer, let kind): "model.layers.\(layer).\(kind.path).weight"
        case .bias(let layer, let kind): "model.layers.\(layer).\(kind.path).bias"
        case .finalNorm: "model.norm.weight"
        case .head: "lm_head.weight"
        }
    }

    /// Every tensor of the architecture with its shape, in the order of `TransformerConfiguration.tensorShapes`.
    static func all(of configuration: TransformerConfiguration) -> [(slot: WeightSlot, shape: [Int])] {
        var slots: [WeightSlot] = [.embedding]
        for layer in 0..<configuration.layerCount {
            slots += [.inputNorm(layer), .postAttentionNorm(layer)]
            for kind in LinearKind.allCases {
                slots.append(.weight(layer, kind))
                if configuration.hasBias(kind) { slots.append(.bias(layer, kind)) }
            }
        }
        slots.append(.finalNorm)
        if !configuration.tiedEmbeddings { slots.append(.head) }
        let shapes = configuration.tensorShapes
        precondition(slots.map(\.name) == shapes.map(\.name), "the tensors of a model are listed in two orders")
        return zip(slots, shapes).map { ($0, $1.shape) }
    }
}
