internal import Tensor

/// From the final hidden states to log-probabilities, and back, by blocks of rows: [rows, V] never exists for all rows.
///
/// `hidden`: [states, D], the final norm's output at the state rows of a batch (`PackedGroups.Group.stateRows`). The logits of a
/// prompt's last row serve all responses of its group: that row has no token of its own, but one first token per response.
struct OutputHead {
    let network: Network
    let stopTokens: StopTokens
    static let blockRows = 64

    private var vocabulary: Int { network.configuration.vocabularySize }
    private var width: Int { network.hiddenSize }

    /// z = W h, [rows, V].
    func logits(_ hidden: UnsafePointer<Float>, rows: Int, into logits: UnsafeMutablePointer<Float>) {
        Kernel.multiply(
            hidden, rows: rows, stride: width, by: network.weights.head.forward, into: logits, stride: vocabulary,
            parallel: network.parallel)
    }

    /// z = W h of some state rows of a batch, with −∞ for what is not legal there: [block, V].
    private func logits(
        _ hidden: UnsafePointer<Float>, of batch: PackedGroups, _ block: Range<Int>, into logits: UnsafeMutablePointer<Float>
    ) {
        self.logits(hidden + block.lowerBound * width, rows: block.count, into: logits)
        guard !batch.legalStates.isEmpty else { return }
        for (row, state) in batch.legalStates[block].enumerated() {
            guard let state else { continue }
            state.tree.mask(logits + row * vocabulary, vocabulary: vocabulary, at: state.node, stopTokens: stopTokens)
        }
    }

    /// log π of one token and of ⊤, entropy and normaliser of each row: [rows] each. Token −1 means none.
    func gather(
        _ logits: UnsafePointer<Float>, rows: Int, tokens: UnsafePointer<Int32>, into readings: HeadReadings, at row: Int
    ) {
        Kernel.gatherLogProbabilities(
            logits, rows: rows, vocabulary: vocabulary, tokens: tokens, stopTokens: stopTokens,
            tokenLogProbability: readings.token.base + row, stopLogProbability: readings.stop.base + row,
            entropy: readings.entropy.base + row, logSumExp: readings.logSumExp.base + row, parallel: network.parallel)
    }

    /// Reads every state row of a batch; the second result holds log π of each response's first token, by group and response
    /// (0 for an empty response). With `kept`, the first blocks' logits are put there.
    func read(
        _ hidden: UnsafePointer<Float>, of batch: PackedGroups, keeping kept: KeptLogits? = nil
    ) -> (states: HeadReadings, first: [[Float]]) {
        let states = HeadReadings(rows: batch.stateCount), single = HeadReadings(rows: 1)
        var first = batch.groups.map { [Float](repeating: 0, count: $0.responses.count) }
        var memory: FloatTensor?
        let tokens = batch.nextTokens
        for (index, block) in blocks(of: batch).enumerated() {
            let logits = kept?.take(index, rows: block.count, vocabulary) ?? memory ?? blockOfLogits(batch)
            if kept?.holds(index) != true { memory = logits }
            self.logits(hidden, of: batch, block, into: logits.base)
            tokens.withUnsafeBufferPointer { tokens in
                guard let tokens = tokens.baseAddress else { return }
                gather(logits.base, rows: block.count, tokens: tokens + block.lowerBound, into: states, at: block.lowerBound)
            }
            for (g, group) in batch.groups.enumerated() where block.contains(group.stateStart) {
                let root = logits.base + (group.stateStart - block.lowerBound) * vocabulary
                for (k, response) in group.responses.enumerated() where !response.isEmpty {
                    var token = batch.tokens[response.lowerBound]
                    gather(root, rows: 1, tokens: &token, into: single, at: 0)
                    first[g][k] = single.token.base[0]
                }
            }
        }
        return (states, first)
    }

    private func blockOfLogits(_ batch: PackedGroups) -> FloatTensor {
        FloatTensor(unwritten: min(Self.blockRows, batch.stateCount), vocabulary)
    }

