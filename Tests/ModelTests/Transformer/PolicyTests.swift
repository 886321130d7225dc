import Model
import Tensor
import TestSupport
import Testing

@Suite("A policy's log-probabilities do not depend on how they are computed")
struct PolicyTests {
    @Test("a shared prompt gives each response the bits it has alone", arguments: Precision.allCases)
    func sharedPrompt(precision: Precision) throws {
        let policy = try tinyPolicy(precision: precision)
        let together = policy.forward(tinyGroups, recording: true)
        for (g, group) in tinyGroups.enumerated() {
            for (k, response) in group.responses.enumerated() {
                let alone = policy.forward([TokenGroup(prompt: group.prompt, responses: [response])], recording: false)
                #expect(alone.scores[0][0] == together.scores[g][k])
                #expect(alone.promptHidden[0] == together.promptHidden[g])
                #expect(together.scores[g][k].stopLogProbabilities.count == response.count + 1)
            }
        }
    }

    @Test("scores and gradients have the same bits with one thread and with three", arguments: Precision.allCases)
    func threads(precision: Precision) throws {
        var results: [([[ResponseScores]], [Float])] = []
        for threads in [1, 3] {
            let policy = try tinyPolicy(precision: precision, threads: threads)
            let result = policy.forward(tinyGroups, recording: true)
            var gradient = [Float](repeating: 0, count: policy.layout.count)
            policy.backward(result, weights: randomWeights(tinyGroups), into: &gradient)
            results.append((result.scores, gradient))
        }
        #expect(results[0].0 == results[1].0)
        #expect(results[0].1 == results[1].1)
    }

    @Test("hidden states have the bits they have alone, recorded or not, and state 0 is the prompt's", arguments: Precision.allCases)
    func hiddenStates(precision: Precision) throws {
        let policy = try tinyPolicy(precision: precision)
        let (recorded, together) = (policy.forward(tinyGroups, recording: true), policy.forward(tinyGroups, recording: false))
        for (g, group) in tinyGroups.enumerated() {
            for (k, response) in group.responses.enumerated() {
                let alone = policy.forward([TokenGroup(prompt: group.prompt, responses: [response])], recording: false)
                for i in 0...response.count {
                    let expected = alone.withHidden(ofState: i, response: 0, group: 0) { Array($0) }
                    for result in [recorded, together] {
                        #expect(result.withHidden(ofState: i, response: k, group: g) { Array($0) } == expected)
                    }
                    // What a prompt of the tokens so far ends with.
                    let prefix = TokenGroup(prompt: group.prompt + response.prefix(i), responses: [])
                    #expect(policy.forward([prefix], recording: false).promptHidden[0] == expected)
                }
            }
        }
    }

    private func gradient(
        _ policy: Policy, _ groups: [TokenGroup], weights: [[ResponseWeights]], hiddenWeights: HiddenWeights?
    ) -> [Float] {
        var gradient = [Float](repeating: 0, count: policy.layout.count)
        policy.backward(policy.forward(groups, recording: true), weights: weights, hiddenWeights: hiddenWeights, into: &gradient)
        return gradient
    }

    @Test("slopes in hidden states: the gradient's bits are the same with one thread and with three", arguments: Precision.allCases)
    func threadsWithHiddenWeights(precision: Precision) throws {
        let gradients = try [1, 3].map { threads in
            gradient(
                try tinyPolicy(precision: precision, threads: threads), tinyGroups, weights: randomWeights(tinyGroups),
                hiddenWeights: randomHiddenWeights(tinyGroups))
        }
        #expect(gradients[0] == gradients[1])
    }

    @Test(
        "slopes in hidden states: none, and none but zeros, leave the gradient as it is without",
        arguments: [Trainable.lora(tinyAdapter), .full])
    func noHiddenWeights(trainable: Trainable) throws {
        let policy = try tinyPolicy(trainable), weights = randomWeights(tinyGroups)
        var plain = [Float](repeating: 0, count: policy.layout.count)
        policy.backward(policy.forward(tinyGroups, recording: true), weights: weights, into: &plain)
        var hidden = randomHiddenWeights(tinyGroups)
        let with = gradient(policy, tinyGroups, weights: weights, hiddenWeights: hidden)
        hidden.slopes = hidden.slopes.map { $0.map { $0.map { _ in 0 } } }
        let withZeros = gradient(policy, tinyGroups, weights: weights, hiddenWeights: hidden)
        #expect(gradient(policy, tinyGroups, weights: weights, hiddenWeights: nil).map(\.bitPattern) == plain.map(\.bitPattern))
        #expect(withZeros == plain && with != plain)
    }

