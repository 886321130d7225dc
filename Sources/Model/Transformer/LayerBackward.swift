internal import Tensor

/// Where a linear map's gradients go, in one buffer in the order of a parameter layout; nil for what is frozen.
struct LinearGradient {
    var weight: UnsafeMutablePointer<Float>?
    var bias: UnsafeMutablePointer<Float>?
    var a: UnsafeMutablePointer<Float>?
    var b: UnsafeMutablePointer<Float>?
}

/// Where the gradients of all parameters go.
protocol GradientMap {
    func linear(_ kind: LinearKind, layer: Int) -> LinearGradient
    func vector(_ slot: WeightSlot) -> UnsafeMutablePointer<Float>?
    /// Whether the gradient of the embedding is asked for, so that it must flow through the first layer.
    var reachesEmbedding: Bool { get }
}

/// Memory that the backward of every layer uses in turn.
final class BackwardScratch {
    /// dL/d of a norm's output, [M, D].
    let dNormed: FloatTensor
    /// dL/d of the gated product, and then of gate: [M, I].
    let dGated: FloatTensor
    let attention: AttentionGradients
    /// Bᵀ dy, [M, largest rank].
    let dProjected: FloatTensor

    init(_ network: Network, rows: Int) {
        dNormed = FloatTensor(rows, network.hiddenSize)
        dGated = FloatTensor(rows, network.configuration.intermediateSize)
        attention = AttentionGradients(
            outputs: FloatTensor(rows, network.queryWidth), queries: FloatTensor(rows, network.queryWidth),
            keys: FloatTensor(rows, network.keyWidth), values: FloatTensor(rows, network.keyWidth))
        dProjected = FloatTensor(rows, max(1, network.adapters?.ranks.max() ?? 1))
    }
}

extension Network {
    /// The backward of `apply`: with t = A x and u = Bᵀ dy,
    ///
    ///     dW += dyᵀ x   db += Σ_rows dy   dB += s·dyᵀ t   dA += s·uᵀ x   dx (+)= Wᵀ dy + s·Aᵀ u
    ///
    /// `dx` nil: nobody needs it.
    func applyBackward(
        _ kind: LinearKind, layer: Int, _ dy: UnsafePointer<Float>, x: UnsafePointer<Float>, rows M: Int,
        projected t: UnsafePointer<Float>, _ scratch: BackwardScratch, into dx: UnsafeMutablePointer<Float>?,
        accumulating: Bool = false, gradient: LinearGradient
    ) {
        let linear = weights.layers[layer][kind], adapter = adapters?[layer, kind]
        let (N, K) = (linear.forward.outputs, linear.forward.inputs)
        let u = scratch.dProjected.base
        let lowRank = adapter.map { adapter in
            guard let bTransposed = adapter.b.transposed, let aTransposed = adapter.a.transposed else {
                preconditionFailure("backward on an adapter that was packed without gradients")
            }
            return LowRankTerm(a: bTransposed, b: aTransposed, scale: adapter.scaling, projected: u)
        }
        if let dx {
            guard let transposed = linear.transposed else {
                preconditionFailure("backward on a model that was loaded without gradients")
            }
            Kernel.multiply(
                dy, rows: M, stride: N,
                by: [ProductTerm(transposed, into: dx, stride: K, addend: accumulating ? UnsafePointer(dx) : nil, lowRank: lowRank)],
                parallel: parallel)
        } else if let lowRank {
            Kernel.multiply(dy, rows: M, stride: N, by: lowRank.a, into: u, stride: lowRank.a.outputs, parallel: parallel)
        }
        if let dW = gradient.weight {
            Kernel.accumulateWeightGradient(
                dy, stride: N, x, stride: K, rows: M, outputs: N, inputs: K, into: dW, parallel: parallel)
        }
        if let db = gradient.bias {
            for row in 0..<M { Kernel.add(dy + row * N, into: db, count: N) }
        }
        guard let adapter, let dA = gradient.a, let dB = gradient.b else { return }
        let (r, s) = (adapter.rank, adapter.scaling)
        Kernel.accumulateOuterProduct(
            dy, stride: N, t, stride: r, rows: M, outputs: N, inputs: r, scale: s, into: dB, parallel: parallel)
        Kernel.accumulateOuterProduct(
            u, stride: r, x, stride: K, rows: M, outputs: r, inputs: K, scale: s, into: dA, parallel: parallel)
    }

