import Model
import Tensor
import TestSupport
import Testing

@Suite("A policy that is confined to a tree of legal responses")
struct LegalResponsesTests {
    private static let responses: [[Int32]] = [[], [12], [12, 13], [12, 14, 60], [40, 5], [41, 5, 5, 60, 61, 62], [41, 5, 5, 60, 61, 63]]
    private static let tree = TokenTree(responses)
    private static let prompt: [Int32] = [5, 6, 7]
    private static let group = TokenGroup(prompt: prompt, responses: responses, legal: tree)

    private func logProbability(_ scores: ResponseScores) -> Double {
        scores.tokenLogProbabilities.reduce(0) { $0 + Double($1) } + Double(scores.stopLogProbabilities.last ?? 0)
    }

    @Test("has all its probability on them", arguments: Precision.allCases)
    func normalised(precision: Precision) throws {
        let policy = try tinyPolicy(precision: precision)
        let scores = policy.forward([Self.group], recording: false).scores[0]
        let total = scores.reduce(0) { $0 + Elementary.exp(logProbability($1)) }
        #expect(abs(total - 1) < 1e-5)
        // ⊤ is not legal behind 41, where only 5 is; nothing but ⊤ is legal behind the longest.
        #expect(scores[5].stopLogProbabilities[1] == -.infinity && scores[5].tokenLogProbabilities[1] == 0)
        #expect(scores[5].stopLogProbabilities[6] == 0 && scores[5].entropies[6] == 0)
    }

    @Test("has the softmax of the legal logits alone", arguments: [[3], [3, 69, 0]] as [[Int32]])
    func renormalised(stopTokens: [Int32]) throws {
        let policy = try tinyPolicy()
        policy.stopTokens = StopTokens(stopTokens)
        let scores = policy.forward([Self.group], recording: false).scores[0]
        for (response, scores) in zip(Self.responses, scores) {
            let logits = policy.logits(Self.prompt + response).suffix(tinyConfiguration.vocabularySize * (response.count + 1))
            for state in 0...response.count {
                let row = Array(logits.dropFirst(state * tinyConfiguration.vocabularySize).prefix(tinyConfiguration.vocabularySize))
                let node = try #require(Self.tree.node(at: response.prefix(state)))
                let stops = Self.tree.isEnd(node) ? stopTokens : []
                let weights = (Self.tree.nextTokens(at: node) + stops).map { Elementary.exp(Double(row[Int($0)])) }
                let total = weights.reduce(0, +)
                if state < response.count {
                    let expected = Elementary.log(Elementary.exp(Double(row[Int(response[state])])) / total)
                    #expect(abs(Double(scores.tokenLogProbabilities[state]) - expected) < 1e-5)
                }
                guard !stops.isEmpty else { continue }
                let stop = stops.reduce(0) { $0 + Elementary.exp(Double(row[Int($1)])) } / total
                #expect(abs(Double(scores.stopLogProbabilities[state]) - Elementary.log(stop)) < 1e-5)
            }
        }
    }

    @Test("says only them, and with the bits that scoring gives", arguments: [1, 64])
    func sampling(maxRows: Int) throws {
        let policy = try tinyPolicy()
        let streams = (0..<64).map { RandomStream(seed: 3, purpose: .sampling, sample: $0) }
        let settings = SamplingSettings(temperature: 2, maxNewTokens: 7, maxRows: maxRows)
        // Beside a prompt whose responses are free, and before it.
        let free = SampleRequest(prompt: Self.prompt, streams: Array(streams.prefix(8)))
        let requests = [free, SampleRequest(prompt: Self.prompt, streams: streams, legal: Self.tree), free]
        let sampled = policy.sample(requests, settings: settings)
        #expect(sampled[0] == sampled[2] && sampled[0] == policy.sample([free], settings: settings)[0])
        #expect(Set(sampled[1].map(\.tokens)).isSubset(of: Set(Self.responses)) && Set(sampled[1].map(\.tokens)).count > 3)
        #expect(sampled[1].allSatisfy { $0.stop == .stopToken })
        let group = TokenGroup(prompt: Self.prompt, responses: sampled[1].map(\.tokens), legal: Self.tree)
        #expect(policy.forward([group], recording: false).scores[0] == sampled[1].map(\.scores))
    }

    @Test("leaves the bits of groups without a tree alone")
    func beside() throws {
        let policy = try tinyPolicy()
        let together = policy.forward([tinyGroups[0], Self.group, tinyGroups[1]], recording: false).scores
        let alone = policy.forward(tinyGroups, recording: false).scores
        #expect(together[0] == alone[0] && together[2] == alone[1])
        #expect(together[1] == policy.forward([Self.group], recording: false).scores[0])
    }

    @Test("has the gradient of these log-probabilities", arguments: [Trainable.lora(tinyAdapter), .full])
    func gradient(trainable: Trainable) throws {
        let policy = try tinyPolicy(trainable)
        let parameters = try tinyParameters(policy, scale: 15)
        // Only what can happen has a weight, as in a loss.
        var weights = randomWeights([Self.group])
        for (k, response) in Self.responses.enumerated() {
            for i in 0...response.count {
                let node = try #require(Self.tree.node(at: response.prefix(i)))
                if !Self.tree.isEnd(node) { weights[0][k].stop[i] = 0 }
            }
        }
        func value(_ parameters: [Float]) -> Double {
            policy.adopt(values: parameters, version: 1)
            let scores = policy.forward([Self.group], recording: false).scores[0]
            return zip(scores, weights[0]).reduce(0) { sum, pair in
                let (scores, weights) = pair
                let tokens = zip(scores.tokenLogProbabilities, weights.token).reduce(0) { $0 + Double($1.0) * Double($1.1) }
                return sum + tokens + zip(scores.stopLogProbabilities, weights.stop).reduce(0) { $1.1 == 0 ? $0 : $0 + Double($1.0) * Double($1.1) }
            }
        }
        policy.adopt(values: parameters, version: 1)
        var gradient = [Float](repeating: 0, count: policy.layout.count)
        policy.backward(policy.forward([Self.group], recording: true), weights: weights, into: &gradient)
        // Along random directions: single numbers in single precision are noise.
        var random = RandomStream(seed: 11, purpose: .task)
        for _ in 0..<6 {
            let direction = parameters.map { _ in Float(random.normal()) }
            let slope = zip(gradient, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            let h: Float = 1e-3 / Float(parameters.count).squareRoot() * 20
            let difference = (value(zip(parameters, direction).map { $0 + h * $1 }) - value(zip(parameters, direction).map { $0 - h * $1 })) / Double(2 * h)
            #expect(abs(slope - difference) < 0.01 * max(1, abs(slope)), "\(slope) along a direction, by differences \(difference)")
        }
    }
}