    @Test("slopes in the state that responses share are one slope, their sum, and an empty response has no other state")
    func sharedState() throws {
        let policy = try tinyPolicy(), group = TokenGroup(prompt: [5, 6, 7], responses: [[12, 13], [], [40]])
        let zeros = [group].map { $0.responses.map { ResponseWeights(token: $0.map { _ in 0 }, stop: (0...$0.count).map { _ in 0 }) } }
        var hidden = randomHiddenWeights([group])
        hidden.slopes = [[[0.5, 0, 0], [-2], [0.25, 0]]]
        let spread = gradient(policy, [group], weights: zeros, hiddenWeights: hidden)
        hidden.slopes = [[[0, 0, 0], [-1.25], [0, 0]]]
        let single = gradient(policy, [group], weights: zeros, hiddenWeights: hidden)
        #expect(spread == single && single.contains { $0 != 0 })
        hidden.slopes = [[[-1.25]]]
        let alone = TokenGroup(prompt: [5, 6, 7], responses: [[]])
        let empty = gradient(
            policy, [alone], weights: [[ResponseWeights(token: [], stop: [0])]], hiddenWeights: hidden)
        expectClose(empty, single, relative: 1e-5, absolute: 1e-6)
    }

    @Test("a fresh adapter is the base, and so is an adapter that is switched off")
    func reference() throws {
        let policy = try tinyPolicy()
        let adapted = policy.forward(tinyGroups, recording: false).scores
        policy.adapterEnabled = false
        let reference = policy.forward(tinyGroups, recording: false).scores
        #expect(adapted != reference)
        policy.adapterEnabled = true
        policy.adopt(values: try policy.initialParameters(seed: 5), version: 2)
        #expect(policy.forward(tinyGroups, recording: false).scores == reference)
        #expect(policy.version == 2)
    }

    @Test("bf16 bits and the values they stand for make the same policy")
    func bits() throws {
        let policy = try tinyPolicy()
        let values = try tinyParameters(policy, scale: 1)
        let bits = values.map { UInt16($0.bitPattern >> 16) }
        policy.adopt(bits, version: 3)
        let scores = policy.forward(tinyGroups, recording: false).scores
        policy.adopt(values: bits.map { Float(bitPattern: UInt32($0) << 16) }, version: 3)
        #expect(policy.forward(tinyGroups, recording: false).scores == scores)
    }

    @Test("a full policy with the base's values is the base", arguments: Precision.allCases)
    func fullPolicy(precision: Precision) throws {
        let policy = try tinyPolicy(.full, precision: precision)
        policy.adopt(values: try policy.initialParameters(seed: 1), version: 1)
        let scores = policy.forward(tinyGroups, recording: false).scores
        policy.adapterEnabled = false
        #expect(policy.forward(tinyGroups, recording: false).scores == scores)
    }
}

