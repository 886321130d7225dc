internal import Tensor

/// One response while it is being sampled.
final class Continuation {
    let request: Int
    let sample: Int
    /// Keys of the prompt, shared by all responses to it: in its whole blocks.
    let prompt: KeyValueCache
    /// Keys of the rest of the prompt and of the response's own tokens.
    let own: KeyValueCache
    private var stream: RandomStream
    /// With this response's own temperature and limit, whatever the rows beside it have.
    private let settings: SamplingSettings
    /// Where it is among the legal responses; nil: everything is legal.
    private var legal: LegalState?
    private(set) var tokens: [Int32] = []
    private(set) var stop: StopReason?
    private(set) var scores = ResponseScores(tokenLogProbabilities: [], stopLogProbabilities: [], entropies: [])

    init(
        request: Int, sample: Int, prompt: KeyValueCache, own: KeyValueCache, stream: RandomStream, settings: SamplingSettings,
        legal: TokenTree?
    ) {
        self.request = request
        self.sample = sample
        self.prompt = prompt
        self.own = own
        own.begin(behind: prompt)
        self.stream = stream
        self.settings = settings
        self.legal = legal.map { LegalState(tree: $0, node: $0.root) }
    }

    var result: SampledResponse { SampledResponse(tokens: tokens, stop: stop ?? .length, scores: scores) }

    /// Gives the logits [V] of what is not legal at this state the value −∞. Doing it twice is doing it once.
    func mask(_ logits: UnsafeMutablePointer<Float>, vocabulary: Int, stopTokens: StopTokens) {
        guard let legal else { return }
        legal.tree.mask(logits, vocabulary: vocabulary, at: legal.node, stopTokens: stopTokens)
    }

    /// The token to come at the state these logits belong to; −1 where the response is as long as it may be.
    func draw(_ logits: UnsafePointer<Float>, vocabulary: Int) -> Int32 {
        if tokens.count == settings.maxNewTokens { return -1 }
        let uniform = stream.uniform()
        if let truncation = settings.truncation { return truncation.draw(logits, vocabulary: vocabulary, uniform: uniform) }
        return Kernel.sampleToken(logits, vocabulary: vocabulary, temperature: settings.temperature, uniform: uniform)
    }

    /// Enters the next state, or ends in this one.
    func take(_ token: Int32, stopTokens: StopTokens, logProbability: Float, stopLogProbability: Float, entropy: Float) {
        scores.stopLogProbabilities.append(stopLogProbability)
        scores.entropies.append(entropy)
        if token < 0 {
            stop = .length
        } else if stopTokens.contains(token) {
            stop = .stopToken
        } else {
            tokens.append(token)
            if let state = legal {
                guard let next = state.tree.node(after: state.node, token) else {
                    preconditionFailure("token \(token) was drawn, which is not legal")
                }
                legal = LegalState(tree: state.tree, node: next)
            }
            scores.tokenLogProbabilities.append(logProbability)
        }
    }
}

/// The rows of one decoding step: the newest token of each response.
struct DecodingStep: AttentionContext {
    let continuations: [Continuation]
    let positions: [Int32]
    let network: Network

    init(_ continuations: [Continuation], network: Network) {
        self.continuations = continuations
        self.network = network
        positions = continuations.map { Int32($0.prompt.wholeBlocks + $0.own.length) }
        for continuation in continuations { continuation.own.reserve(1) }
    }

    func segments(layer: Int, _ a: LayerActivations) -> [AttentionSegment] {
        let (q, e) = (network.queryWidth, network.keyWidth)
        nonisolated(unsafe) let a = a
        network.parallel.forEach(continuations.count, grain: max(1, 8192 / e)) { range in
            for row in range {
                continuations[row].own.write(layer: layer, keys: a.keys.base + row * e, values: a.values.base + row * e, rows: 1)
            }
        }
        return continuations.enumerated().map { row, continuation in
            let prefix = continuation.prompt.wholeBlocks, prompt = continuation.prompt.blocks(layer), own = continuation.own.blocks(layer)
            return AttentionSegment(
                queries: a.queries.base + row * q, queryStride: q, outputs: a.attention.base + row * q, outputStride: q,
                rows: 1, start: prefix + continuation.own.length, prefixKeys: prompt.keys, prefixValues: prompt.values,
                prefixLength: prefix, prefixStride: prompt.capacity, ownKeys: own.keys, ownValues: own.values,
                ownStride: own.capacity, keyForm: .blocks(own.precision))
        }
    }
}

/// The rows of some prompts, whose keys are put into their caches.
struct PromptPass: AttentionContext {
    let batch: PackedGroups
    let caches: [KeyValueCache]

    var positions: [Int32] { batch.positions }

    func segments(layer: Int, _ a: LayerActivations) -> [AttentionSegment] {
        let width = batch.network.keyWidth
        nonisolated(unsafe) let a = a
        batch.network.parallel.forEach(caches.count) { range in
            for index in range {
                let prompt = batch.groups[index].prompt, at = prompt.lowerBound * width
                caches[index].write(layer: layer, keys: a.keys.base + at, values: a.values.base + at, rows: prompt.count)
            }
        }
        return batch.segments(layer: layer, a)
    }
}
