internal import Tensor

/// How much memory a learner's pass takes, without the weights: known before there is one, so that what cannot fit may be refused.
///
/// An upper bound, of which a pass of some megabytes in bf16 on one thread takes all but a few per cent. What OpenBLAS allocates for
/// the gradients of whole weight matrices is not part of it, and neither are the gradient and the groups, which are the caller's.
package enum PolicyMemory {
    /// Bytes that a recorded forward and its backward take at most at one time, over `rows` rows of which `states` are state rows, in
    /// sequences of at most `longest` positions: `least` where every layer keeps its input only, `most` where nothing is computed again.
    ///
    /// With an `activationBudget` of b bytes a pass takes at most `min(least + b, most)`.
    ///
    /// - Parameter forms: of the base's matrices, which decide in what form products read their inputs.
    package static func learning(
        _ configuration: TransformerConfiguration, forms: WeightForms, adapter: AdapterConfiguration?, rows: Int, states: Int,
        longest: Int, threads: Int
    ) -> (least: Int, most: Int) {
        precondition(
            rows >= states && states >= 0 && longest >= 0 && threads >= 1,
            "learning: \(rows) rows, \(states) states, \(longest) positions, \(threads) threads")
        let ranks = adapter?.maximumRanks(layerCount: configuration.layerCount) ?? []
        let pass = Pass(c: configuration, forms: forms, ranks: ranks, rows: rows, states: states)
        let layer = LayerSizes(configuration, ranks: ranks, rows: rows), count = configuration.layerCount
        let always =
            count * layer.input + pass.kept + max(pass.head, pass.layers) + pass.lists
            + scratch(pass, longest: longest, threads: threads) + rotary(configuration, longest: longest)
        // Where every layer keeps its input only, all layers share the memory of one for the rest.
        let blocks = (states + OutputHead.blockRows - 1) / OutputHead.blockRows
        let logits = blocks * FloatTensor.bytes(OutputHead.blockRows * configuration.vocabularySize)
        return (always + layer.attention, always + count * (layer.attention + layer.gateAndUp) + logits)
    }

    /// The threads' memory (`gfn_scratch`), which stays with them and which any of them may come to need.
    private static func scratch(_ pass: Pass, longest: Int, threads: Int) -> Int {
        let c = pass.c
        // Inputs of products, of the caller alone: rows of a layer, or logits of a block on their way back.
        let widest = max(c.hiddenSize, c.intermediateSize, pass.query), input = pass.forms.inputBytes(c, ranks: pass.ranks)
        let logits = pass.forms.precision == .bf16 ? min(OutputHead.blockRows, pass.states) * 4 * ((c.vocabularySize + 1) / 2) : 0
        let inputs = max(pass.rows * max(input.forward, input.backward), logits)
        // Attention: heads of `padded` numbers, keys in blocks of 32; see attention.h and attention_backward.h.
        let padded = (c.headSize + 15) / 16 * 16, blocks = (longest + 31) / 32
        let queries = 64 * c.headCount / c.keyValueHeadCount
        let forward = 4 * (2 * 32 * padded + queries * padded) + 128 * queries + 64
        let backward = 4 * (16 * (3 * padded + 2 * 32 + 2) + 3 * blocks * padded * 32)
        // Sums of outer products, for the gradients of adapters: 64 lines of a block of columns (outer.h).
        let outer = pass.ranks.isEmpty ? 0 : grown(4 * 64 * min(1024, (widest + 15) / 16 * 16))
        return grown(inputs) + threads * (grown(max(forward, backward)) + outer)
    }

    /// A request of scratch memory is made larger by a quarter, and then whole pages.
    private static func grown(_ bytes: Int) -> Int { bytes + bytes / 4 + 2 * 4096 }

    /// The table of a policy that met shorter sequences before has at most twice the positions.
    private static func rotary(_ c: TransformerConfiguration, longest: Int) -> Int {
        2 * FloatTensor.bytes(max(256, 2 * longest) * c.headSize / 2)
    }
}

/// The parts of a pass that are of one size whatever a recording keeps, in bytes.
private struct Pass {
    let c: TransformerConfiguration
    let forms: WeightForms
    let ranks: [Int]
    let rows, states: Int

    var query: Int { c.extents(of: .query).outputs }
    private var key: Int { c.extents(of: .key).outputs }

    /// The last layer's output, [M, D]; hidden states and their gradient, [S, D]; their 1/rms and what was read of their logits, [S].
    var kept: Int {
        FloatTensor.bytes(rows * c.hiddenSize) + 2 * FloatTensor.bytes(states * c.hiddenSize) + 5 * FloatTensor.bytes(states)
    }

    /// `OutputHead.backward`: a block of logits, those of the prompts' last rows in it once more, and one row.
    var head: Int {
        let block = min(OutputHead.blockRows, states)
        return FloatTensor.bytes(block * c.vocabularySize) + (block + 1) * FloatTensor.bytes(c.vocabularySize)
    }

    /// The backward of the layers: dx, `LayerScratch` and `BackwardScratch`.
    var layers: Int {
        let D = c.hiddenSize, I = c.intermediateSize
        let widths = [D] + [D, I, I, I] + [D, I, query, query, key, key, max(1, ranks.max() ?? 1)]
        return widths.reduce(0) { $0 + FloatTensor.bytes(rows * $1) }
    }

    /// Arrays, which may be twice as long as what they hold: tokens and positions; scores, targets and legal states; and what attention
    /// is told of each response, which matters where responses are of one token and so as many as states.
    var lists: Int { 16 * rows + 1152 * states + (64 << 10) }
}
