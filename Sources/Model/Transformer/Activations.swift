internal import Tensor

/// What one layer computes for all rows of a batch. M rows · D hidden · Q query width · E key width · I intermediate · H heads
///
/// A recording pass has one of these per layer; those of `RecordingLevel.input` share all memory but their inputs. A pass without
/// recording uses one for all layers.
final class LayerActivations {
    let level: RecordingLevel
    /// The residual stream that enters the layer, [M, D].
    let input: FloatTensor
    /// … and after attention was added, [M, D].
    let middle: FloatTensor
    /// 1/rms of `input` and of `middle`, [M].
    let inputInverseRMS, middleInverseRMS: FloatTensor
    /// After rotation: [M, Q], [M, E], [M, E].
    let queries, keys, values: FloatTensor
    /// Attention's output, the input of o_proj: [M, Q].
    let attention: FloatTensor
    /// [M, H]
    let logSumExp: FloatTensor
    /// [M, I] each; nil where they lie in scratch memory and a backward computes them again.
    let gate, up: FloatTensor?
    /// A x of each adapted linear map, [M, rank], with room for its largest rank in any layer; one number where there is no adapter.
    private let projected: [FloatTensor]

    /// A layer of a recording, with memory of its own.
    convenience init(_ network: Network, rows: Int, keeping level: RecordingLevel) {
        self.init(network, rows: rows, keeping: level, middle: FloatTensor(rows, network.hiddenSize))
    }

    /// For a pass that records nothing: `middle` is the memory of `input`.
    convenience init(_ network: Network, rows: Int) { self.init(network, rows: rows, keeping: .input, middle: nil) }

    private init(_ network: Network, rows: Int, keeping level: RecordingLevel, middle: FloatTensor?) {
        let c = network.configuration
        self.level = level
        input = FloatTensor(unwritten: rows, c.hiddenSize)
        self.middle = middle ?? input
        inputInverseRMS = FloatTensor(unwritten: rows)
        middleInverseRMS = FloatTensor(unwritten: rows)
        queries = FloatTensor(unwritten: rows, network.queryWidth)
        keys = FloatTensor(unwritten: rows, network.keyWidth)
        values = FloatTensor(unwritten: rows, network.keyWidth)
        attention = FloatTensor(unwritten: rows, network.queryWidth)
        logSumExp = FloatTensor(unwritten: rows, c.headCount)
        gate = level == .everything ? FloatTensor(unwritten: rows, c.intermediateSize) : nil
        up = level == .everything ? FloatTensor(unwritten: rows, c.intermediateSize) : nil
        projected = LinearKind.allCases.map { kind in
            guard let rank = network.adapters?.maximumRank(kind), rank > 0 else { return FloatTensor(unwritten: 1) }
            return FloatTensor(unwritten: rows, rank)
        }
    }

    /// Another layer of the same rows that keeps its input only, and works in this one's memory.
    init(sharing other: LayerActivations) {
        precondition(other.level == .input, "activations that a recording keeps cannot be shared")
        level = .input
        input = FloatTensor(unwritten: other.input.shape.extents[0], other.input.shape.extents[1])
        middle = other.middle
        inputInverseRMS = other.inputInverseRMS
        middleInverseRMS = other.middleInverseRMS
        queries = other.queries
        keys = other.keys
        values = other.values
        attention = other.attention
        logSumExp = other.logSumExp
        gate = nil
        up = nil
        projected = other.projected
    }

    /// A recording of all layers, which keeps what `budget` bytes allow beyond the inputs.
    static func recording(_ network: Network, rows: Int, budget: Int) -> [LayerActivations] {
        let sizes = LayerSizes(network.configuration, ranks: network.adapters?.ranks ?? [], rows: rows)
        var shared: LayerActivations?
        return RecordingLevel.levels(sizes, layers: network.configuration.layerCount, budget: budget).map { level in
            if level == .input, let shared { return LayerActivations(sharing: shared) }
            let layer = LayerActivations(network, rows: rows, keeping: level)
            if level == .input { shared = layer }
            return layer
        }
    }

    func projected(_ kind: LinearKind) -> UnsafeMutablePointer<Float> { projected[kind.rawValue].base }
}

/// Memory that every layer of a pass uses in turn.
final class LayerScratch {
    /// Norm outputs, [M, D].
    let normed: FloatTensor
    /// [M, I] each.
    let gate, up, gated: FloatTensor

    init(_ network: Network, rows: Int) {
        normed = FloatTensor(unwritten: rows, network.hiddenSize)
        gate = FloatTensor(unwritten: rows, network.configuration.intermediateSize)
        up = FloatTensor(unwritten: rows, network.configuration.intermediateSize)
        gated = FloatTensor(unwritten: rows, network.configuration.intermediateSize)
    }
}
