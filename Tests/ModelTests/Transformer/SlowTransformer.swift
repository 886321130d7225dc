import Foundation
import Model

/// The transformer once more, in double precision and by the formulas: one sequence at a time, no cache, no packing.
struct SlowTransformer {
    let c: TransformerConfiguration
    let adapter: AdapterConfiguration?
    /// Weights and adapter matrices by name.
    var tensors: [String: [Double]]
    let stopTokens: [Int]
    /// Whether the embedding and both sides of every product with weights are rounded to bf16 first: the definition of the
    /// mode of that name.
    var isRounding = false
    /// Whether keys, after rotation, and values are.
    var isRoundingKeys = false

    init(_ policy: Policy, _ parameters: [Float]) throws {
        c = policy.base.configuration
        stopTokens = policy.stopTokens.ids.map(Int.init)
        if case .lora(let configuration) = policy.trainable { adapter = configuration } else { adapter = nil }
        tensors = [:]
        for name in policy.base.source.names { tensors[name] = try policy.base.source.read(name).map(Double.init) }
        for entry in policy.layout.entries { tensors[entry.name] = parameters[entry.range].map(Double.init) }
    }

    private func product(_ w: [Double], _ x: [Double]) -> [Double] {
        let x = isRounding ? x.map(Self.rounded) : x
        return (0..<w.count / x.count).map { n in
            var sum = 0.0
            for k in x.indices { sum += (isRounding ? Self.rounded(w[n * x.count + k]) : w[n * x.count + k]) * x[k] }
            return sum
        }
    }

