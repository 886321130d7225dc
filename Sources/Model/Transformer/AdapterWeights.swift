internal import Tensor

/// The LoRA matrices of one linear map, packed: y += s·B(A x) (Hu et al. 2021, section 4.1).
struct AdapterWeights: Sendable {
    let a: LinearWeights
    let b: LinearWeights

    init(outputs: Int, inputs: Int, rank: Int, precision: Precision, gradients: Bool) {
        a = LinearWeights(outputs: rank, inputs: inputs, bias: false, precision: precision, gradients: gradients)
        b = LinearWeights(outputs: outputs, inputs: rank, bias: false, precision: precision, gradients: gradients)
    }
}

/// The adapters of all layers: the same kinds of linear maps in each.
struct AdapterStack: Sendable {
    let configuration: AdapterConfiguration
    private let matrices: [[AdapterWeights?]]

    init(_ configuration: AdapterConfiguration, of model: TransformerConfiguration, precision: Precision, gradients: Bool) {
        self.configuration = configuration
        matrices = (0..<model.layerCount).map { _ in
            LinearKind.allCases.map { kind in
                guard configuration.targets.contains(kind) else { return nil }
                let (outputs, inputs) = model.extents(of: kind)
                return AdapterWeights(
                    outputs: outputs, inputs: inputs, rank: configuration.rank, precision: precision, gradients: gradients)
            }
        }
    }

    subscript(layer: Int, kind: LinearKind) -> AdapterWeights? { matrices[layer][kind.rawValue] }
}