    /// dh += … of Σ (token weight · log π(token) + stop weight · log π(⊤)), with the logits that were not kept computed a second time.
    ///
    /// dHidden: [states, D], written. headGradient: [V, D], added to, or nil for a frozen head.
    func backward(
        _ hidden: UnsafePointer<Float>, of batch: PackedGroups, readings: HeadReadings, kept: KeptLogits?, weights: [[ResponseWeights]],
        into dHidden: UnsafeMutablePointer<Float>, headGradient: UnsafeMutablePointer<Float>?
    ) {
        let V = vocabulary
        guard let transposed = network.weights.head.transposed else {
            preconditionFailure("backward on a model that was loaded without gradients")
        }
        let targets = HeadTargets(batch, weights)
        var memory: FloatTensor?
        let single = FloatTensor(V)
        for (index, block) in blocks(of: batch).enumerated() {
            let start = block.lowerBound, h = hidden + start * width, known = kept?.remove(index)
            let logits = known ?? memory ?? blockOfLogits(batch)
            if known == nil {
                memory = logits
                self.logits(hidden, of: batch, block, into: logits.base)
            }
            let roots = batch.groups.enumerated().filter { block.contains($1.stateStart) }
            let rootLogits = roots.map { _, group in
                FloatTensor(
                    Array(UnsafeBufferPointer(start: logits.base + (group.stateStart - start) * V, count: V)), shape: Shape(V))
            }
            logitGradient(
                logits.base, rows: block.count, targets.tokens, targets.token, targets.stop, at: start,
                logSumExp: readings.logSumExp.base + start)
            for ((g, group), z) in zip(roots, rootLogits) {
                let root = logits.base + (group.stateStart - start) * V
                for (k, response) in group.responses.enumerated() where !response.isEmpty {
                    single.base.update(from: z.base, count: V)
                    logitGradient(
                        single.base, rows: 1, [batch.tokens[response.lowerBound]], [weights[g][k].token[0]], [0], at: 0,
                        logSumExp: readings.logSumExp.base + group.stateStart)
                    Kernel.add(single.base, into: root, count: V)
                }
            }
            Kernel.multiply(
                logits.base, rows: block.count, stride: V, by: transposed, into: dHidden + start * width, stride: width,
                parallel: network.parallel)
            if let headGradient {
                Kernel.accumulateWeightGradient(
                    logits.base, stride: V, h, stride: width, rows: block.count, outputs: V, inputs: width, into: headGradient,
                    parallel: network.parallel)
            }
        }
    }

    private func logitGradient(
        _ logits: UnsafeMutablePointer<Float>, rows: Int, _ tokens: [Int32], _ tokenWeights: [Float], _ stopWeights: [Float],
        at start: Int, logSumExp: UnsafePointer<Float>
    ) {
        tokens.withUnsafeBufferPointer { tokens in
            tokenWeights.withUnsafeBufferPointer { tokenWeights in
                stopWeights.withUnsafeBufferPointer { stopWeights in
                    guard let tokens = tokens.baseAddress, let token = tokenWeights.baseAddress,
                        let stop = stopWeights.baseAddress
                    else { return }
                    Kernel.logitGradient(
                        logits, rows: rows, vocabulary: vocabulary, tokens: tokens + start, stopTokens: stopTokens,
                        tokenWeights: token + start, stopWeights: stop + start, logSumExp: logSumExp,
                        parallel: network.parallel)
                }
            }
        }
    }

    private func blocks(of batch: PackedGroups) -> [Range<Int>] {
        stride(from: 0, to: batch.stateCount, by: Self.blockRows).map {
            $0..<min($0 + Self.blockRows, batch.stateCount)
        }
    }
}

/// The logits of a pass's first blocks of rows, for its backward, which works in their place: so the first backward finds them, and
/// another computes them again.
final class KeptLogits {
    private let count: Int
    private var blocks: [Int: FloatTensor] = [:]

    init(blocks count: Int) { self.count = count }

    func holds(_ block: Int) -> Bool { blocks[block] != nil }

    /// Memory for a block's logits, [rows, V], where it is to be kept.
    func take(_ block: Int, rows: Int, _ vocabulary: Int) -> FloatTensor? {
        guard block < count else { return nil }
        let logits = FloatTensor(unwritten: rows, vocabulary)
        blocks[block] = logits
        return logits
    }

    func remove(_ block: Int) -> FloatTensor? { blocks.removeValue(forKey: block) }
}

/// What is read off the logits of each row: [rows] each.
final class HeadReadings {
    /// log π of the row's token; 0 where it has none.
    let token: FloatTensor
    let stop: FloatTensor
    let entropy: FloatTensor
    let logSumExp: FloatTensor

    init(rows: Int) {
        token = FloatTensor(rows)
        stop = FloatTensor(rows)
        entropy = FloatTensor(rows)
        logSumExp = FloatTensor(rows)
    }
}

/// Weights of the gradient by state row. A prompt's last row carries the stop weights of all its responses' s_0; their first
/// tokens are treated one by one.
private struct HeadTargets {
    let tokens: [Int32]
    var token: [Float]
    var stop: [Float]

    init(_ batch: PackedGroups, _ weights: [[ResponseWeights]]) {
        precondition(
            weights.map(\.count) == batch.groups.map(\.responses.count), "backward: weights do not fit the groups that were scored")
        tokens = batch.nextTokens
        token = Array(repeating: 0, count: batch.stateCount)
        stop = token
        for (group, weights) in zip(batch.groups, weights) {
            for (k, response) in group.responses.enumerated() {
                let n = response.count
                precondition(
                    weights[k].token.count == n && weights[k].stop.count == n + 1,
                    "backward: \(weights[k].token.count) and \(weights[k].stop.count) weights for a response of \(n) tokens")
                for i in 0...n { stop[group.state(i, of: k)] += weights[k].stop[i] }
                for i in 0..<n where i > 0 { token[group.state(i, of: k)] = weights[k].token[i] }
            }
        }
    }
}