    /// The backward of one layer: `dx` [M, D] is dL/d of its output on entry, and of its input on return.
    ///
    /// Norm outputs and the gated product are computed again in any case, and so is what `a.level` does not keep.
    func backward(
        layer: Int, batch: PackedGroups, _ a: LayerActivations, _ forwardScratch: LayerScratch, _ scratch: BackwardScratch,
        _ dx: UnsafeMutablePointer<Float>, gradients: some GradientMap
    ) {
        let M = batch.rows, c = configuration, layerWeights = weights.layers[layer]
        let normed = forwardScratch.normed.base, dNormed = scratch.dNormed.base
        func linear(
            _ kind: LinearKind, _ dy: FloatTensor, x: UnsafePointer<Float>, into dInput: UnsafeMutablePointer<Float>?,
            accumulating: Bool = false
        ) {
            applyBackward(
                kind, layer: layer, dy.base, x: x, rows: M, projected: a.projected(kind), scratch, into: dInput,
                accumulating: accumulating, gradient: gradients.linear(kind, layer: layer))
        }
        func norm(_ slot: WeightSlot, gain: FloatTensor, x: FloatTensor, inverseRMS: FloatTensor) {
            Kernel.rmsNormBackward(
                dNormed, x: x.base, gain: gain.base, inverseRMS: inverseRMS.base, rows: M, width: hiddenSize, into: dx,
                gainGradient: gradients.vector(slot), parallel: parallel)
        }

        if a.level == .input { addAttention(layer: layer, rows: M, context: batch, a, forwardScratch) }
        // y = h + W_down (silu(gate) · up)
        if a.level < .everything {
            gateAndUp(layer: layer, rows: M, a, forwardScratch)
        } else {
            normalize(a.middle.base, rows: M, gain: layerWeights.postAttentionNorm, into: normed)
        }
        let (gate, up, gated) = (a.gate ?? forwardScratch.gate, a.up ?? forwardScratch.up, forwardScratch.gated)
        Kernel.swiGLU(
            gate: gate.base, up: up.base, rows: M, width: c.intermediateSize, into: gated.base, parallel: parallel)
        if a.level == .input { project(.down, layer: layer, gated.base, rows: M, into: a.projected(.down)) }
        applyBackward(
            .down, layer: layer, dx, x: gated.base, rows: M, projected: a.projected(.down), scratch,
            into: scratch.dGated.base, gradient: gradients.linear(.down, layer: layer))
        // Nobody reads the gated product or its gradient again, so theirs is the memory of dGate and dUp.
        let (dGate, dUp) = (scratch.dGated, gated)
        Kernel.swiGLUBackward(
            scratch.dGated.base, gate: gate.base, up: up.base, rows: M, width: c.intermediateSize, into: dGate.base, dUp.base,
            parallel: parallel)
        linear(.gate, dGate, x: normed, into: dNormed)
        linear(.up, dUp, x: normed, into: dNormed, accumulating: true)
        norm(.postAttentionNorm(layer), gain: layerWeights.postAttentionNorm, x: a.middle, inverseRMS: a.middleInverseRMS)

        // h = x + W_o attention(q, k, v)
        let d = scratch.attention
        applyBackward(
            .output, layer: layer, dx, x: a.attention.base, rows: M, projected: a.projected(.output), scratch,
            into: d.outputs.base, gradient: gradients.linear(.output, layer: layer))
        d.keys.zero()
        d.values.zero()
        Kernel.attentionBackward(
            batch.segments(a, gradients: d), heads: c.headCount, keyValueHeads: c.keyValueHeadCount, headSize: c.headSize,
            scale: attentionScale, parallel: parallel)
        rotate(d.queries.base, rows: M, heads: c.headCount, positions: batch.positions, inverse: true)
        rotate(d.keys.base, rows: M, heads: c.keyValueHeadCount, positions: batch.positions, inverse: true)
        normalize(a.input.base, rows: M, gain: layerWeights.inputNorm, into: normed)
        // Below the first layer there is only the embedding.
        let isNeeded = layer > 0 || gradients.reachesEmbedding
        let dInput = isNeeded ? dNormed : nil
        linear(.query, d.queries, x: normed, into: dInput)
        linear(.key, d.keys, x: normed, into: dInput, accumulating: true)
        linear(.value, d.values, x: normed, into: dInput, accumulating: true)
        if isNeeded { norm(.inputNorm(layer), gain: layerWeights.inputNorm, x: a.input, inverseRMS: a.inputInverseRMS) }
    }
}
