import Foundation
import Model
import Tensor
import TestSupport
import Testing

/// One of the reference checkpoints, with the numbers that transformers and PEFT computed for it in double precision.
struct ReferenceModel {
    struct Meta: Decodable {
        struct Greedy: Decodable {
            let prompts: [[Int32]]
            let new_ids: [[Int32]]
        }
        struct GreedyWithEnd: Decodable {
            let prompt: [Int32]
            let eos_token_id: Int32
            let new_ids: [Int32]
        }
        let greedy: Greedy
        let greedy_lora: Greedy
        let greedy_with_eos: GreedyWithEnd
        let weighted_sum: Double
    }
    let name: String
    let meta: Meta
    let io, lora: SafetensorsFile
    let numbers: URL
    let model: ModelFiles
    let adapterPath: String

    init(_ numbers: URL, model folder: URL) throws {
        self.numbers = numbers
        name = numbers.lastPathComponent
        meta = try JSONDecoder().decode(Meta.self, from: Data(contentsOf: numbers.appendingPathComponent("meta.json")))
        io = try SafetensorsFile(numbers.appendingPathComponent("io.safetensors").path)
        lora = try SafetensorsFile(numbers.appendingPathComponent("lora.safetensors").path)
        model = try ModelFiles.open(folder.appendingPathComponent("checkpoint").path)
        adapterPath = folder.appendingPathComponent("adapter").path
    }

    /// All external ones where GFN_FIXTURES names them, otherwise the module's own.
    static func all() throws -> [ReferenceModel] {
        guard let external = externalFixtures("models") else {
            return [
                try ReferenceModel(
                    ownFixtures.appendingPathComponent("Transformer/nano-tied-f32"),
                    model: ownFixtures.appendingPathComponent("nano-tied-f32"))
            ]
        }
        return try subfolders(external).map { try ReferenceModel($0, model: $0) }
    }

    /// Rows of the batch without padding.
    func sequences() throws -> [[Int32]] {
        let ids = try io.integers(of: "right.input_ids"), mask = try io.integers(of: "right.attention_mask")
        return split(ids).enumerated().map { row, ids in
            zip(ids, split(mask)[row]).filter { $1 != 0 }.map { Int32($0.0) }
        }
    }

    func rows(_ name: String, in file: SafetensorsFile) throws -> [[Float]] { split(try file.read(name)) }

    private func split<T>(_ values: [T]) -> [[T]] {
        let width = io.shape(of: "right.input_ids")?[1] ?? 1
        return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<min($0 + width, values.count)]) }
    }

    func policy(_ trainable: Trainable? = nil, threads: Int = 1, precision: Precision = .fp32) throws -> Policy {
        let parallel = Parallel(threads: threads)
        let (adapter, matrices) = try AdapterFolder.read(adapterPath, for: model.configuration)
        let base = try BaseModel(model, precision: precision, gradients: true, parallel: parallel)
        let policy = Policy(base: base, trainable: trainable ?? .lora(adapter), parallel: parallel)
        if trainable == nil { policy.adopt(values: policy.parameters(of: matrices), version: 1) }
        return policy
    }

    /// The first token as a prompt and the rest as its response.
    func groups() throws -> [TokenGroup] {
        try sequences().map { TokenGroup(prompt: [$0[0]], responses: [Array($0.dropFirst())]) }
    }

    /// Weights per response token, none for the stop token, from [B, T] numbers that belong to the token at t.
    func weights(_ rows: [[Float]]) throws -> [[ResponseWeights]] {
        try zip(sequences(), rows).map { sequence, row in
            let n = sequence.count - 1
            return [ResponseWeights(token: Array(row[1...n]), stop: [Float](repeating: 0, count: n + 1))]
        }
    }

    /// The weights that make the backward yield the gradient of the mean cross-entropy over the labels.
    func labelWeights() throws -> [[ResponseWeights]] {
        let labels = try split(io.integers(of: "labels")).map { row in
            row.enumerated().map { $0.offset > 0 && $0.element != -100 }
        }
        let count = Float(labels.joined().count { $0 })
        return try weights(labels.map { $0.map { $0 ? -1 / count : 0 } })
    }
}

