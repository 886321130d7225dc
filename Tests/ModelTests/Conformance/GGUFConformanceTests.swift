import Foundation
import Tensor
import TestSupport
import Testing

@testable import Model

/// One small GGUF file, with the numbers of its dequantised weights and of transformers' Llama on them.
struct GGUFCase {
    struct Meta: Decodable {
        struct Greedy: Decodable {
            let prompt, new_ids: [Int32]
        }
        let file: String
        let greedy: Greedy
    }

    let name: String
    let meta: Meta
    let reference: SafetensorsFile
    let model: ModelFiles

    init(_ folder: URL) throws {
        name = folder.lastPathComponent
        meta = try JSONDecoder().decode(Meta.self, from: Data(contentsOf: folder.appendingPathComponent("meta.json")))
        reference = try SafetensorsFile(folder.appendingPathComponent("ref.safetensors").path)
        model = try ModelFiles.open(folder.appendingPathComponent(meta.file).path)
    }

    /// With weights as numbers.
    func policy(precision: Precision = .fp32) throws -> Policy {
        Policy(
            base: try BaseModel(model, precision: precision, gradients: false, parallel: .serial, quantised: .bf16), trainable: .full,
            parallel: .serial)
    }

    func sequences() throws -> [[Int32]] {
        let ids = try reference.integers(of: "input_ids").map(Int32.init), width = reference.shape(of: "input_ids")?[1] ?? 1
        return stride(from: 0, to: ids.count, by: width).map { Array(ids[$0..<$0 + width]) }
    }

    /// log p of each token but the first, by row.
    func tokenLogProbabilities(of policy: Policy) throws -> [[Float]] {
        let groups = try sequences().map { TokenGroup(prompt: [$0[0]], responses: [Array($0.dropFirst())]) }
        return policy.forward(groups, recording: false).scores.map { $0[0].tokenLogProbabilities }
    }
}

@Suite("GGUF: a file computes what its dequantised weights do")
struct GGUFConformanceTests {
    @Test("stored tensors are dequantised bit for bit, and so are those in Hugging Face's order of rows")
    func tensors() throws {
        var count = 0
        for gguf in try FixtureWalk.ggufs() {
            let model = try #require(gguf.model.weights as? GGUFModel)
            for name in gguf.reference.names {
                let values: [Float]
                if name.hasPrefix("dequantised.") {
                    let tensor = try #require(model.file.tensors[String(name.dropFirst("dequantised.".count))])
                    let width = tensor.shape.last ?? 0
                    values = (0..<tensor.rowCount).flatMap { row in
                        [Float](unsafeUninitializedCapacity: width) { buffer, filled in
                            if let base = buffer.baseAddress { model.file.readRow(row, of: tensor, into: base) }
                            filled = width
                        }
                    }
                } else if name.hasPrefix("hf.") {
                    values = try model.read(String(name.dropFirst(3)))
                } else {
                    continue
                }
                #expect(values.map(\.bitPattern) == (try gguf.reference.read(name).map(\.bitPattern)), "\(gguf.name) \(name)")
                count += 1
            }
            #expect(gguf.model.tokenizer?.vocabularySize == gguf.model.configuration.vocabularySize)
        }
        #expect(FixtureWalk.ran(count, "tensors of GGUF files, bit for bit"))
    }

    @Test("logits and token log-probabilities agree")
    func forward() throws {
        var count = 0, closest = 0.0
        for gguf in try FixtureWalk.ggufs() {
            let policy = try gguf.policy(), sequences = try gguf.sequences()
            let logits = try gguf.reference.read("logits"), rows = gguf.reference.shape(of: "logits")?[0] ?? 0
            for row in 0..<rows {
                let size = logits.count / rows
                closest = max(
                    closest,
                    expectClose(
                        policy.logits(sequences[row]), Array(logits[row * size..<(row + 1) * size]), relative: 1e-5, absolute: 1e-4,
                        "\(gguf.name) logits"))
            }
            let expected = try gguf.reference.read("token_logprobs"), width = sequences[0].count
            for (row, actual) in try gguf.tokenLogProbabilities(of: policy).enumerated() {
                closest = max(
                    closest,
                    expectClose(
                        actual, Array(expected[row * width + 1..<(row + 1) * width]), relative: 1e-5, absolute: 5e-5,
                        "\(gguf.name) log-probabilities"))
            }
            count += 1
        }
        #expect(FixtureWalk.ran(count, "GGUF files scored", closest: closest))
    }

