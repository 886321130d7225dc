internal import Tensor

/// Decodes the responses to all requests together; finished ones leave the batch and others take their place.
///
/// Nothing here influences a response but its prompt, its stream, what its request has of its own and the settings, because a row's bits do not depend on the
/// batch it is computed in.
struct Sampler {
    private let policy: Policy
    private let requests: [SampleRequest]
    private let settings: SamplingSettings
    private let network: Network
    private let head: OutputHead
    /// Responses with a token to feed that no row is free for.
    private var waiting: ArraySlice<Continuation> = []
    private var nextRequest = 0
    private var results: [[SampledResponse?]]
    /// Caches of finished responses, for those to come.
    private var freeCaches: [KeyValueCache] = []

    /// Prompts are read together up to about this many rows.
    static let promptRows = 512

    init(_ policy: Policy, _ requests: [SampleRequest], _ settings: SamplingSettings) {
        self.policy = policy
        self.requests = requests
        self.settings = settings
        let longest = requests.map { $0.prompt.count + ($0.maxNewTokens ?? settings.maxNewTokens) }.max() ?? 0
        network = policy.network(positions: longest)
        head = OutputHead(network: network, stopTokens: policy.stopTokens)
        results = requests.map { Array(repeating: nil, count: $0.streams.count) }
    }

    mutating func run(poll: () throws -> Void) rethrows -> [[SampledResponse]] {
        var active: [Continuation] = []
        let step = StepMemory(network, rows: settings.maxRows)
        while true {
            while waiting.count + active.count < settings.maxRows && nextRequest < requests.count {
                try readPrompts(rows: settings.maxRows - waiting.count - active.count, poll: poll)
            }
            let admitted = waiting.prefix(settings.maxRows - active.count)
            active += admitted
            waiting = waiting.dropFirst(admitted.count)
            if active.isEmpty { break }
            try decode(active, step, poll: poll)
            for continuation in active where continuation.stop != nil { finish(continuation) }
            active.removeAll { $0.stop != nil }
        }
        return results.map { $0.compactMap { $0 } }
    }

    private mutating func finish(_ continuation: Continuation) {
        results[continuation.request][continuation.sample] = continuation.result
        freeCaches.append(continuation.own)
    }

    /// Reads the next prompts, as many as give `rows` responses, and draws every response's first token.
    private mutating func readPrompts(rows: Int, poll: () throws -> Void) rethrows {
        var groups: [TokenGroup] = [], samples = 0, promptRows = 0
        let firstRequest = nextRequest
        repeat {
            let request = requests[nextRequest]
            groups.append(TokenGroup(prompt: request.prompt, responses: []))
            samples += request.streams.count
            promptRows += request.prompt.count
            nextRequest += 1
        } while nextRequest < requests.count && samples < rows && promptRows < Self.promptRows

        let batch = PackedGroups(groups, network: network)
        let c = network.configuration
        let caches = groups.map { KeyValueCache(network, capacity: $0.prompt.count) }
        let a = LayerActivations(network, rows: batch.rows)
        let scratch = LayerScratch(network, rows: batch.rows)
        let context = PromptPass(batch: batch, caches: caches)
        network.weights.embedding.gather(batch.tokens, into: a.input.base)
        for layer in 0..<c.layerCount {
            network.forward(layer: layer, rows: batch.rows, context: context, a, scratch, into: a.input.base)
            try poll()
        }
        let hidden = FloatTensor(network.hiddenSize), logits = FloatTensor(c.vocabularySize), readings = HeadReadings(rows: 1)
        for (index, group) in batch.groups.enumerated() {
            let cache = caches[index], request = firstRequest + index
            cache.length = group.prompt.count
            network.normalize(
                a.input.base + (group.prompt.upperBound - 1) * network.hiddenSize, rows: 1, gain: network.weights.finalNorm,
                into: hidden.base)
            head.logits(hidden.base, rows: 1, into: logits.base)
            let own = settings.of(requests[request])
            for (sample, stream) in requests[request].streams.enumerated() {
                let continuation = Continuation(
                    request: request, sample: sample, prompt: cache, own: freeCache(), stream: stream, settings: own,
                    legal: requests[request].legal)
                advance([continuation], logits.base, readings)
                if continuation.stop == nil { waiting.append(continuation) } else { finish(continuation) }
            }
        }
    }