@Suite("A model computes what transformers and PEFT compute")
struct ReferenceModelTests {
    private func forEach(_ body: (ReferenceModel) throws -> Void) throws {
        let models = try ReferenceModel.all()
        #expect(!models.isEmpty)
        print("ReferenceModelTests: \(models.count) models (\(externalFixtures("models") == nil ? "own" : "external"))")
        for model in models { try body(model) }
    }

    @Test("token log-probabilities agree, for the base and with an adapter")
    func tokenLogProbabilities() throws {
        try forEach { model in
            let policy = try model.policy()
            for (enabled, file, name) in [(false, model.io, "right.token_logprobs"), (true, model.lora, "token_logprobs")] {
                policy.adapterEnabled = enabled
                let scores = policy.forward(try model.groups(), recording: false).scores
                for (row, expected) in zip(scores, try model.rows(name, in: file)) {
                    let actual = row[0].tokenLogProbabilities
                    expectClose(
                        actual, Array(expected[1...actual.count]), relative: 1e-5, absolute: 5e-5,
                        "\(model.name), adapter \(enabled)")
                }
            }
        }
    }

    @Test("logits agree")
    func logits() throws {
        try forEach { model in
            let policy = try model.policy()
            policy.adapterEnabled = false
            let vocabulary = model.model.configuration.vocabularySize
            let last = try model.io.read("left.last_logits")
            for (row, sequence) in try model.sequences().enumerated() {
                expectClose(
                    Array(policy.logits(sequence).suffix(vocabulary)), Array(last[row * vocabulary..<(row + 1) * vocabulary]),
                    relative: 1e-5, absolute: 1e-4, model.name)
            }
        }
    }

    @Test("greedy decoding finds the same tokens, and stops where they stop")
    func greedy() throws {
        try forEach { model in
            let policy = try model.policy()
            func decode(_ prompts: [[Int32]]) -> [[Int32]] {
                let requests = prompts.map {
                    SampleRequest(prompt: $0, streams: [RandomStream(seed: 1, purpose: .evaluation)])
                }
                return policy.sample(requests, settings: SamplingSettings(temperature: 0, maxNewTokens: 32)).map { $0[0].tokens }
            }
            policy.stopToken = -1
            #expect(decode(model.meta.greedy_lora.prompts) == model.meta.greedy_lora.new_ids, "\(model.name) with adapter")
            policy.adapterEnabled = false
            #expect(decode(model.meta.greedy.prompts) == model.meta.greedy.new_ids, "\(model.name)")
            let ended = model.meta.greedy_with_eos
            policy.stopToken = ended.eos_token_id
            #expect(decode([ended.prompt]) == [Array(ended.new_ids.dropLast())], "\(model.name) with an end token")
        }
    }

    @Test("gradients of an adapter agree")
    func adapterGradients() throws {
        try forEach { model in
            let policy = try model.policy()
            let result = policy.forward(try model.groups(), recording: true)
            let weighted = try model.weights(model.rows("weights", in: model.io))
            for (kind, weights, absolute) in [("wgrad", weighted, 2e-4), ("grad", try model.labelWeights(), 2e-6)] {
                var gradient = [Float](repeating: 0, count: policy.layout.count)
                policy.backward(result, weights: weights, into: &gradient)
                for entry in policy.layout.entries {
                    expectClose(
                        Array(gradient[entry.range]), try model.lora.read("\(kind).\(entry.name)"), relative: 1e-4,
                        absolute: absolute, "\(model.name) \(kind) \(entry.name)")
                }
            }
        }
    }

    @Test("gradients of all weights agree")
    func fullGradients() throws {
        try forEach { model in
            let path = model.numbers.appendingPathComponent("full_grads.safetensors").path
            guard FileManager.default.fileExists(atPath: path) else { return }
            let expected = try SafetensorsFile(path), policy = try model.policy(.full)
            policy.adopt(values: try policy.initialParameters(seed: 1), version: 1)
            let result = policy.forward(try model.groups(), recording: true)
            var gradient = [Float](repeating: 0, count: policy.layout.count)
            policy.backward(result, weights: try model.labelWeights(), into: &gradient)
            for entry in policy.layout.entries {
                expectClose(
                    Array(gradient[entry.range]), try expected.read(entry.name), relative: 1e-4, absolute: 2e-6,
                    "\(model.name) \(entry.name)")
            }
        }
    }
}
