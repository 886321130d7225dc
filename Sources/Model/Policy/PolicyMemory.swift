/// What a policy's passes take of memory, beside the weights: pure accounts, in bytes, for who must know beforehand what fits.
package enum PolicyMemory {
    /// Bytes that a recorded forward and its backward take at most at one time, over `rows` rows of which `states` are state rows, in
    /// sequences of at most `longest` positions: `least` where every layer's gate and up are computed again, `most` where nothing is.
    package static func learning(
        _ configuration: TransformerConfiguration, adapter: AdapterConfiguration?, rows: Int, states: Int, longest: Int, threads: Int
    ) -> (least: Int, most: Int) {
        let w = PassWidths(configuration, adapter: adapter)
        let (D, Q, E, I, V) = (w.hidden, w.query, w.key, w.intermediate, configuration.vocabularySize)
        let recording = configuration.layerCount * rows * (w.layer + D) + rows * D + states * (D + 5)
        // The head's blocks and the layers' scratch memory are there at different times.
        let head = (OutputHead.blockRows + 2) * V
        let layers = rows * (D + w.scratch) + rows * (D + 3 * I + 2 * Q + 2 * E + max(1, w.largestRank))
        let least = 4 * (recording + states * D + max(head, layers)) + w.inputs(rows: rows)
            + threads * attention(configuration, longest: longest)
        return (least, least + configuration.layerCount * 8 * rows * I)
    }

    /// Of a pass that records nothing and is scored.
    package static func scoring(
        _ configuration: TransformerConfiguration, adapter: AdapterConfiguration?, rows: Int, states: Int
    ) -> Int {
        let w = PassWidths(configuration, adapter: adapter)
        let head = min(OutputHead.blockRows, states) * configuration.vocabularySize
        return 4 * (rows * (w.layer + w.scratch) + states * (w.hidden + 5) + head) + w.inputs(rows: rows)
    }

    /// Per thread: q, dO and dQ of 16 rows, p and dS beside them; and of a sequence kᵀ, vᵀ and k, in blocks of 64 keys.
    private static func attention(_ configuration: TransformerConfiguration, longest: Int) -> Int {
        let width = (configuration.headSize + 15) / 16 * 16, block = 64, tile = 16
        return 4 * (tile * (3 * width + 2 * block + 2) + (longest + block - 1) / block * block * width * 3)
    }
}

/// How many numbers a row of a pass has in the memory of its layers.
struct PassWidths {
    let hidden, query, key, intermediate: Int
    /// Of `LayerActivations` that keep neither gate nor up, in place.
    let layer: Int
    /// Of `LayerScratch`.
    let scratch: Int
    let largestRank: Int
    private let widestInput: Int

    init(_ c: TransformerConfiguration, adapter: AdapterConfiguration?) {
        (hidden, intermediate) = (c.hiddenSize, c.intermediateSize)
        (query, key) = (c.headCount * c.headSize, c.keyValueHeadCount * c.headSize)
        var ranks: [LinearKind: Int] = [:]
        for (place, strength) in adapter?.places(layerCount: c.layerCount) ?? [] { ranks[place.kind] = max(ranks[place.kind] ?? 0, strength.rank) }
        layer = hidden + 2 + 2 * query + 2 * key + c.headCount + ranks.values.reduce(0, +)
        scratch = hidden + 3 * intermediate
        largestRank = ranks.values.max() ?? 0
        widestInput = max(hidden, query, intermediate)
    }

    /// Bytes of the inputs of a product, rounded to bf16.
    func inputs(rows: Int) -> Int { rows * ((widestInput + 1) / 2) * 4 }
}
