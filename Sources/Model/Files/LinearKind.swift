/// The seven linear maps of a decoder layer, in the order of the parameter layout.
package enum LinearKind: Int, CaseIterable, Sendable, Comparable {
    case query, key, value, output, gate, up, down

    /// The name that `target_modules` of a PEFT adapter uses.
    package var moduleName: String {
        switch self {
        case .query: "q_proj"
        case .key: "k_proj"
        case .value: "v_proj"
        case .output: "o_proj"
        case .gate: "gate_proj"
        case .up: "up_proj"
        case .down: "down_proj"
        }
    }

    /// The module's place within its layer, as in checkpoints.
    package var path: String {
        switch self {
        case .query, .key, .value, .output: "self_attn.\(moduleName)"
        case .gate, .up, .down: "mlp.\(moduleName)"
        }
    }

    package init?(moduleName: String) {
        guard let kind = LinearKind.allCases.first(where: { $0.moduleName == moduleName }) else { return nil }
        self = kind
    }

    package static func < (left: LinearKind, right: LinearKind) -> Bool { left.rawValue < right.rawValue }
}

extension TransformerConfiguration {
    /// The size of what goes into the linear map and of what comes out; its matrix is [outputs, inputs].
    package func extents(of kind: LinearKind) -> (outputs: Int, inputs: Int) {
        switch kind {
        case .query: (headCount * headSize, hiddenSize)
        case .key, .value: (keyValueHeadCount * headSize, hiddenSize)
        case .output: (hiddenSize, headCount * headSize)
        case .gate, .up: (intermediateSize, hiddenSize)
        case .down: (hiddenSize, intermediateSize)
        }
    }

    package func hasBias(_ kind: LinearKind) -> Bool {
        switch kind {
        case .query, .key, .value: queryKeyValueBias
        case .output: outputBias
        case .gate, .up, .down: mlpBias
        }
    }

    /// Every tensor of the model, by its Hugging Face name, with its shape: embedding, layers, final norm, output matrix.
    package var tensorShapes: [(name: String, shape: [Int])] {
        var shapes: [(name: String, shape: [Int])] = [("model.embed_tokens.weight", [vocabularySize, hiddenSize])]
        for layer in 0..<layerCount {
            let prefix = "model.layers.\(layer)."
            shapes.append((prefix + "input_layernorm.weight", [hiddenSize]))
            shapes.append((prefix + "post_attention_layernorm.weight", [hiddenSize]))
            for kind in LinearKind.allCases {
                let (outputs, inputs) = extents(of: kind)
                shapes.append((prefix + kind.path + ".weight", [outputs, inputs]))
                if hasBias(kind) { shapes.append((prefix + kind.path + ".bias", [outputs])) }
            }
        }
        shapes.append(("model.norm.weight", [hiddenSize]))
        if !tiedEmbeddings { shapes.append(("lm_head.weight", [vocabularySize, hiddenSize])) }
        return shapes
    }
}
