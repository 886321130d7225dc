internal import Tensor

/// What a recording keeps of a layer for the backward. What is missing is computed again there, with the same bits.
package enum RecordingLevel: Int, Comparable {
    /// What enters the layer. All the rest lies in memory that layers of this level share.
    case input
    /// All but gate and up.
    case attention
    case everything

    package static func < (left: RecordingLevel, right: RecordingLevel) -> Bool { left.rawValue < right.rawValue }

    /// The level of each layer where all keep their inputs and the budget, in bytes, is for what they keep beyond those.
    ///
    /// As many layers as it suffices for keep all but gate and up; then as many of these as the rest of it suffices for, gate and up too.
    /// The first layers keep more.
    package static func levels(_ sizes: LayerSizes, layers: Int, budget: Int) -> [RecordingLevel] {
        let attention = min(layers, max(0, budget) / max(1, sizes.attention))
        let everything = min(attention, max(0, budget - attention * sizes.attention) / max(1, sizes.gateAndUp))
        return (0..<layers).map { $0 < everything ? .everything : $0 < attention ? .attention : .input }
    }

    /// How many of the blocks of logits what the layers leave of the budget suffices for: none, unless all layers keep everything.
    package static func logitBlocks(
        _ sizes: LayerSizes, layers: Int, block: Int, blocks: Int, budget: Int
    ) -> Int {
        let (rest, overflow) = budget.subtractingReportingOverflow(layers * (sizes.attention + sizes.gateAndUp))
        return overflow || rest < 0 ? 0 : min(blocks, rest / max(1, block))
    }
}

/// Bytes of one layer's tensors over some rows, each level's beyond those of the level below it: what `LayerActivations` allocates.
package struct LayerSizes: Equatable {
    package let input, attention, gateAndUp: Int

    package init(input: Int, attention: Int, gateAndUp: Int) {
        self.input = input
        self.attention = attention
        self.gateAndUp = gateAndUp
    }

    /// `ranks`: the largest rank of each adapted linear map in any layer.
    package init(_ c: TransformerConfiguration, ranks: [Int], rows M: Int) {
        let query = c.extents(of: .query).outputs, key = c.extents(of: .key).outputs
        let widths = [c.hiddenSize, 1, 1, query, key, key, query, c.headCount] + ranks
        input = FloatTensor.bytes(M * c.hiddenSize)
        attention = widths.reduce(0) { $0 + FloatTensor.bytes(M * $1) }
        gateAndUp = 2 * FloatTensor.bytes(M * c.intermediateSize)
    }
}

extension FloatTensor {
    /// What a tensor takes at most, in bytes: an allocator hands out whole pages.
    static func bytes(_ count: Int) -> Int { 4 * count + 4096 }
}
