internal import Tensor

extension Policy {
    /// The log-probabilities of every response, at temperature 1; with `recording`, also what `backward` needs.
    ///
    /// A row has the same bits whatever else is in the batch, and the same as when it was sampled.
    package func forward(_ groups: [TokenGroup], recording: Bool) -> ForwardResult {
        pass(groups, recording: recording, isScored: true)
    }

    /// The final norm's outputs alone, for a head other than the policy's own: no product with the output matrix, and no scores.
    ///
    /// Hidden states have the bits of `forward`. With `recording`, also what the backward of hidden weights needs.
    package func hiddenStates(_ groups: [TokenGroup], recording: Bool) -> ForwardResult {
        pass(groups, recording: recording, isScored: false)
    }

    /// The final norm's outputs at some states s_i of each response, [D] by group, response and place: `places` holds the i.
    ///
    /// For a head that reads few states: behind attention, the last layer computes these rows only. Bits are those of `forward`.
    package func hiddenStates(_ groups: [TokenGroup], at places: [[[Int]]]) -> [[[[Float]]]] {
        let network = network(positions: Self.longest(groups)), width = network.hiddenSize
        let batch = PackedGroups(groups, network: network)
        let rows = zip(batch.groups, places).flatMap { group, places in
            zip(places.indices, places).flatMap { k, places in places.map { group.row($0, of: k) } }
        }
        guard !rows.isEmpty else { return places.map { $0.map { _ in [] } } }
        let last = base.configuration.layerCount - 1
        let scratch = LayerScratch(network, rows: batch.rows)
        let all = LayerActivations(network, rows: batch.rows)
        network.weights.embedding.gather(batch.tokens, into: all.input.base)
        for layer in 0..<last { network.forward(layer: layer, rows: batch.rows, context: batch, all, scratch, into: all.input.base) }
        network.attend(layer: last, rows: batch.rows, context: batch, all, scratch)

        let chosen = LayerActivations(network, rows: rows.count)
        for (index, row) in rows.enumerated() {
            (chosen.input.base + index * width).update(from: all.input.base + row * width, count: width)
            (chosen.attention.base + index * network.queryWidth)
                .update(from: all.attention.base + row * network.queryWidth, count: network.queryWidth)
        }
        let hidden = chosen.input.base
        network.addOutput(layer: last, rows: rows.count, chosen)
        network.finish(layer: last, rows: rows.count, chosen, LayerScratch(network, rows: rows.count), into: hidden)
        network.normalize(hidden, rows: rows.count, gain: network.weights.finalNorm, into: hidden)
        var next = 0
        return places.map {
            $0.map {
                $0.map { _ in
                    defer { next += 1 }
                    return Array(UnsafeBufferPointer(start: hidden + next * width, count: width))
                }
            }
        }
    }

    private func pass(_ groups: [TokenGroup], recording: Bool, isScored: Bool) -> ForwardResult {
        guard !groups.isEmpty else { return ForwardResult(scores: [], promptHidden: [], states: nil, recording: nil) }
        let network = network(positions: Self.longest(groups))
        let batch = PackedGroups(groups, network: network)
        let (layers, output) = run(batch, network, recording: recording)
        let (hidden, inverseRMS) = finalNorm(output, of: batch, network)
        let kept = recording && isScored ? KeptLogits(blocks: logitBlocks(batch, network)) : nil
        let read = isScored ? OutputHead(network: network, stopTokens: stopTokens).read(hidden.base, of: batch, keeping: kept) : nil
        let width = network.hiddenSize
        return ForwardResult(
            scores: read.map { scores(batch, $0.states, first: $0.first) } ?? [],
            promptHidden: batch.groups.map {
                Array(UnsafeBufferPointer(start: hidden.base + $0.stateStart * width, count: width))
            },
            states: HiddenStates(values: hidden, groups: batch.groups, width: width),
            recording: recording
                ? Recording(
                    network: network, batch: batch, layers: layers, output: output, inverseRMS: inverseRMS, hidden: hidden,
                    readings: read?.states, logits: kept, version: version) : nil)
    }

    /// How many blocks of logits a recording keeps.
    private func logitBlocks(_ batch: PackedGroups, _ network: Network) -> Int {
        let c = base.configuration, rows = OutputHead.blockRows
        return RecordingLevel.logitBlocks(
            LayerSizes(c, ranks: network.adapters?.ranks ?? [], rows: batch.rows), layers: c.layerCount,
            block: FloatTensor.bytes(rows * c.vocabularySize), blocks: (batch.stateCount + rows - 1) / rows, budget: activationBudget)
    }

