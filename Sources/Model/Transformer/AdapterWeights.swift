internal import Tensor

/// The LoRA matrices of one linear map, packed: y += s·B(A x) (Hu et al. 2021, section 4.1).
struct AdapterWeights: Sendable {
    let a: LinearWeights
    let b: LinearWeights
    let rank: Int
    /// s
    let scaling: Float

    init(outputs: Int, inputs: Int, rank: Int, scaling: Float, precision: Precision, gradients: Bool) {
        a = LinearWeights(outputs: rank, inputs: inputs, precision: precision, gradients: gradients)
        b = LinearWeights(outputs: outputs, inputs: rank, precision: precision, gradients: gradients)
        self.rank = rank
        self.scaling = scaling
    }
}

/// The adapters of all layers, which may differ in their places and ranks.
struct AdapterStack: Sendable {
    private let matrices: [[AdapterWeights?]]
    /// The largest rank that each linear map has in any layer, by kind; 0 where it has no adapter.
    let ranks: [Int]

    init(_ configuration: AdapterConfiguration, of model: TransformerConfiguration, precision: Precision, gradients: Bool) {
        let kinds = LinearKind.allCases.count
        var matrices = [[AdapterWeights?]](repeating: Array(repeating: nil, count: kinds), count: model.layerCount)
        for (place, strength) in configuration.places(layerCount: model.layerCount) {
            let (outputs, inputs) = model.extents(of: place.kind), kind = place.kind.rawValue
            matrices[place.layer][kind] = AdapterWeights(
                outputs: outputs, inputs: inputs, rank: strength.rank, scaling: configuration.scaling(of: strength),
                precision: precision, gradients: gradients)
        }
        self.matrices = matrices
        ranks = configuration.maximumRanks(layerCount: model.layerCount)
    }

    subscript(layer: Int, kind: LinearKind) -> AdapterWeights? { matrices[layer][kind.rawValue] }

    /// The first matrix that holds NaN or an infinity, by PEFT's name.
    var firstNotFinite: String? {
        for (layer, maps) in matrices.enumerated() {
            for (kind, adapter) in zip(LinearKind.allCases, maps) {
                guard let adapter else { continue }
                for (name, matrix) in [("lora_A", adapter.a), ("lora_B", adapter.b)] where !matrix.isFinite {
                    return "base_model.model.model.layers.\(layer).\(kind.path).\(name).weight"
                }
            }
        }
        return nil
    }

    func maximumRank(_ kind: LinearKind) -> Int { ranks[kind.rawValue] }
}
