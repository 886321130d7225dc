import Model
import Tensor
import Testing

@Suite("What a recording keeps follows its budget, and changes no bits")
struct RecordingLevelTests {
    private static let sizes = LayerSizes(input: 1000, attention: 100, gateAndUp: 30)

    @Test(
        "all but gate and up of as many layers as fit, then gate and up of as many of these as fit",
        arguments: [
            (-1, 0, 0), (0, 0, 0), (99, 0, 0), (100, 1, 0), (129, 1, 0), (130, 1, 1), (199, 1, 1), (200, 2, 0), (260, 2, 2), (299, 2, 2),
            (399, 3, 3), (400, 4, 0), (429, 4, 0), (430, 4, 1), (519, 4, 3), (520, 4, 4), (521, 4, 4), (Int.max, 4, 4), (Int.min, 0, 0),
        ])
    func levels(budget: Int, attention: Int, everything: Int) {
        let levels = RecordingLevel.levels(Self.sizes, layers: 4, budget: budget)
        #expect(levels.count == 4 && levels == levels.sorted(by: >), "the first layers keep more")
        #expect(levels.count { $0 >= .attention } == attention && levels.count { $0 == .everything } == everything)
        let taken = attention * Self.sizes.attention + everything * Self.sizes.gateAndUp
        #expect(taken <= max(0, budget), "inputs are not of the budget")
    }

    @Test("gate and up that are larger than the rest are kept where the rest of all layers is")
    func wideLayers() {
        let sizes = LayerSizes(input: 10, attention: 20, gateAndUp: 300)
        #expect(RecordingLevel.levels(sizes, layers: 3, budget: 59) == [.attention, .attention, .input])
        #expect(RecordingLevel.levels(sizes, layers: 3, budget: 359) == [.attention, .attention, .attention])
        #expect(RecordingLevel.levels(sizes, layers: 3, budget: 360) == [.everything, .attention, .attention])
        #expect(RecordingLevel.levels(sizes, layers: 3, budget: 960) == [.everything, .everything, .everything])
    }

    private static let configuration = {
        var configuration = tinyConfiguration
        configuration.layerCount = 5
        return configuration
    }()

    private static let attentionOnly = AdapterConfiguration(rank: 4, alpha: 3, targets: [.query, .value, .output])
    private static let feedForwardOnly = AdapterConfiguration(rank: 2, alpha: 3, targets: [.up, .down])

    private struct Pass: Equatable {
        let scores: [[ResponseScores]]
        /// With and without slopes in hidden states.
        let gradient, hiddenGradient: [UInt32]
    }

    private func pass(_ policy: Policy) -> Pass {
        let recorded = policy.forward(tinyGroups, recording: true), weights = randomWeights(tinyGroups)
        let gradients = [nil, randomHiddenWeights(tinyGroups)].map { hidden in
            var gradient = [Float](repeating: 0, count: policy.layout.count)
            policy.backward(recorded, weights: weights, hiddenWeights: hidden, into: &gradient)
            return gradient.map(\.bitPattern)
        }
        return Pass(scores: recorded.scores, gradient: gradients[0], hiddenGradient: gradients[1])
    }

    @Test(
        "log-probabilities, entropies and gradients have the bits of a recording that keeps everything",
        arguments: [Trainable.lora(tinyAdapter), .lora(unevenAdapter), .lora(attentionOnly), .lora(feedForwardOnly), .full],
        Precision.allCases)
    func sameBits(trainable: Trainable, precision: Precision) throws {
        let policy = try tinyPolicy(trainable, Self.configuration, precision: precision, threads: 2)
        let rows = tinyGroups.reduce(0) { $0 + $1.prompt.count + $1.responses.joined().count }
        var ranks: [Int] = []
        if case .lora(let adapter) = trainable { ranks = adapter.maximumRanks(layerCount: 5) }
        let sizes = LayerSizes(Self.configuration, ranks: ranks, rows: rows)
        policy.activationBudget = .max
        let expected = pass(policy)
        #expect(expected.gradient.contains { $0 << 1 != 0 } && expected.gradient != expected.hiddenGradient)
        var met: Set<[RecordingLevel]> = []
        for budget in [0, sizes.attention, 3 * sizes.attention + sizes.gateAndUp, 5 * sizes.attention + 2 * sizes.gateAndUp] {
            met.insert(RecordingLevel.levels(sizes, layers: 5, budget: budget))
            policy.activationBudget = budget
            #expect(pass(policy) == expected, "\(budget) bytes")
        }
        #expect(met.count == 4 && met.contains { Set($0).count == 3 })
    }
}
