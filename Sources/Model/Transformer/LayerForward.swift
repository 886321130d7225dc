internal import Tensor

/// Tells a layer which keys each of its rows attends to: rows of the same batch, or a cache of earlier ones.
protocol AttentionContext {
    /// Position of each row in its sequence.
    var positions: [Int32] { get }
    /// Called once per layer, when queries, keys and values of all rows are there; may put them away.
    func segments(layer: Int, _ activations: LayerActivations) -> [AttentionSegment]
}

extension Network {
    /// One decoder layer, from `activations.input` to `output` (which may be the same memory as `activations.middle`).
    ///
    ///     h = x + W_o attention(rotate(W_q n), rotate(W_k n), W_v n)     n  = rmsNorm(x)
    ///     y = h + W_down (silu(W_gate n′) · W_up n′)                     n′ = rmsNorm(h)
    func forward(
        layer: Int, rows M: Int, context: some AttentionContext, _ activations: LayerActivations, _ scratch: LayerScratch,
        into output: UnsafeMutablePointer<Float>
    ) {
        addAttention(layer: layer, rows: M, context: context, activations, scratch)
        finish(layer: layer, rows: M, activations, scratch, into: output)
    }

    /// The first half of a layer, from `activations.input` to `activations.middle`. The backward calls this again for a layer that kept
    /// its input only, and gets the same bits.
    func addAttention(
        layer: Int, rows M: Int, context: some AttentionContext, _ activations: LayerActivations, _ scratch: LayerScratch
    ) {
        attend(layer: layer, rows: M, context: context, activations, scratch)
        addOutput(layer: layer, rows: M, activations)
    }

    /// The layer's input and W_o of attention's output, in `activations.middle`.
    func addOutput(layer: Int, rows M: Int, _ a: LayerActivations) {
        apply(
            [MappedRows(.output, into: a.middle.base, addend: a.input.base, projected: a.projected(.output))], layer: layer,
            to: a.attention.base, rows: M)
    }

    /// Up to attention's output in `activations.attention`: all that other rows need of a row.
    func attend(
        layer: Int, rows M: Int, context: some AttentionContext, _ activations: LayerActivations, _ scratch: LayerScratch
    ) {
        let a = activations, layerWeights = weights.layers[layer], c = configuration
        let normed = scratch.normed.base
        normalize(a.input.base, rows: M, gain: layerWeights.inputNorm, into: normed, inverseRMS: a.inputInverseRMS.base)
        apply(
            [(LinearKind.query, a.queries), (.key, a.keys), (.value, a.values)].map { kind, y in
                MappedRows(kind, into: y.base, projected: a.projected(kind))
            }, layer: layer, to: normed, rows: M)
        rotate(a.queries.base, rows: M, heads: c.headCount, positions: context.positions)
        rotate(a.keys.base, rows: M, heads: c.keyValueHeadCount, positions: context.positions)
        if keyPrecision == .bf16 {
            // Here and nowhere else, so that a learner's pass reads what the sampler's cache holds.
            for x in [a.keys, a.values] { Kernel.roundToBFloat16(x.base, count: M * keyWidth, parallel: parallel) }
        }
        Kernel.attention(
            context.segments(layer: layer, a), heads: c.headCount, keyValueHeads: c.keyValueHeadCount, headSize: c.headSize,
            scale: attentionScale, parallel: parallel)
    }

    /// The second half, row by row, from `activations.middle` to `output`.
    func finish(
        layer: Int, rows M: Int, _ activations: LayerActivations, _ scratch: LayerScratch, into output: UnsafeMutablePointer<Float>
    ) {
        let a = activations, c = configuration
        gateAndUp(layer: layer, rows: M, a, scratch)
        let (gate, up) = (a.gate ?? scratch.gate, a.up ?? scratch.up)
        Kernel.swiGLU(
            gate: gate.base, up: up.base, rows: M, width: c.intermediateSize, into: scratch.gated.base, parallel: parallel)
        apply(
            [MappedRows(.down, into: output, addend: a.middle.base, projected: a.projected(.down))], layer: layer,
            to: scratch.gated.base, rows: M)
    }

    /// The two products from the second norm, into the recording or, where that does not keep them, into scratch memory. The
    /// backward calls this again in the latter case and gets the same bits. Leaves the norm's output in `scratch.normed`.
    func gateAndUp(layer: Int, rows M: Int, _ a: LayerActivations, _ scratch: LayerScratch) {
        normalize(
            a.middle.base, rows: M, gain: weights.layers[layer].postAttentionNorm, into: scratch.normed.base,
            inverseRMS: a.middleInverseRMS.base)
        apply(
            [(LinearKind.gate, a.gate ?? scratch.gate), (.up, a.up ?? scratch.up)].map { kind, y in
                MappedRows(kind, into: y.base, projected: a.projected(kind))
            }, layer: layer, to: scratch.normed.base, rows: M)
    }
}