@Suite("Several tokens end a response")
struct StopSetTests {
    /// PyTorch's autograd, in double precision, of Σ wt·log π(token) + Σ ws·logsumexp over the set of log π.
    @Test("log π(⊤) of a set and its gradient are autograd's")
    func autograd() throws {
        let files = try ModelFiles.open(ownFixtures.appendingPathComponent("nano-tied-f32/checkpoint").path)
        let base = try BaseModel(files, precision: .fp32, gradients: true, parallel: .serial)
        let policy = Policy(base: base, trainable: .full, parallel: .serial)
        policy.adopt(values: try policy.initialParameters(seed: 0), version: 0)
        policy.stopTokens = StopTokens([316, 0, 2])
        let result = policy.forward([TokenGroup(prompt: [1, 81, 22, 14], responses: [[285, 33, 7, 19]])], recording: true)
        expectClose(
            result.scores[0][0].stopLogProbabilities, [-5.3819654, -4.9135465, -5.4192881, -4.838972, -6.5898134], relative: 1e-6)
        var gradient = [Float](repeating: 0, count: policy.layout.count)
        let weights = ResponseWeights(token: [0.5, -0.25, 0.8, 0.1], stop: [0.3, -0.7, 0, 1.1, -0.4])
        policy.backward(result, weights: [[weights]], into: &gradient)
        let expected: [String: (row: Int, values: [Double])] = [
            "model.norm.weight": (
                0,
                [
                    -0.17386766, -0.477524, 0.31288894, -0.0074165705, -0.33191131, -0.1979357, 0.071001027, 0.41785445, -0.21859487,
                    -0.11386062, -0.35665109, 0.074656014, -0.17876383, -0.12987163, 0.43325613, -0.14531771,
                ]
            ),
            "model.layers.0.self_attn.q_proj.weight": (
                0,
                [
                    -0.59168699, -0.3363612, -2.083803, 0.77261768, 0.25583247, 1.2565126, 0.55915615, 0.69631901, -0.32689943,
                    2.2429692, 0.53452079, 0.087764878, 1.2521853, -0.96368136, -1.7751122, 0.20991722,
                ]
            ),
            "model.embed_tokens.weight": (
                2,
                [
                    -0.18375502, 0.018081968, 0.1107261, -0.055218961, -0.080724602, 0.089995469, -0.037231004, -0.066464968,
                    -0.06184994, -0.029028394, 0.10629353, -0.18242582, -0.24297993, -0.099782622, -0.16414613, -0.005900294,
                ]
            ),
        ]
        for (name, row) in expected {
            let entry = try #require(policy.layout.entries.first { $0.name == name })
            let start = entry.offset + row.row * 16
            expectClose(Array(gradient[start..<start + 16]), row.values, relative: 1e-5, absolute: 2e-6, name)
        }
    }

    @Test("any of them ends a response, and is no part of it")
    func sampling() throws {
        var configuration = tinyConfiguration
        configuration.endTokens = [3, 69, 12]
        let policy = try tinyPolicy(.lora(tinyAdapter), configuration)
        let requests = tinyGroups.enumerated().map { slot, group in
            SampleRequest(prompt: group.prompt, streams: (0..<40).map { RandomStream(seed: 2, purpose: .sampling, slot: slot, sample: $0) })
        }
        let responses = policy.sample(requests, settings: SamplingSettings(temperature: 1.5, maxNewTokens: 30)).joined()
        #expect(responses.allSatisfy { response in !response.tokens.contains { policy.stopTokens.contains($0) } })
        policy.stopTokens = StopTokens([3])
        let longer = policy.sample(requests, settings: SamplingSettings(temperature: 1.5, maxNewTokens: 30)).joined()
        var ends = Set<Int32>()
        for (short, long) in zip(responses, longer) {
            #expect(long.tokens.starts(with: short.tokens))
            if short.stop == .stopToken { ends.insert(long.tokens.count > short.tokens.count ? long.tokens[short.tokens.count] : 3) }
        }
        #expect(ends == [3, 69, 12], "each of them ended some response")
    }
}

@Suite("Sampling")
struct SamplingTests {
    private func requests(_ samples: Int) -> [SampleRequest] {
        tinyGroups.enumerated().map { slot, group in
            SampleRequest(
                prompt: group.prompt,
                streams: (0..<samples + slot).map { RandomStream(seed: 2, purpose: .sampling, slot: slot, sample: $0) })
        }
    }

    @Test(
        "log-probabilities recorded while sampling have the bits of a forward pass",
        arguments: Precision.allCases, [1, 2, 5, 64])
    func sameBits(precision: Precision, rows: Int) throws {
        let policy = try tinyPolicy(precision: precision, threads: rows % 3 + 1)
        let requests = requests(6)
        let sampled = policy.sample(requests, settings: SamplingSettings(temperature: 1.5, maxNewTokens: 45, maxRows: rows))
        let groups = zip(requests, sampled).map { TokenGroup(prompt: $0.prompt, responses: $1.map(\.tokens)) }
        #expect(policy.forward(groups, recording: true).scores == sampled.map { $0.map(\.scores) })
        #expect(Set(sampled.joined().map(\.stop)) == [.stopToken, .length])
        for response in sampled.joined() {
            #expect(!response.tokens.contains { policy.stopTokens.contains($0) })
            #expect(response.stop == .stopToken ? response.tokens.count <= 45 : response.tokens.count == 45)
        }
    }