    /// All logits of one sequence, [tokens, V].
    package func logits(_ tokens: [Int32]) -> [Float] {
        let network = network(positions: tokens.count)
        let batch = PackedGroups([TokenGroup(prompt: tokens, responses: [])], network: network)
        let (_, output) = run(batch, network, recording: false)
        network.normalize(output.base, rows: tokens.count, gain: network.weights.finalNorm, into: output.base)
        let logits = FloatTensor(tokens.count, base.configuration.vocabularySize)
        OutputHead(network: network, stopTokens: stopTokens).logits(output.base, rows: tokens.count, into: logits.base)
        return logits.array
    }

    /// The mean hidden state (final norm's output) over each response's own tokens, a rough measure of meaning: [D] by group and
    /// response, zeros for an empty response.
    ///
    /// Sums are formed in double precision in the order of tokens. As in `forward`, bits do not depend on the rest of the batch.
    package func embeddings(_ groups: [TokenGroup]) -> [[[Float]]] {
        guard !groups.isEmpty else { return [] }
        let network = network(positions: Self.longest(groups)), width = network.hiddenSize
        let batch = PackedGroups(groups, network: network)
        let (_, output) = run(batch, network, recording: false)
        let (hidden, _) = finalNorm(output, of: batch, network)
        return batch.groups.map { group in
            group.responses.indices.map { k in
                let n = group.responses[k].count
                guard n > 0 else { return [Float](repeating: 0, count: width) }
                var sums = [Double](repeating: 0, count: width)
                for i in 1...n {
                    let state = hidden.base + group.state(i, of: k) * width
                    for d in 0..<width { sums[d] += Double(state[d]) }
                }
                return sums.map { Float($0 / Double(n)) }
            }
        }
    }

    /// Positions that the longest sequence of the groups takes.
    private static func longest(_ groups: [TokenGroup]) -> Int {
        groups.map { $0.prompt.count + ($0.responses.map(\.count).max() ?? 0) }.max() ?? 0
    }

    /// Embedding and layers. Returns the layers' activations (one for all when nothing is recorded) and the last output, [M, D].
    private func run(
        _ batch: PackedGroups, _ network: Network, recording: Bool
    ) -> (layers: [LayerActivations], output: FloatTensor) {
        let M = batch.rows, count = base.configuration.layerCount
        let scratch = LayerScratch(network, rows: M)
        guard recording else {
            let a = LayerActivations(network, rows: M)
            network.weights.embedding.gather(batch.tokens, into: a.input.base)
            for layer in 0..<count {
                network.forward(layer: layer, rows: M, context: batch, a, scratch, into: a.input.base)
            }
            return ([a], a.input)
        }
        let layers = LayerActivations.recording(network, rows: M, budget: activationBudget)
        let output = FloatTensor(M, network.hiddenSize)
        network.weights.embedding.gather(batch.tokens, into: layers[0].input.base)
        for layer in 0..<count {
            network.forward(
                layer: layer, rows: M, context: batch, layers[layer], scratch,
                into: layer + 1 < count ? layers[layer + 1].input.base : output.base)
        }
        return (layers, output)
    }

    private func finalNorm(
        _ output: FloatTensor, of batch: PackedGroups, _ network: Network
    ) -> (hidden: FloatTensor, inverseRMS: FloatTensor) {
        let width = network.hiddenSize
        let hidden = FloatTensor(batch.stateCount, width), inverseRMS = FloatTensor(batch.stateCount)
        for group in batch.groups {
            network.normalize(
                output.base + group.stateRows.lowerBound * width, rows: group.stateRows.count, gain: network.weights.finalNorm,
                into: hidden.base + group.stateStart * width, inverseRMS: inverseRMS.base + group.stateStart)
        }
        return (hidden, inverseRMS)
    }

    private func scores(_ batch: PackedGroups, _ states: HeadReadings, first: [[Float]]) -> [[ResponseScores]] {
        zip(batch.groups, first).map { group, first in
            group.responses.indices.map { k in
                let n = group.responses[k].count
                return ResponseScores(
                    tokenLogProbabilities: (0..<n).map { $0 == 0 ? first[k] : states.token.base[group.state($0, of: k)] },
                    stopLogProbabilities: (0...n).map { states.stop.base[group.state($0, of: k)] },
                    entropies: (0...n).map { states.entropy.base[group.state($0, of: k)] })
            }
        }
    }
}
