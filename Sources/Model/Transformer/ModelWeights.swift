internal import Tensor

/// One linear map y = W x + b of a layer, packed for products.
struct LinearWeights: Sendable {
    /// W: [outputs, inputs].
    let forward: PackedMatrix
    /// Wᵀ, for dx = Wᵀ dy; nil where no gradient is asked for.
    let transposed: PackedMatrix?
    /// b: [outputs].
    let bias: FloatTensor?

    init(outputs: Int, inputs: Int, precision: Precision, gradients: Bool) {
        forward = PackedMatrix(outputs: outputs, inputs: inputs, precision: precision)
        transposed = gradients ? PackedMatrix(outputs: inputs, inputs: outputs, precision: precision) : nil
        bias = nil
    }

    init(outputs: Int, inputs: Int, bias: Bool, form: WeightForm, in places: inout WeightPlaces) {
        forward = form.matrix(outputs: outputs, inputs: inputs, transposed: false, in: &places.forward)
        self.bias = bias ? FloatTensor(outputs, in: &places.forward) : nil
        // Not through an optional chain, which would hand out a copy of the cursor.
        if var cursor = places.transposed {
            transposed = form.matrix(outputs: inputs, inputs: outputs, transposed: true, in: &cursor)
            places.transposed = cursor
        } else {
            transposed = nil
        }
    }

    /// Whether W is one of numbers, and Wᵀ where it is kept.
    var isFinite: Bool { forward.isFinite && transposed?.isFinite ?? true }

    /// Takes `range` of the rows of W from `rows`, which are `inputs` long and lie one after another.
    func pack(_ range: Range<Int>, from rows: UnsafePointer<Float>, into parts: Set<WeightPart> = Set(WeightPart.allCases)) {
        if parts.contains(.forward) { forward.pack(outputs: range, from: rows, stride: forward.inputs) }
        if parts.contains(.transposed) { transposed?.packTransposed(inputs: range, from: rows, stride: forward.inputs) }
    }

    /// The same of a matrix in codes.
    func pack(_ range: Range<Int>, from rows: CodeRows, into parts: Set<WeightPart>) {
        if parts.contains(.forward) { forward.pack(range, from: rows) }
        if parts.contains(.transposed) { transposed?.pack(range, from: rows) }
    }
}

/// One decoder layer: two norms and the seven linear maps, indexed by `LinearKind`.
struct LayerWeights: Sendable {
    let inputNorm: FloatTensor
    let postAttentionNorm: FloatTensor
    private let linears: [LinearWeights]