    /// The nearest number with eight bits of significand, ties to even.
    private static func rounded(_ value: Double) -> Double {
        let bits = Float(value).bitPattern
        return Double(Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000))
    }

    private func linear(_ layer: Int, _ kind: LinearKind, _ x: [Double]) -> [Double] {
        let name = "model.layers.\(layer).\(kind.path)"
        var y = product(tensors[name + ".weight"] ?? [], x)
        if let bias = tensors[name + ".bias"] { for n in y.indices { y[n] += bias[n] } }
        if let adapter, let a = tensors["base_model.model.\(name).lora_A.weight"],
            let b = tensors["base_model.model.\(name).lora_B.weight"]
        {
            let strength = adapter.places(layerCount: c.layerCount).first { $0.place == AdapterPlace(layer: layer, kind: kind) }?.strength
            let rank = Double(a.count / x.count)
            let scale = Double(strength?.alpha ?? .nan) / (adapter.rankStabilised ? rank.squareRoot() : rank)
            let low = product(b, product(a, x))
            for n in y.indices { y[n] += scale * low[n] }
        }
        return y
    }

    private func norm(_ name: String, _ x: [Double]) -> [Double] {
        let gain = tensors[name] ?? []
        let rms = (x.reduce(0) { $0 + $1 * $1 } / Double(x.count) + Double(c.normEpsilon)).squareRoot()
        return x.indices.map { gain[$0] * x[$0] / rms }
    }

    private func rotated(_ x: [Double], position: Int) -> [Double] {
        var y = x
        let half = c.headSize / 2
        for head in 0..<x.count / c.headSize {
            for i in 0..<half {
                var frequency = pow(c.rope.theta, -2 * Double(i) / Double(c.headSize))
                if case .linear(let factor) = c.rope.scaling { frequency /= factor }
                if case .llama3(let factor, let low, let high, let length) = c.rope.scaling {
                    let turns = Double(length) * frequency / (2 * .pi)
                    let kept = min(1, max(0, (turns - low) / (high - low)))
                    frequency *= kept + (1 - kept) / factor
                }
                let angle = Double(position) * frequency, p = head * c.headSize + i
                y[p] = x[p] * cos(angle) - x[p + half] * sin(angle)
                y[p + half] = x[p + half] * cos(angle) + x[p] * sin(angle)
            }
        }
        return y
    }

    /// The final norm's output at every position, [tokens][D].
    func hidden(_ tokens: [Int32]) -> [[Double]] {
        let embedding = tensors["model.embed_tokens.weight"] ?? [], D = c.hiddenSize, S = c.headSize
        var x = tokens.map { embedding[Int($0) * D..<(Int($0) + 1) * D].map { isRounding ? Self.rounded($0) : $0 } }
        for layer in 0..<c.layerCount {
            let n = x.map { norm("model.layers.\(layer).input_layernorm.weight", $0) }
            let q = n.enumerated().map { rotated(linear(layer, .query, $1), position: $0) }
            func kept(_ x: [Double]) -> [Double] { isRoundingKeys ? x.map(Self.rounded) : x }
            let k = n.enumerated().map { kept(rotated(linear(layer, .key, $1), position: $0)) }
            let v = n.map { kept(linear(layer, .value, $0)) }
            for t in x.indices {
                var output = [Double](repeating: 0, count: c.headCount * S)
                for head in 0..<c.headCount {
                    let at = head * S, shared = head / (c.headCount / c.keyValueHeadCount) * S
                    let scores = (0...t).map { u in
                        exp((0..<S).reduce(0) { $0 + q[t][at + $1] * k[u][shared + $1] } / Double(S).squareRoot())
                    }
                    let total = scores.reduce(0, +)
                    for u in 0...t { for i in 0..<S { output[at + i] += scores[u] / total * v[u][shared + i] } }
                }
                x[t] = zip(x[t], linear(layer, .output, output)).map { $0 + $1 }
                let m = norm("model.layers.\(layer).post_attention_layernorm.weight", x[t])
                let gated = zip(linear(layer, .gate, m), linear(layer, .up, m)).map { $0 / (1 + exp(-$0)) * $1 }
                x[t] = zip(x[t], linear(layer, .down, gated)).map { $0 + $1 }
            }
        }
        return x.map { norm("model.norm.weight", $0) }
    }

    /// log π of every token at each of some hidden states, [states][V].
    private func logProbabilities(of hidden: [[Double]]) -> [[Double]] {
        let head = tensors[c.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight"] ?? []
        return hidden.map { row in
            let z = product(head, row)
            let largest = z.max() ?? 0
            let logSum = largest + log(z.reduce(0) { $0 + exp($1 - largest) })
            return z.map { $0 - logSum }
        }
    }

    /// log π of every token at every position, [tokens][V].
    func logProbabilities(_ tokens: [Int32]) -> [[Double]] { logProbabilities(of: hidden(tokens)) }

    struct Scores { var token: [Double], stop: [Double], entropy: [Double] }

    func scores(prompt: [Int32], response: [Int32]) -> Scores {
        scores(of: Array(hidden(prompt + response)[(prompt.count - 1)...]), response: response)
    }

    private func scores(of hidden: [[Double]], response: [Int32]) -> Scores {
        let states = logProbabilities(of: hidden)
        return Scores(
            token: zip(states, response).map { $0[Int($1)] }, stop: states.map { state in log(stopTokens.reduce(0) { $0 + exp(state[$1]) }) },
            entropy: states.map { -$0.reduce(0) { $0 + exp($1) * $1 } })
    }

    /// Σ (token weight · log π(token) + stop weight · log π(⊤)), and Σ slope · (direction · h) where there are `hiddenWeights`.
    func weightedSum(_ groups: [TokenGroup], _ weights: [[ResponseWeights]], _ hiddenWeights: HiddenWeights? = nil) -> Double {
        var sum = 0.0
        for (g, (group, weights)) in zip(groups, weights).enumerated() {
            for (k, (response, w)) in zip(group.responses, weights).enumerated() {
                let states = Array(hidden(group.prompt + response)[(group.prompt.count - 1)...])
                let s = scores(of: states, response: response)
                sum += zip(s.token, w.token).reduce(0) { $0 + $1.0 * Double($1.1) }
                sum += zip(s.stop, w.stop).reduce(0) { $0 + $1.0 * Double($1.1) }
                guard let hiddenWeights else { continue }
                for (state, slope) in zip(states, hiddenWeights.slopes[g][k]) {
                    sum += Double(slope) * zip(state, hiddenWeights.direction).reduce(0) { $0 + $1.0 * Double($1.1) }
                }
            }
        }
        return sum
    }
}
