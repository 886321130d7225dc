import Tensor
import TestSupport
import Testing

@testable import Model

@Suite("Keys and values in bf16")
struct CachePrecisionTests {
    private static let trainables = [Trainable.lora(tinyAdapter), .full]

    @Test("are those of the definition: rounded after rotation, and nothing else", arguments: trainables)
    func definition(_ trainable: Trainable) throws {
        let policy = try tinyPolicy(trainable, keyPrecision: .bf16)
        var twin = try SlowTransformer(policy, try tinyParameters(policy, scale: 15))
        twin.isRoundingKeys = true
        let plain = try tinyPolicy(trainable).forward(tinyGroups, recording: false).scores
        let scores = policy.forward(tinyGroups, recording: false).scores
        #expect(scores != plain, "rounding matters")
        for (group, scores) in zip(tinyGroups, scores) {
            for (response, actual) in zip(group.responses, scores) {
                let expected = twin.scores(prompt: group.prompt, response: response)
                expectClose(actual.tokenLogProbabilities, expected.token, relative: 1e-5, absolute: 1e-5, "token")
                expectClose(actual.stopLogProbabilities, expected.stop, relative: 1e-5, absolute: 1e-5, "stop")
            }
        }
    }

    @Test("a sampler's cache and a learner's pass give the same bits, for any rows, threads and budget", arguments: trainables, Precision.allCases)
    func sameBits(_ trainable: Trainable, precision: Precision) throws {
        let policy = try tinyPolicy(trainable, precision: precision, keyPrecision: .bf16)
        policy.stopTokens = StopTokens([3])
        // Longer than the caches are at first, and than a block of attention.
        let prompts: [[Int32]] = [[5, 6, 7], [1], (0..<40).map { 10 + $0 }]
        let requests = prompts.enumerated().map { slot, prompt in
            SampleRequest(prompt: prompt, streams: (0..<4).map { RandomStream(seed: 3, purpose: .sampling, slot: slot, sample: $0) })
        }
        let samples = policy.sample(requests, settings: SamplingSettings(temperature: 1, maxNewTokens: 70))
        #expect(samples.joined().contains { $0.tokens.count > 32 })
        for (rows, threads) in [(1, 1), (5, 2)] {
            let other = try tinyPolicy(trainable, precision: precision, keyPrecision: .bf16, threads: threads)
            other.stopTokens = policy.stopTokens
            let again = other.sample(requests, settings: SamplingSettings(temperature: 1, maxNewTokens: 70, maxRows: rows))
            #expect(again.map { $0.map(\.tokens) } == samples.map { $0.map(\.tokens) } && again.map { $0.map(\.scores) } == samples.map { $0.map(\.scores) })
        }
        let groups = zip(prompts, samples).map { TokenGroup(prompt: $0, responses: $1.map(\.tokens)) }
        let weights = randomWeights(groups)
        var gradients: [[UInt32]] = []
        for budget in [0, .max] {
            policy.activationBudget = budget
            let forward = policy.forward(groups, recording: true)
            #expect(forward.scores == samples.map { $0.map(\.scores) })
            var gradient = [Float](repeating: 0, count: policy.layout.count)
            policy.backward(forward, weights: weights, into: &gradient)
            #expect(gradient.allSatisfy(\.isFinite) && gradient.contains { $0 != 0 })
            gradients.append(gradient.map(\.bitPattern))
        }
        #expect(gradients[0] == gradients[1])
    }

    @Test("the gradient is that of the rounded keys, passed on as if they were not: near the one without rounding")
    func gradient() throws {
        let gradients = try Precision.allCases.map { precision in
            let policy = try tinyPolicy(keyPrecision: precision)
            var gradient = [Float](repeating: 0, count: policy.layout.count)
            policy.backward(policy.forward(tinyGroups, recording: true), weights: randomWeights(tinyGroups), into: &gradient)
            return gradient.map { Double($0) }
        }
        let difference = zip(gradients[0], gradients[1]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        let size = gradients[0].reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(difference > 0 && difference < 0.02 * size, "\(difference / size)")
    }

    @Test("take half the memory")
    func memory() {
        let caches = Precision.allCases.map { KeyValueCache.bytes(tinyConfiguration, $0, positions: 64) }
        #expect(caches[0].keys == 2 * caches[1].keys && caches[0].values == 2 * caches[1].values && caches[1].keys > 0)
        let sampling = Precision.allCases.map {
            PolicyMemory.sampling(
                tinyConfiguration, forms: WeightForms(.bf16), adapter: nil, .init(prompts: 3, responses: 4, longestPrompt: 9, maxNewTokens: 1000), keyPrecision: $0)
        }
        // Whole blocks of 32 positions: of a prompt, and doubled until an answer fits behind the last part of its prompt.
        let positions = 12 * 2048 + 3 * 32, c = tinyConfiguration, padded = (c.headSize + 15) / 16 * 16
        #expect(sampling[0] - sampling[1] == 2 * c.layerCount * c.keyValueHeadCount * (c.headSize + padded) * positions)
    }
}