    private mutating func freeCache() -> KeyValueCache {
        freeCaches.popLast()
            ?? KeyValueCache(network, capacity: KeyValueCache.firstCapacity(settings.maxNewTokens))
    }

    /// Feeds the newest token of each response and draws the next.
    private func decode(_ active: [Continuation], _ memory: StepMemory, poll: () throws -> Void) rethrows {
        let c = network.configuration, M = active.count, a = memory.activations
        let context = DecodingStep(active, network: network)
        network.weights.embedding.gather(active.map { $0.tokens[$0.tokens.count - 1] }, into: a.input.base)
        for layer in 0..<c.layerCount {
            network.forward(layer: layer, rows: M, context: context, a, memory.scratch, into: a.input.base)
            try poll()
        }
        for continuation in active { continuation.own.length += 1 }
        network.normalize(a.input.base, rows: M, gain: network.weights.finalNorm, into: a.input.base)
        for start in stride(from: 0, to: M, by: OutputHead.blockRows) {
            let block = start..<min(start + OutputHead.blockRows, M)
            head.logits(a.input.base + start * network.hiddenSize, rows: block.count, into: memory.logits.base)
            advance(active[block], memory.logits.base, memory.readings)
        }
    }

    /// Draws the token of each row of logits and enters it, with its scores.
    private func advance(
        _ continuations: some RandomAccessCollection<Continuation>, _ logits: UnsafeMutablePointer<Float>, _ readings: HeadReadings
    ) {
        let vocabulary = network.configuration.vocabularySize, rows = Array(continuations)
        var tokens = [Int32](repeating: -1, count: rows.count)
        tokens.withUnsafeMutableBufferPointer { tokens in
            nonisolated(unsafe) let tokens = tokens
            nonisolated(unsafe) let logits = logits
            network.parallel.forEach(rows.count, grain: max(1, 16_384 / vocabulary)) { range in
                for row in range {
                    rows[row].mask(logits + row * vocabulary, vocabulary: vocabulary, stopTokens: head.stopTokens)
                    tokens[row] = rows[row].draw(logits + row * vocabulary, vocabulary: vocabulary)
                }
            }
        }
        head.gather(logits, rows: rows.count, tokens: tokens, into: readings, at: 0)
        for (row, continuation) in rows.enumerated() {
            continuation.take(
                tokens[row], stopTokens: head.stopTokens, logProbability: readings.token.base[row],
                stopLogProbability: readings.stop.base[row], entropy: readings.entropy.base[row])
        }
    }
}

/// What decoding steps use again and again, for `rows` rows.
private struct StepMemory {
    let activations: LayerActivations
    let scratch: LayerScratch
    let logits: FloatTensor
    let readings: HeadReadings

    init(_ network: Network, rows: Int) {
        activations = LayerActivations(network, rows: rows)
        scratch = LayerScratch(network, rows: rows)
        logits = FloatTensor(min(rows, OutputHead.blockRows), network.configuration.vocabularySize)
        readings = HeadReadings(rows: rows)
    }
}

extension Policy {
    /// Samples the responses to all requests. `poll` is called after every layer, so that transfers can progress meanwhile.
    ///
    /// A response ends at one of `stopTokens` or after `maxNewTokens` tokens; either way its scores hold n tokens and n + 1 states.
    /// With no responses asked for a prompt, its result is empty.
    package func sample(
        _ requests: [SampleRequest], settings: SamplingSettings, poll: () throws -> Void
    ) rethrows -> [[SampledResponse]] {
        var sampler = Sampler(self, requests, settings)
        return try sampler.run(poll: poll)
    }

    /// The same where nothing else has to progress.
    package func sample(_ requests: [SampleRequest], settings: SamplingSettings) -> [[SampledResponse]] {
        sample(requests, settings: settings, poll: {})
    }
}