    init(_ layer: Int, of configuration: TransformerConfiguration, forms: WeightForms, in places: inout WeightPlaces) {
        inputNorm = FloatTensor(configuration.hiddenSize, in: &places.forward)
        postAttentionNorm = FloatTensor(configuration.hiddenSize, in: &places.forward)
        linears = LinearKind.allCases.map { kind in
            let (outputs, inputs) = configuration.extents(of: kind)
            return LinearWeights(
                outputs: outputs, inputs: inputs, bias: configuration.hasBias(kind), form: forms[.weight(layer, kind)], in: &places)
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

    /// Zeros in memory of its own, to be packed into.
    convenience init(_ configuration: TransformerConfiguration, precision: Precision, gradients: Bool) {
        let parts: [WeightPart] = gradients ? [.forward, .transposed] : [.forward], forms = WeightForms(precision)
        self.init(
            configuration, forms: forms,
            in: Dictionary(uniqueKeysWithValues: parts.map { part in
                (part, MemoryArena.required(byteCount: part.byteCount(of: configuration, forms: forms)))
            }))
    }

    /// In arenas of their parts' sizes: zeroed memory to be packed into, or weights that were packed there.
    init(_ configuration: TransformerConfiguration, forms: WeightForms, in arenas: [WeightPart: MemoryArena]) {
        self.configuration = configuration
        let precision = forms.precision
        self.precision = precision
        var places = WeightPlaces(arenas)
        embedding = EmbeddingTable(
            vocabulary: configuration.vocabularySize, width: configuration.hiddenSize, precision: precision, in: &places.forward)
        var layers: [LayerWeights] = []
        for layer in 0..<configuration.layerCount {
            layers.append(LayerWeights(layer, of: configuration, forms: forms, in: &places))
        }
        self.layers = layers
        finalNorm = FloatTensor(configuration.hiddenSize, in: &places.forward)
        head = LinearWeights(
            outputs: configuration.vocabularySize, inputs: configuration.hiddenSize, bias: false,
            form: forms[configuration.tiedEmbeddings ? .embedding : .head], in: &places)
        precondition(places.areAtEnd, "the tensors of a model do not fill its arenas")
    }

    /// Takes `range` of a tensor's rows from `rows`, for these parts of the weights. A vector is one row; a block of rows starts at an
    /// even row and ends at an even one or the last, because bf16 weights are packed in pairs.
    func pack(
        _ slot: WeightSlot, rows range: Range<Int>, from rows: UnsafePointer<Float>, into parts: Set<WeightPart> = Set(WeightPart.allCases)
    ) {
        switch slot {
        case .weight(let layer, let kind): layers[layer][kind].pack(range, from: rows, into: parts)
        case .head: head.pack(range, from: rows, into: parts)
        case .embedding:
            if parts.contains(.forward) { embedding.write(range, from: rows) }
            if configuration.tiedEmbeddings, head.forward.format == nil { head.pack(range, from: rows, into: parts) }
        case .inputNorm, .postAttentionNorm, .bias, .finalNorm:
            if parts.contains(.forward), let vector = vector(slot) { vector.base.update(from: rows, count: vector.count) }
        }
    }

    /// The same of a matrix in codes; of tied embeddings, the output matrix.
    func pack(_ slot: WeightSlot, rows range: Range<Int>, from rows: CodeRows, into parts: Set<WeightPart>) {
        switch slot {
        case .weight(let layer, let kind): layers[layer][kind].pack(range, from: rows, into: parts)
        case .embedding, .head: head.pack(range, from: rows, into: parts)
        case .inputNorm, .postAttentionNorm, .bias, .finalNorm: preconditionFailure("\(slot.name) in codes")
        }
    }

    /// A tensor of one dimension; nil where the slot is none, or not there.
    private func vector(_ slot: WeightSlot) -> FloatTensor? {
        switch slot {
        case .inputNorm(let layer): layers[layer].inputNorm
        case .postAttentionNorm(let layer): layers[layer].postAttentionNorm
        case .bias(let layer, let kind): layers[layer][kind].bias
        case .finalNorm: finalNorm
        case .embedding, .weight, .head: nil
        }
    }

    /// The tensors that hold NaN or an infinity.
    var notFinite: [WeightSlot] {
        func isFinite(_ tensor: FloatTensor) -> Bool { Kernel.maximumMagnitude(tensor.base, count: tensor.count).isFinite }
        return WeightSlot.all(of: configuration).map(\.slot).filter { slot in
            switch slot {
            case .embedding: !embedding.isFinite
            case .weight(let layer, let kind): !layers[layer][kind].isFinite
            case .head: !head.isFinite
            case .inputNorm, .postAttentionNorm, .bias, .finalNorm: !(vector(slot).map(isFinite) ?? true)
            }
        }
    }
}

/// The rows of the embedding matrix, kept exactly in fp32 mode and rounded to bf16 in bf16 mode.
struct EmbeddingTable: @unchecked Sendable {
    private enum Storage {
        case exact(UnsafeMutablePointer<Float>)
        case rounded(UnsafeMutablePointer<UInt16>)
    }
    private let width: Int
    private let count: Int
    private let storage: Storage
    private let arena: MemoryArena

    init(vocabulary: Int, width: Int, precision: Precision, in cursor: inout ArenaCursor) {
        self.width = width
        count = vocabulary * width
        arena = cursor.arena
        let bytes = cursor.take(Self.byteCount(vocabulary: vocabulary, width: width, precision: precision))
        storage = switch precision {
        case .fp32: .exact(bytes.bindMemory(to: Float.self, capacity: count))
        case .bf16: .rounded(bytes.bindMemory(to: UInt16.self, capacity: count))
        }
    }

    static func byteCount(vocabulary: Int, width: Int, precision: Precision) -> Int { vocabulary * width * (precision == .fp32 ? 4 : 2) }

    func write(_ range: Range<Int>, from rows: UnsafePointer<Float>) {
        let (start, count) = (range.lowerBound * width, range.count * width)
        guard count > 0 else { return }
        switch storage {
        case .exact(let table): (table + start).update(from: rows, count: count)
        case .rounded(let bits): Kernel.roundToBFloat16(rows, count: count, into: bits + start)
        }
    }

    var isFinite: Bool {
        switch storage {
        case .exact(let table): Kernel.maximumMagnitude(table, count: count).isFinite
        case .rounded(let bits): UnsafeBufferPointer(start: bits, count: count).allSatisfy { $0 & 0x7f80 != 0x7f80 }
        }
    }

    /// x[m, :] = the row of token m.   x: [tokens, D]
    func gather(_ tokens: [Int32], into x: UnsafeMutablePointer<Float>) {
        for (m, token) in tokens.enumerated() {
            let start = Int(token) * width
            switch storage {
            case .exact(let table): (x + m * width).update(from: table + start, count: width)
            case .rounded(let bits): Kernel.widenBFloat16(bits + start, count: width, into: x + m * width)
            }
        }
    }
}
