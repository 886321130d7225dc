import Foundation
import Model
import Tensor

/// One reference checkpoint, with the numbers that transformers and PEFT computed for it in double precision.
struct CheckpointCase {
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
        struct Training: Decodable {
            let lr: Double
            let betas: [Double]
            let eps, weight_decay: Double
            let clip_grad_norm: Double?
            let losses_before_steps_1_2_3_and_after_3: [Double]
            let grad_norms_before_clipping: [Double]
        }
        struct Adapter: Decodable { let scaling: Double }
        let greedy, greedy_lora: Greedy
        let greedy_with_eos: GreedyWithEnd
        let loss, weighted_sum: Double
        let lora: Adapter
        let train: Training
    }

    /// Which end of a batch's rows the padding is on.
    enum Padding: String, CaseIterable { case left, right }

    let name: String
    let meta: Meta
    let io, lora: SafetensorsFile
    /// The gradient of every weight; few cases have it.
    let fullGradients: SafetensorsFile?
    let model: ModelFiles
    let adapterPath: String

    init(_ folder: URL) throws {
        func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
        name = folder.lastPathComponent
        meta = try JSONDecoder().decode(Meta.self, from: Data(contentsOf: folder.appendingPathComponent("meta.json")))
        io = try SafetensorsFile(path("io.safetensors"))
        lora = try SafetensorsFile(path("lora.safetensors"))
        let full = path("full_grads.safetensors")
        fullGradients = FileManager.default.fileExists(atPath: full) ? try SafetensorsFile(full) : nil
        model = try ModelFiles.open(path("checkpoint"))
        adapterPath = path("adapter")
    }

    /// Rows of the batch without padding.
    func sequences(_ padding: Padding = .right) throws -> [[Int32]] {
        try unpadded(try io.integers(of: "\(padding).input_ids"), padding).map { $0.map(Int32.init) }
    }

    /// The numbers that belong to the tokens of each row, from a [B, T] tensor.
    func rows(_ name: String, in file: SafetensorsFile, _ padding: Padding = .right) throws -> [[Float]] {
        try unpadded(try file.read(name), padding)
    }

    private func unpadded<T>(_ values: [T], _ padding: Padding) throws -> [[T]] {
        let mask = try io.integers(of: "\(padding).attention_mask"), width = io.shape(of: "\(padding).attention_mask")?[1] ?? 1
        return stride(from: 0, to: values.count, by: width).map { start in
            (start..<start + width).filter { mask[$0] != 0 }.map { values[$0] }
        }
    }

    /// The adapted model; with `trainable`, a policy that has adopted nothing yet.
    func policy(_ trainable: Trainable? = nil, precision: Precision = .fp32) throws -> Policy {
        let (adapter, matrices) = try AdapterFolder.read(adapterPath, for: model.configuration)
        let base = try BaseModel(model, precision: precision, gradients: true, parallel: .serial)
        let policy = Policy(base: base, trainable: trainable ?? .lora(adapter), parallel: .serial)
        if trainable == nil { policy.adopt(values: policy.layout.parameters(of: matrices), version: 1) }
        return policy
    }

    /// The adapter's matrices in the order of the policy's layout.
    func parameters(of policy: Policy) throws -> [Float] {
        policy.layout.parameters(of: try AdapterFolder.read(adapterPath, for: model.configuration).matrices)
    }

    /// The first token as a prompt and the rest as its response.
    func groups(_ padding: Padding = .right) throws -> [TokenGroup] {
        try sequences(padding).map { TokenGroup(prompt: [$0[0]], responses: [Array($0.dropFirst())]) }
    }

    /// log p of each token of a row but its first, as the policy is now.
    func tokenLogProbabilities(of policy: Policy, _ padding: Padding = .right) throws -> [[Float]] {
        policy.forward(try groups(padding), recording: false).scores.map { $0[0].tokenLogProbabilities }
    }

    /// Weights per response token, none for the stop token, from numbers that belong to each token of a row.
    func weights(_ rows: [[Float]]) -> [[ResponseWeights]] {
        rows.map { row in
            [ResponseWeights(token: Array(row.dropFirst()), stop: [Float](repeating: 0, count: row.count))]
        }
    }

    /// Whether each token but its first counts in the loss, by row.
    func counted() throws -> [[Bool]] {
        try unpadded(try io.integers(of: "labels"), .right).map { $0.dropFirst().map { $0 != -100 } }
    }

    /// The mean cross-entropy over the labels.
    func loss(of policy: Policy) throws -> Double {
        let terms = zip(try tokenLogProbabilities(of: policy), try counted()).flatMap { row, counted in
            zip(row, counted).filter(\.1).map { -Double($0.0) }
        }
        return terms.reduce(0, +) / Double(terms.count)
    }

    /// The gradient of that loss at the parameters in place, in the order of the policy's layout.
    func lossGradient(of policy: Policy) throws -> [Float] {
        let counted = try counted(), share = -1 / Float(counted.joined().count { $0 })
        return try gradient(of: policy, weights: weights(counted.map { [0] + $0.map { $0 ? share : 0 } }))
    }

    func gradient(of policy: Policy, weights: [[ResponseWeights]]) throws -> [Float] {
        var gradient = [Float](repeating: 0, count: policy.layout.count)
        policy.backward(policy.forward(try groups(), recording: true), weights: weights, into: &gradient)
        return gradient
    }
}

extension Policy {
    /// Greedy continuations of prompts decoded together.
    func greedy(_ prompts: [[Int32]], count: Int) -> [[Int32]] {
        let requests = prompts.map { SampleRequest(prompt: $0, streams: [RandomStream(seed: 1, purpose: .evaluation)]) }
        return sample(requests, settings: SamplingSettings(temperature: 0, maxNewTokens: count)).map { $0[0].tokens }
    }
}