    @Test("a response depends on its prompt and stream only, not on what is sampled beside it")
    func independence() throws {
        let policy = try tinyPolicy()
        let settings = SamplingSettings(temperature: 1, maxNewTokens: 9)
        let together = policy.sample(requests(4), settings: settings)
        for (request, responses) in zip(requests(4), together) {
            for (stream, response) in zip(request.streams, responses) {
                let alone = policy.sample([SampleRequest(prompt: request.prompt, streams: [stream])], settings: settings)
                #expect(alone == [[response]])
            }
        }
    }

    @Test("a request's own temperature is its own alone", arguments: [1, 5, 64], [Float(0), 0.6])
    func ownTemperature(rows: Int, minP: Float) throws {
        let policy = try tinyPolicy()
        func settings(_ temperature: Float) -> SamplingSettings {
            SamplingSettings(temperature: temperature, maxNewTokens: 12, maxRows: rows, minP: minP)
        }
        let temperatures: [Float?] = [2.5, nil, 0]
        let mixed = zip(requests(5), temperatures).map { SampleRequest(prompt: $0.prompt, streams: $0.streams, temperature: $1) }
        let sampled = policy.sample(mixed, settings: settings(0.8))
        for (index, temperature) in temperatures.enumerated() {
            let alone = policy.sample([requests(5)[index]], settings: settings(temperature ?? 0.8))
            #expect(alone == [sampled[index]], "as if all were sampled at \(temperature ?? 0.8)")
        }
        #expect(sampled[0] != policy.sample(requests(5), settings: settings(0.8))[0])
        #expect(Set(sampled[2].map(\.tokens)).count == 1, "the likeliest tokens")
        let groups = zip(mixed, sampled).map { TokenGroup(prompt: $0.prompt, responses: $1.map(\.tokens)) }
        let scores = policy.forward(groups, recording: false).scores
        #expect(scores == sampled.map { $0.map(\.scores) }, "log-probabilities are those at temperature 1")
    }

    @Test("a request's own limit is its own alone, above the settings' one as well", arguments: [1, 5, 64])
    func ownLimit(rows: Int) throws {
        let policy = try tinyPolicy()
        func settings(_ limit: Int) -> SamplingSettings {
            SamplingSettings(temperature: 1.5, maxNewTokens: limit, maxRows: rows)
        }
        let limits: [Int?] = [30, nil, 0]
        let mixed = zip(requests(5), limits).map { SampleRequest(prompt: $0.prompt, streams: $0.streams, maxNewTokens: $1) }
        let sampled = policy.sample(mixed, settings: settings(4))
        for (index, limit) in limits.enumerated() {
            #expect(policy.sample([requests(5)[index]], settings: settings(limit ?? 4)) == [sampled[index]], "limit \(limit ?? 4)")
        }
        #expect(sampled[0].contains { $0.tokens.count > 4 } && sampled[2].allSatisfy { $0.tokens.isEmpty && $0.stop == .length })
    }

    @Test("no new tokens leave an empty response with its one state")
    func noTokens() throws {
        let policy = try tinyPolicy()
        let sampled = policy.sample(requests(1), settings: SamplingSettings(temperature: 1, maxNewTokens: 0))
        let scores = policy.forward(tinyGroups.map { TokenGroup(prompt: $0.prompt, responses: [[]]) }, recording: false).scores
        for (responses, expected) in zip(sampled, scores) {
            for response in responses {
                #expect(response.tokens.isEmpty && response.stop == .length && response.scores == expected[0])
            }
        }
    }

    @Test("an error of the poll ends the sampling")
    func poll() throws {
        struct Stopped: Error {}
        let policy = try tinyPolicy()
        var calls = 0
        #expect(throws: Stopped.self) {
            try policy.sample(requests(2), settings: SamplingSettings(temperature: 1, maxNewTokens: 9)) {
                calls += 1
                if calls == 5 { throw Stopped() }
            }
        }
        #expect(calls == 5)
    }
}
