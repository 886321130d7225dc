@testable import Model
import Tensor

/// Two layers, grouped heads, Llama 3.1's rotary scaling, and no size that equals another.
let tinyConfiguration = TransformerConfiguration(
    hiddenSize: 20, intermediateSize: 28, layerCount: 2, headCount: 4, keyValueHeadCount: 2, headSize: 6, vocabularySize: 70,
    contextLength: 64, normEpsilon: 1e-5,
    rope: RotaryConfiguration(
        theta: 100,
        scaling: .llama3(factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 16)),
    endTokens: [3])

let tinyAdapter = AdapterConfiguration(rank: 3, alpha: 5, targets: LinearKind.allCases)

/// Another rank, α and choice of linear maps in each layer.
let unevenAdapter = AdapterConfiguration(
    [
        AdapterPlace(layer: 0, kind: .query): .init(rank: 2, alpha: 5), AdapterPlace(layer: 0, kind: .down): .init(rank: 7, alpha: 3),
        AdapterPlace(layer: 1, kind: .query): .init(rank: 5, alpha: 2), AdapterPlace(layer: 1, kind: .output): .init(rank: 1, alpha: 4),
        AdapterPlace(layer: 1, kind: .gate): .init(rank: 5, alpha: 2), AdapterPlace(layer: 1, kind: .down): .init(rank: 3, alpha: 6),
    ], layerCount: 2, rankStabilised: true)

/// A policy with weights large enough to make every part of it matter.
func tinyPolicy(
    _ trainable: Trainable = .lora(tinyAdapter), _ configuration: TransformerConfiguration = tinyConfiguration,
    precision: Precision = .fp32, keyPrecision: Precision = .fp32, threads: Int = 1, scale: Float = 15
) throws -> Policy {
    let parallel = Parallel(threads: threads)
    var model = try UnloadedModel(randomly: configuration, seed: 7, precision: precision, parallel: parallel)
    model.keyPrecision = keyPrecision
    let policy = Policy(base: try BaseModel(model, gradients: true), trainable: trainable, parallel: parallel)
    policy.adopt(values: try tinyParameters(policy, scale: scale), version: 1)
    return policy
}

/// LoRA: B random too. Full: the initial values made larger, with gains and biases away from one and zero.
func tinyParameters(_ policy: Policy, scale: Float) throws -> [Float] {
    var values = try policy.initialParameters(seed: 3)
    var random = RandomStream(seed: 9, purpose: .task)
    for entry in policy.layout.entries {
        for index in entry.range {
            if entry.name.hasSuffix("lora_B.weight") || entry.shape.count == 1 {
                values[index] += 0.3 * Float(random.normal())
            } else if policy.trainable == .full {
                values[index] *= scale
            }
        }
    }
    return values
}

/// Ragged groups: a prompt of one token, an empty response, equal first tokens, a single response.
let tinyGroups = [
    TokenGroup(prompt: [5, 6, 7, 8, 9, 10, 11], responses: [[12, 13, 14, 15], [], [12, 40], [41, 5, 5, 60, 61, 62]]),
    TokenGroup(prompt: [1], responses: [[2, 69, 3], [0]]),
    TokenGroup(prompt: [30, 31, 32], responses: [[33]]),
]

/// Slopes of all sizes and signs in the hidden states of some groups, and a direction.
func randomHiddenWeights(_ groups: [TokenGroup], seed: UInt64 = 6) -> HiddenWeights {
    var random = RandomStream(seed: seed, purpose: .task)
    return HiddenWeights(
        direction: (0..<tinyConfiguration.hiddenSize).map { _ in Float(random.normal()) },
        slopes: groups.map { group in
            group.responses.map { response in (0...response.count).map { _ in Float(random.normal()) } }
        })
}

/// Weights of all sizes and signs for the responses of some groups.
func randomWeights(_ groups: [TokenGroup], seed: UInt64 = 4) -> [[ResponseWeights]] {
    var random = RandomStream(seed: seed, purpose: .task)
    return groups.map { group in
        group.responses.map { response in
            ResponseWeights(
                token: response.map { _ in Float(random.normal()) },
                stop: (0...response.count).map { _ in Float(random.normal()) })
        }
    }
}

/// Random weights whose matrices are stored in codes of 8 bits, where their rows are whole groups.
struct CodedWeights: WeightSource {
    let numbers: RandomWeights
    let format: CodeFormat

    var names: [String] { numbers.names }
    func shape(of name: String) -> [Int]? { numbers.shape(of: name) }
    func codeFormat(of name: String) -> CodeFormat? {
        guard let shape = shape(of: name), shape.count == 2, shape[1] % format.group == 0 else { return nil }
        return format
    }

    func readRows(of name: String, _ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>) throws(ModelFileError) {
        guard codeFormat(of: name) != nil, let width = shape(of: name)?.last else {
            return try numbers.readRows(of: name, rows, into: destination)
        }
        let codes = CodeRows(rows.count, width: width, format: format)
        try readCodes(of: name, rows, into: codes)
        for i in 0..<rows.count * width { destination[i] = Float(codes.codes[i]) * codes.scales[i / format.group] }
    }

    func readCodes(of name: String, _ rows: Range<Int>, into destination: CodeRows) throws(ModelFileError) {
        for i in 0..<rows.count * destination.width {
            destination.codes[i] = Int8(truncatingIfNeeded: (rows.lowerBound * destination.width + i) &* 2_654_435_761 >> 7) / 2
        }
        for i in 0..<rows.count * destination.width / format.group { destination.scales[i] = 0.004 }
    }
}
