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

    @Test("activations that are computed again leave the gradient's bits alone")
    func activationBudget() throws {
        let policy = try tinyPolicy(), weights = randomWeights(tinyGroups)
        var gradients: [[Float]] = []
        for budget in [0, 1 << 30] {
            policy.activationBudget = budget
            var gradient = [Float](repeating: 0, count: policy.layout.count)
            policy.backward(policy.forward(tinyGroups, recording: true), weights: weights, into: &gradient)
            gradients.append(gradient)
        }
        #expect(gradients[0] == gradients[1])
        #expect(gradients[0].contains { $0 != 0 })
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
            #expect(!response.tokens.contains(policy.stopToken))
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
