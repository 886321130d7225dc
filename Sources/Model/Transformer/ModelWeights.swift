internal import Tensor

/// One linear map y = W x + b of a layer, packed for products.
struct LinearWeights: Sendable {
    /// W: [outputs, inputs].
    let forward: PackedMatrix
    /// Wᵀ, for dx = Wᵀ dy; nil where no gradient is asked for.
    let transposed: PackedMatrix?
    /// b: [outputs].
    let bias: FloatTensor?

    init(outputs: Int, inputs: Int, bias: Bool, precision: Precision, gradients: Bool) {
        forward = PackedMatrix(outputs: outputs, inputs: inputs, precision: precision)
        transposed = gradients ? PackedMatrix(outputs: inputs, inputs: outputs, precision: precision) : nil
        self.bias = bias ? FloatTensor(outputs) : nil
    }

    /// Whether W is one of numbers, and Wᵀ where it is kept.
    var isFinite: Bool { forward.isFinite && transposed?.isFinite ?? true }

    /// Takes `range` of the rows of W from `rows`, which are `inputs` long and lie one after another.
    func pack(_ range: Range<Int>, from rows: UnsafePointer<Float>) {
        forward.pack(outputs: range, from: rows, stride: forward.inputs)
        transposed?.packTransposed(inputs: range, from: rows, stride: forward.inputs)
    }
}

/// One decoder layer: two norms and the seven linear maps, indexed by `LinearKind`.
struct LayerWeights: Sendable {
    let inputNorm: FloatTensor
    let postAttentionNorm: FloatTensor
    private let linears: [LinearWeights]

    init(_ configuration: TransformerConfiguration, precision: Precision, gradients: Bool) {
        inputNorm = FloatTensor(configuration.hiddenSize)
        postAttentionNorm = FloatTensor(configuration.hiddenSize)
        linears = LinearKind.allCases.map { kind in
            let (outputs, inputs) = configuration.extents(of: kind)
            return LinearWeights(
                outputs: outputs, inputs: inputs, bias: configuration.hasBias(kind), precision: precision, gradients: gradients)
        }
    }

    subscript(kind: LinearKind) -> LinearWeights { linears[kind.rawValue] }
}

/// All weights of a model in the form in which the products want them.
///
/// Written once (a frozen base) or again after every update (a policy of which every weight is trained); read by many
/// threads in between.
final class ModelWeights: @unchecked Sendable {
    let configuration: TransformerConfiguration
    let precision: Precision
    let embedding: EmbeddingTable
    let layers: [LayerWeights]
    let finalNorm: FloatTensor
    /// The output matrix [V, D]; the embedding when they are tied.
    let head: LinearWeights

    init(_ configuration: TransformerConfiguration, precision: Precision, gradients: Bool) {
        self.configuration = configuration
        self.precision = precision
        embedding = EmbeddingTable(
            vocabulary: configuration.vocabularySize, width: configuration.hiddenSize, precision: precision)
        layers = (0..<configuration.layerCount).map { _ in
            LayerWeights(configuration, precision: precision, gradients: gradients)
        }
        finalNorm = FloatTensor(configuration.hiddenSize)
        head = LinearWeights(
            outputs: configuration.vocabularySize, inputs: configuration.hiddenSize, bias: false, precision: precision,
            gradients: gradients)
    }

    /// Takes `range` of a tensor's rows from `rows`. A vector is one row; a block of rows starts at an even row and ends at
    /// an even one or the last, because bf16 weights are packed in pairs.
    func pack(_ slot: WeightSlot, rows range: Range<Int>, from rows: UnsafePointer<Float>) {
        switch slot {
        case .embedding:
            embedding.write(range, from: rows)
            if configuration.tiedEmbeddings { head.pack(range, from: rows) }
        case .inputNorm(let layer): copy(rows, to: layers[layer].inputNorm)
        case .postAttentionNorm(let layer): copy(rows, to: layers[layer].postAttentionNorm)
        case .weight(let layer, let kind): layers[layer][kind].pack(range, from: rows)
        case .bias(let layer, let kind):
            if let bias = layers[layer][kind].bias { copy(rows, to: bias) }
        case .finalNorm: copy(rows, to: finalNorm)
        case .head: head.pack(range, from: rows)
        }
    }

    /// The tensors that hold NaN or an infinity.
    var notFinite: [WeightSlot] {
        func isFinite(_ tensor: FloatTensor) -> Bool { Kernel.maximumMagnitude(tensor.base, count: tensor.count).isFinite }
        return WeightSlot.all(of: configuration).map(\.slot).filter { slot in
            switch slot {
            case .embedding: !embedding.isFinite
            case .inputNorm(let layer): !isFinite(layers[layer].inputNorm)
            case .postAttentionNorm(let layer): !isFinite(layers[layer].postAttentionNorm)
            case .weight(let layer, let kind): !layers[layer][kind].isFinite
            case .bias(let layer, let kind): !(layers[layer][kind].bias.map(isFinite) ?? true)
            case .finalNorm: !isFinite(finalNorm)
            case .head: !head.isFinite
            }
        }
    }

    private func copy(_ values: UnsafePointer<Float>, to tensor: FloatTensor) {
        tensor.base.update(from: values, count: tensor.count)
    }
}

/// The rows of the embedding matrix, kept exactly in fp32 mode and rounded to bf16 in bf16 mode.
final class EmbeddingTable: @unchecked Sendable {
    private enum Storage {
        case exact(FloatTensor)
        case rounded(UnsafeMutableBufferPointer<UInt16>)
    }
    private let width: Int
    private let storage: Storage

    init(vocabulary: Int, width: Int, precision: Precision) {
        self.width = width
        switch precision {
        case .fp32: storage = .exact(FloatTensor(vocabulary, width))
        case .bf16:
            let bits = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: vocabulary * width)
            bits.initialize(repeating: 0)
            storage = .rounded(bits)
        }
    }

    deinit {
        if case .rounded(let bits) = storage { bits.deallocate() }
    }

    func write(_ range: Range<Int>, from rows: UnsafePointer<Float>) {
        let (start, count) = (range.lowerBound * width, range.count * width)
        guard count > 0 else { return }
        switch storage {
        case .exact(let table): (table.base + start).update(from: rows, count: count)
        case .rounded(let bits):
            if let base = bits.baseAddress { Kernel.roundToBFloat16(rows, count: count, into: base + start) }
        }
    }

    var isFinite: Bool {
        switch storage {
        case .exact(let table): Kernel.maximumMagnitude(table.base, count: table.count).isFinite
        case .rounded(let bits): bits.allSatisfy { $0 & 0x7f80 != 0x7f80 }
        }
    }

    /// x[m, :] = the row of token m.   x: [tokens, D]
    func gather(_ tokens: [Int32], into x: UnsafeMutablePointer<Float>) {
        for (m, token) in tokens.enumerated() {
            let start = Int(token) * width
            switch storage {
            case .exact(let table): (x + m * width).update(from: table.base + start, count: width)
            case .rounded(let bits):
                if let base = bits.baseAddress { Kernel.widenBFloat16(base + start, count: width, into: x + m * width) }
            }
        }
    }
}
