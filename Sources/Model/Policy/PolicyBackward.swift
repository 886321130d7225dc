internal import Tensor

extension Policy {
    /// gradient += d/dθ Σ (token weight · log π(token) + stop weight · log π(⊤)), in the order of `layout`.
    ///
    /// `recorded` comes from `forward(_:recording: true)` with the parameters that are in place now; `weights` by group and
    /// response. Deterministic for given shapes: the number of threads does not matter.
    package func backward(
        _ recorded: ForwardResult, weights: [[ResponseWeights]], into gradient: UnsafeMutablePointer<Float>
    ) {
        guard let r = recorded.recording else {
            precondition(recorded.scores.isEmpty, "backward: the forward pass was not recorded")
            return
        }
        precondition(r.version == version, "backward: parameters of version \(version), recorded with version \(r.version)")
        let network = r.network, batch = r.batch, M = batch.rows, width = network.hiddenSize
        let gradients = gradients(into: gradient)
        let tied = base.configuration.tiedEmbeddings

        let dHidden = FloatTensor(batch.stateCount, width)
        OutputHead(network: network, stopTokens: stopTokens).backward(
            r.hidden.base, of: batch, readings: r.readings, weights: weights, into: dHidden.base,
            headGradient: gradients.head(tied: tied))
        let dx = FloatTensor(M, width)
        for group in batch.groups {
            let row = group.stateRows.lowerBound
            Kernel.rmsNormBackward(
                dHidden.base + group.stateStart * width, x: r.output.base + row * width, gain: network.weights.finalNorm.base,
                inverseRMS: r.inverseRMS.base + group.stateStart, rows: group.stateRows.count, width: width,
                into: dx.base + row * width, gainGradient: gradients.vector(.finalNorm), parallel: parallel)
        }

        let forwardScratch = LayerScratch(network, rows: M), scratch = BackwardScratch(network, rows: M)
        for layer in (0..<base.configuration.layerCount).reversed() {
            network.backward(
                layer: layer, batch: batch, r.layers[layer], forwardScratch, scratch, dx.base, gradients: gradients)
        }
        if let embedding = gradients.vector(.embedding) {
            // Rows in their order: one token may occur many times.
            for (row, token) in batch.tokens.enumerated() {
                Kernel.add(dx.base + row * width, into: embedding + Int(token) * width, count: width)
            }
        }
    }
}
