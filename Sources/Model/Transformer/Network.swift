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

    /// y = W x + b + s·B(A x), or y += … when accumulating.         x: [rows, inputs]   y: [rows, outputs]
    ///
    /// `projected` receives A x, [rows, rank]; it is not touched where there is no adapter.
    func apply(
        _ kind: LinearKind, layer: Int, to x: UnsafePointer<Float>, rows: Int, into y: UnsafeMutablePointer<Float>,
        accumulating: Bool = false, projected: UnsafeMutablePointer<Float>
    ) {
        let linear = weights.layers[layer][kind]
        let (outputs, inputs) = (linear.forward.outputs, linear.forward.inputs)
        Kernel.multiply(
            x, rows: rows, stride: inputs, by: linear.forward, into: y, stride: outputs, accumulating: accumulating,
            parallel: parallel)
        if let bias = linear.bias { Kernel.addRow(bias.base, into: y, rows: rows, width: outputs, stride: outputs) }
        guard let adapter = adapters?[layer, kind] else { return }
        project(kind, layer: layer, x, rows: rows, into: projected)
        Kernel.multiply(
            projected, rows: rows, stride: adapter.rank, by: adapter.b.forward, into: y, stride: outputs,
            scale: adapter.scaling, accumulating: true, parallel: parallel)
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
