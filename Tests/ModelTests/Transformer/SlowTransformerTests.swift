import Model
import Tensor
import TestSupport
import Testing

@Suite("The transformer agrees with its slow twin in double precision")
struct SlowTransformerTests {
    static let groups = [
        TokenGroup(prompt: [5, 6, 7], responses: [[12, 13, 14], [], [12, 40]]), TokenGroup(prompt: [1], responses: [[2, 69]]),
    ]
    enum Case: String, CaseIterable { case lora, loraOfManyRanks, full, untiedWithBiases, severalStopTokens }

    private func policy(_ kind: Case) throws -> (Policy, [Float]) {
        var configuration = tinyConfiguration
        if kind == .untiedWithBiases {
            configuration.tiedEmbeddings = false
            configuration.queryKeyValueBias = true
            configuration.outputBias = true
            configuration.mlpBias = true
        }
        if kind == .severalStopTokens { configuration.endTokens = [3, 69, 0, 12] }
        let trainable: Trainable =
            switch kind {
            case .lora, .severalStopTokens: .lora(tinyAdapter)
            case .loraOfManyRanks: .lora(unevenAdapter)
            case .full, .untiedWithBiases: .full
            }
        let policy = try tinyPolicy(trainable, configuration)
        return (policy, try tinyParameters(policy, scale: 15))
    }

    @Test("log-probabilities and entropies", arguments: Case.allCases)
    func forward(kind: Case) throws {
        let (policy, parameters) = try policy(kind)
        let twin = try SlowTransformer(policy, parameters)
        let scores = policy.forward(Self.groups, recording: false).scores
        for (group, scores) in zip(Self.groups, scores) {
            for (response, actual) in zip(group.responses, scores) {
                let expected = twin.scores(prompt: group.prompt, response: response)
                expectClose(actual.tokenLogProbabilities, expected.token, relative: 1e-5, absolute: 1e-5, "token")
                expectClose(actual.stopLogProbabilities, expected.stop, relative: 1e-5, absolute: 1e-5, "stop")
                expectClose(actual.entropies, expected.entropy, relative: 1e-5, absolute: 1e-5, "entropy")
            }
        }
    }

    @Test("hidden states at every state of every response", arguments: Case.allCases, [false, true])
    func hidden(kind: Case, recording: Bool) throws {
        let (policy, parameters) = try policy(kind)
        let twin = try SlowTransformer(policy, parameters)
        let result = policy.forward(Self.groups, recording: recording)
        for (g, group) in Self.groups.enumerated() {
            for (k, response) in group.responses.enumerated() {
                let expected = twin.hidden(group.prompt + response)[(group.prompt.count - 1)...]
                for (i, expected) in expected.enumerated() {
                    let actual = result.withHidden(ofState: i, response: k, group: g) { Array($0) }
                    expectClose(actual, expected, relative: 1e-5, absolute: 1e-5, "response \(k) of group \(g), state \(i)")
                }
            }
        }
    }

    @Test("gradients of every tensor, by central differences", arguments: Case.allCases)
    func backward(kind: Case) throws {
        try expectGradient(kind, weights: randomWeights(Self.groups), hiddenWeights: nil)
    }

    @Test("the same with slopes in hidden states, the shared one and an empty response's among them", arguments: Case.allCases)
    func backwardFromHidden(kind: Case) throws {
        try expectGradient(kind, weights: randomWeights(Self.groups), hiddenWeights: randomHiddenWeights(Self.groups))
    }

    /// Each tensor is moved in a random direction d: (f(p + hd) − f(p − hd)) / 2h = ⟨gradient, d⟩.
    private func expectGradient(_ kind: Case, weights: [[ResponseWeights]], hiddenWeights: HiddenWeights?) throws {
        let (policy, parameters) = try policy(kind)
        var gradient = [Float](repeating: 0, count: policy.layout.count)
        policy.backward(policy.forward(Self.groups, recording: true), weights: weights, hiddenWeights: hiddenWeights, into: &gradient)
        var twin = try SlowTransformer(policy, parameters)
        var random = RandomStream(seed: 1, purpose: .task)
        let h = 1e-5
        for entry in policy.layout.entries {
            let direction = (0..<entry.count).map { _ in random.normal() }
            let values = twin.tensors[entry.name] ?? []
            var sums: [Double] = []
            for sign in [1.0, -1] {
                twin.tensors[entry.name] = zip(values, direction).map { $0 + sign * h * $1 }
                sums.append(twin.weightedSum(Self.groups, weights, hiddenWeights))
            }
            twin.tensors[entry.name] = values
            let expected = (sums[0] - sums[1]) / (2 * h)
            let slice = gradient[entry.range]
            let actual = zip(slice, direction).reduce(0.0) { $0 + Double($1.0) * $1.1 }
            // Single precision errs relative to the gradient's size, of which the projection may be a small part.
            let size = slice.reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
            #expect(size > 1e-4, "\(entry.name)")
            expectClose(actual, expected, relative: 1e-4, absolute: 1e-4 * size + 1e-6, entry.name)
        }
    }
}
