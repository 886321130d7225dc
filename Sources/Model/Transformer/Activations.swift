internal import Tensor

/// What one layer computes for all rows of a batch. M rows · D hidden · Q query width · E key width · I intermediate · H heads
///
/// A recording pass has one of these per layer; a pass without recording uses one for all layers, and keeps gate and up in
/// its scratch memory.
final class LayerActivations {
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
    /// [M, I] each; nil in a recording that computes them again in the backward.
    let gate, up: FloatTensor?
    /// A x of each adapted linear map, [M, rank], with room for its largest rank in any layer; one number where there is no adapter.
    private let projected: [FloatTensor]

    /// `inPlace`: `middle` is the memory of `input`, for a pass that records nothing.
    init(_ network: Network, rows: Int, keepingGateAndUp: Bool = true, inPlace: Bool = false) {
        let c = network.configuration
        input = FloatTensor(rows, c.hiddenSize)
        middle = inPlace ? input : FloatTensor(rows, c.hiddenSize)
        inputInverseRMS = FloatTensor(rows)
        middleInverseRMS = FloatTensor(rows)
        queries = FloatTensor(rows, network.queryWidth)
        keys = FloatTensor(rows, network.keyWidth)
        values = FloatTensor(rows, network.keyWidth)
        attention = FloatTensor(rows, network.queryWidth)
        logSumExp = FloatTensor(rows, c.headCount)
        gate = keepingGateAndUp ? FloatTensor(rows, c.intermediateSize) : nil
        up = keepingGateAndUp ? FloatTensor(rows, c.intermediateSize) : nil
        projected = LinearKind.allCases.map { kind in
            guard let rank = network.adapters?.maximumRank(kind), rank > 0 else { return FloatTensor(1) }
            return FloatTensor(rows, rank)
        }
    }

    func projected(_ kind: LinearKind) -> UnsafeMutablePointer<Float> { projected[kind.rawValue].base }

    /// Bytes of a recording's gate and up, and of all the rest, per layer.
    static func size(_ network: Network, rows: Int) -> (gateAndUp: Int, rest: Int) {
        let c = network.configuration
        let ranks = LinearKind.allCases.map { network.adapters?.maximumRank($0) ?? 0 }.reduce(0, +)
        let rest = 2 * c.hiddenSize + 2 + 2 * network.queryWidth + 2 * network.keyWidth + c.headCount + ranks
        return (8 * rows * c.intermediateSize, 4 * rows * rest)
    }
}

/// Memory that every layer of a pass uses in turn.
final class LayerScratch {
    /// Norm outputs, [M, D].
    let normed: FloatTensor
    /// [M, I] each.
    let gate, up, gated: FloatTensor

    init(_ network: Network, rows: Int) {
        normed = FloatTensor(rows, network.hiddenSize)
        gate = FloatTensor(rows, network.configuration.intermediateSize)
        up = FloatTensor(rows, network.configuration.intermediateSize)
        gated = FloatTensor(rows, network.configuration.intermediateSize)
    }
}
