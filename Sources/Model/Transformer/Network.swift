internal import Tensor

/// The weights of one forward pass, and how it is computed: what a policy hands to the transformer.
struct Network {
    let weights: ModelWeights
    /// Nil for a model without adapter.
    let adapters: AdapterStack?
    let rotary: RotaryTable
    /// Of keys (after rotation) and values: bf16, where attention is to read what a cache in bf16 would hold.
    let keyPrecision: Precision
    let parallel: Parallel

    var configuration: TransformerConfiguration { weights.configuration }
    var hiddenSize: Int { configuration.hiddenSize }
    var queryWidth: Int { configuration.headCount * configuration.headSize }
    var keyWidth: Int { configuration.keyValueHeadCount * configuration.headSize }
    var attentionScale: Float { 1 / Float(configuration.headSize).squareRoot() }

    /// y = (addend +) W x + b + s·B(A x) of linear maps that read the same rows.      x: [rows, inputs]   y, addend: [rows, outputs]
    ///
    /// `projected` of each map receives A x, [rows, rank]; it is not touched where there is no adapter.
    func apply(_ maps: [MappedRows], layer: Int, to x: UnsafePointer<Float>, rows: Int) {
        let terms = maps.map { map in
            let linear = weights.layers[layer][map.kind]
            return ProductTerm(
                linear.forward, into: map.output, stride: linear.forward.outputs, addend: map.addend, bias: linear.bias.map { UnsafePointer($0.base) },
                lowRank: adapters?[layer, map.kind].map {
                    LowRankTerm(a: $0.a.forward, b: $0.b.forward, scale: $0.scaling, projected: map.projected)
                })
        }
        Kernel.multiply(x, rows: rows, stride: terms[0].weights.inputs, by: terms, parallel: parallel)
    }

    /// t = A x of the linear map's adapter, [rows, rank]; not touched where there is none.
    func project(
        _ kind: LinearKind, layer: Int, _ x: UnsafePointer<Float>, rows: Int, into projected: UnsafeMutablePointer<Float>
    ) {
        guard let a = adapters?[layer, kind]?.a.forward else { return }
        Kernel.multiply(x, rows: rows, stride: a.inputs, by: a, into: projected, stride: a.outputs, parallel: parallel)
    }

    func normalize(
        _ x: UnsafePointer<Float>, rows: Int, gain: FloatTensor, into y: UnsafeMutablePointer<Float>,
        inverseRMS: UnsafeMutablePointer<Float>? = nil
    ) {
        Kernel.rmsNorm(
            x, rows: rows, width: hiddenSize, gain: gain.base, epsilon: configuration.normEpsilon, into: y,
            inverseRMS: inverseRMS, parallel: parallel)
    }

    func rotate(
        _ x: UnsafeMutablePointer<Float>, rows: Int, heads: Int, positions: UnsafePointer<Int32>, inverse: Bool = false
    ) {
        let headSize = configuration.headSize
        Kernel.rotate(
            x, rows: rows, stride: heads * headSize, heads: heads, headSize: headSize, positions: positions, table: rotary,
            inverse: inverse, parallel: parallel)
    }
}

/// Where a linear map's outputs go.
struct MappedRows {
    let kind: LinearKind
    let output: UnsafeMutablePointer<Float>
    var addend: UnsafePointer<Float>?
    let projected: UnsafeMutablePointer<Float>

    init(
        _ kind: LinearKind, into output: UnsafeMutablePointer<Float>, addend: UnsafePointer<Float>? = nil,
        projected: UnsafeMutablePointer<Float>
    ) {
        self.kind = kind
        self.output = output
        self.addend = addend
        self.projected = projected
    }
}