    @Test("greedy decoding finds the same tokens")
    func greedy() throws {
        var count = 0
        for gguf in try FixtureWalk.ggufs() {
            let policy = try gguf.policy(), greedy = gguf.meta.greedy
            policy.stopTokens = .none
            #expect(policy.greedy([greedy.prompt], count: greedy.new_ids.count) == [greedy.new_ids], "\(gguf.name)")
            count += 1
        }
        #expect(FixtureWalk.ran(count, "greedy continuations of GGUF files"))
    }

    @Test("log-probabilities and gradients computed from blocks are nearer to fp32's than those from dequantised weights in bf16")
    func blocks() throws {
        var count = 0
        for gguf in try FixtureWalk.ggufs() {
            let model = gguf.model, ids = try gguf.sequences()
            guard model.configuration.tensorShapes.contains(where: { model.weights.codeFormat(of: $0.name) != nil }) else { continue }
            func results(_ precision: Precision, _ weights: QuantisedWeights) throws -> (scores: [Float], gradient: [Float]) {
                let base = try BaseModel(model, precision: precision, gradients: true, parallel: .serial, quantised: weights)
                let policy = Policy(
                    base: base, trainable: .lora(AdapterConfiguration(rank: 3, alpha: 5, targets: LinearKind.allCases)), parallel: .serial)
                policy.adopt(values: try tinyParameters(policy, scale: 1), version: 1)
                let groups = ids.map { TokenGroup(prompt: [$0[0]], responses: [Array($0.dropFirst())]) }
                let forward = policy.forward(groups, recording: true)
                var gradient = [Float](repeating: 0, count: policy.layout.count)
                policy.backward(forward, weights: randomWeights(groups), into: &gradient)
                return (forward.scores.flatMap { $0.flatMap { $0.tokenLogProbabilities + $0.stopLogProbabilities } }, gradient)
            }
            let exact = try results(.fp32, .bf16), plain = try results(.bf16, .bf16), blocks = try results(.bf16, .blocks)
            func distance(_ a: [Float], _ b: [Float]) -> Double {
                zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
            }
            #expect(blocks.scores != plain.scores)
            #expect(distance(blocks.scores, exact.scores) <= distance(plain.scores, exact.scores), "\(gguf.name)")
            #expect(distance(blocks.gradient, exact.gradient) <= distance(plain.gradient, exact.gradient), "\(gguf.name)")
            count += 1
        }
        #expect(FixtureWalk.ran(count, "files computed from their blocks"))
    }

    @Test("computed from their blocks, samples have the log-probabilities that a learner's pass gives them, in every family")
    func sampledFromBlocks() throws {
        var count = 0
        for gguf in try FixtureWalk.ggufs() {
            let base = try BaseModel(gguf.model, precision: .bf16, gradients: false, parallel: .serial, quantised: .blocks)
            let policy = Policy(base: base, trainable: .full, parallel: Parallel(threads: 2))
            let prompt = Array(try gguf.sequences()[0].prefix(5))
            let streams = (0..<5).map { RandomStream(seed: 3, purpose: .sampling, sample: $0) }
            let samples = policy.sample([SampleRequest(prompt: prompt, streams: streams)], settings: SamplingSettings(temperature: 1, maxNewTokens: 12))[0]
            let scores = policy.forward([TokenGroup(prompt: prompt, responses: samples.map(\.tokens))], recording: false).scores[0]
            #expect(scores == samples.map(\.scores), "\(gguf.name)")
            count += 1
        }
        #expect(FixtureWalk.ran(count, "files sampled from their blocks"))
    }
}
