internal import Tensor

extension Policy {
    /// gradient += d/dθ Σ (token weight · log π(token) + stop weight · log π(⊤)), in the order of `layout`, and of
    /// Σ slope · (direction · h) with `hiddenWeights`, whose direction is taken as a constant.
    ///
    /// `recorded` comes from `forward(_:recording: true)` with the parameters that are in place now; `weights` by group and
    /// response. Deterministic for given shapes: the number of threads does not matter.
    package func backward(
        _ recorded: ForwardResult, weights: [[ResponseWeights]], hiddenWeights: HiddenWeights? = nil,
        into gradient: UnsafeMutablePointer<Float>
    ) {
        guard let r = recorded.recording else {
            precondition(recorded.promptHidden.isEmpty, "backward: the forward pass was not recorded")
            return
        }
        guard let readings = r.readings else { preconditionFailure("backward: the forward pass has no scores to be weighted") }
        backward(r, into: gradient) { dHidden, gradients in
            OutputHead(network: r.network, stopTokens: stopTokens).backward(
                r.hidden.base, of: r.batch, readings: readings, kept: r.logits, weights: weights, into: dHidden,
                headGradient: gradients.head(tied: base.configuration.tiedEmbeddings))
            if let hiddenWeights { hiddenWeights.add(to: dHidden, of: r.batch, width: r.network.hiddenSize) }
        }
    }

    /// gradient += d/dθ Σ slope · (direction · h), after `hiddenStates(_:recording: true)`.
    package func backward(
        _ recorded: ForwardResult, hiddenWeights: HiddenWeights, into gradient: UnsafeMutablePointer<Float>
    ) {
        guard let r = recorded.recording else { preconditionFailure("backward: the forward pass was not recorded") }
        backward(r, into: gradient) { dHidden, _ in
            dHidden.update(repeating: 0, count: r.batch.stateCount * r.network.hiddenSize)
            hiddenWeights.add(to: dHidden, of: r.batch, width: r.network.hiddenSize)
        }
    }

    /// `seed` writes dL/dh of every state row, [states, D].
    private func backward(
        _ r: Recording, into gradient: UnsafeMutablePointer<Float>,
        seed: (_ dHidden: UnsafeMutablePointer<Float>, _ gradients: ParameterGradients) -> Void
    ) {
        precondition(r.version == version, "backward: parameters of version \(version), recorded with version \(r.version)")
        let network = r.network, batch = r.batch, M = batch.rows, width = network.hiddenSize
        let gradients = gradients(into: gradient)

        let dHidden = FloatTensor(batch.stateCount, width)
        seed(dHidden.base, gradients)
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

extension HiddenWeights {
    /// dh += slope · direction at every state row, [states, width].
    ///
    /// The slopes of a row are summed in the order of responses first, and one thread adds all rows: they are few beside the
    /// products of the head.
    fileprivate func add(to dHidden: UnsafeMutablePointer<Float>, of batch: PackedGroups, width: Int) {
        precondition(direction.count == width, "backward: a direction of \(direction.count) numbers for hidden states of \(width)")
        precondition(
            slopes.map { $0.map(\.count) } == batch.groups.map { $0.responses.map { $0.count + 1 } },
            "backward: slopes of hidden states do not fit the groups that were scored")
        for (group, slopes) in zip(batch.groups, slopes) {
            var rowSlopes = [Float](repeating: 0, count: group.stateRows.count)
            for (k, slopes) in slopes.enumerated() {
                for (i, slope) in slopes.enumerated() { rowSlopes[group.state(i, of: k) - group.stateStart] += slope }
            }
            for (index, slope) in rowSlopes.enumerated() {
                let row = dHidden + (group.stateStart + index) * width
                for (d, along) in direction.enumerated() { row[d] += slope * along }
            }
        }
    }
}
