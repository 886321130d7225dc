import CAllocationMeter
import Foundation
@testable import Model
import Tensor
import Testing

@Suite("A learner's pass takes the memory that was foretold", .serialized)
struct PolicyMemoryTests {
    private static let configuration = TransformerConfiguration(
        hiddenSize: 64, intermediateSize: 192, layerCount: 3, headCount: 2, keyValueHeadCount: 1, headSize: 16, vocabularySize: 300,
        contextLength: 8192, endTokens: [3])
    private static let adapter = AdapterConfiguration(rank: 4, alpha: 8, targets: LinearKind.allCases)

    /// What a pass took at most, in bytes, and what it computed.
    private struct Measured: Sendable {
        let bytes: Int
        let scores: [[ResponseScores]]
        let gradient: [UInt32]
    }

    private static func tokens(_ count: Int, _ random: inout RandomStream) -> [Int32] {
        (0..<count).map { _ in Int32(random.uniform() * Float(configuration.vocabularySize)) }
    }

    /// A prompt that takes most of the positions, an answer in all the rest and a shorter one.
    private static func long(positions: Int) -> [TokenGroup] {
        var random = RandomStream(seed: 8, purpose: .task)
        let answer = positions / 16
        return [
            TokenGroup(
                prompt: tokens(positions - answer, &random), responses: [tokens(answer, &random), tokens(answer / 2, &random)])
        ]
    }

    /// Prompts of one token with answers of none and one, all of them confined to a tree: as much beside the numbers as there may be.
    private static func short(count: Int) -> [TokenGroup] {
        var random = RandomStream(seed: 9, purpose: .task)
        return (0..<count).map { _ in
            let responses = [[], tokens(1, &random), tokens(1, &random)]
            return TokenGroup(prompt: tokens(1, &random), responses: responses, legal: TokenTree(responses))
        }
    }

    /// On a thread of its own, whose scratch memory is empty and whose allocations are counted alone.
    private static func measure(
        _ groups: [TokenGroup], budget: Int, layers: Int = 3, trainable: Trainable = .lora(adapter), codes: CodeFormat? = nil
    ) async throws -> Measured {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread {
                continuation.resume(
                    with: Result {
                        var configuration = configuration
                        configuration.layerCount = layers
                        let policy = try policy(trainable, configuration, codes: codes)
                        let weights = randomWeights(groups)
                        policy.activationBudget = budget
                        var gradient = [Float](repeating: 0, count: policy.layout.count)
                        gfn_allocation_meter_begin_thread()
                        let recorded = policy.forward(groups, recording: true)
                        policy.backward(recorded, weights: weights, into: &gradient)
                        let bytes = gfn_allocation_meter_thread_peak()
                        return Measured(bytes: bytes, scores: recorded.scores, gradient: gradient.map(\.bitPattern))
                    })
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    private static func policy(_ trainable: Trainable, _ configuration: TransformerConfiguration, codes: CodeFormat?) throws -> Policy {
        guard let codes else { return try tinyPolicy(trainable, configuration, precision: .bf16, scale: 4) }
        let policy = Policy(
            base: try BaseModel(model(configuration, codes: codes), gradients: true), trainable: trainable, parallel: .serial)
        policy.adopt(values: try tinyParameters(policy, scale: 4), version: 1)
        return policy
    }

    private static func model(_ configuration: TransformerConfiguration, codes: CodeFormat) throws -> UnloadedModel {
        try UnloadedModel(
            configuration, source: CodedWeights(numbers: RandomWeights(configuration, seed: 7), format: codes), path: "", precision: .bf16,
            parallel: .serial)
    }

    private static func foretold(
        _ groups: [TokenGroup], trainable: Trainable = .lora(adapter), forms: WeightForms = WeightForms(.bf16)
    ) -> (least: Int, most: Int) {
        var adapter: AdapterConfiguration?
        if case .lora(let own) = trainable { adapter = own }
        let answers = groups.reduce(0) { $0 + $1.responses.joined().count }
        return PolicyMemory.learning(
            configuration, forms: forms, adapter: adapter, rows: groups.reduce(answers) { $0 + $1.prompt.count }, states: groups.count + answers,
            longest: groups.map { $0.prompt.count + ($0.responses.map(\.count).max() ?? 0) }.max() ?? 0, threads: 1)
    }

    @Test("twice the positions take at most twice the memory, and the gradient has its bits whatever is kept")
    func linear() async throws {
        let groups = Self.long(positions: 8192)
        let half = try await Self.measure(Self.long(positions: 4096), budget: 0, layers: 2)
        let whole = try await Self.measure(groups, budget: 0, layers: 2)
        #expect(whole.bytes <= 2 * half.bytes + 1 << 16, "\(half.bytes) and \(whole.bytes) bytes")
        let kept = try await Self.measure(groups, budget: .max, layers: 2)
        #expect(kept.scores == whole.scores && kept.gradient == whole.gradient && kept.gradient.contains { $0 << 1 != 0 })
        #expect(kept.bytes > whole.bytes + whole.bytes / 4, "\(whole.bytes) bytes with nothing kept, \(kept.bytes) with everything")
    }

    @Test(
        "no pass takes more than was foretold, nor much less",
        arguments: [Trainable.lora(adapter), .lora(AdapterConfiguration(rank: 8, alpha: 8, targets: [.query, .value])), .full],
        [600, 2048])
    func longSequences(trainable: Trainable, positions: Int) async throws {
        let groups = Self.long(positions: positions), (least, most) = Self.foretold(groups, trainable: trainable)
        let cases = [(0, least), (least / 4, least + least / 4), (Int.max, most)]
        for (budget, bound) in cases {
            let bytes = try await Self.measure(groups, budget: budget, trainable: trainable).bytes
            #expect(bytes <= bound, "\(bytes) of \(bound) bytes with a budget of \(budget)")
            // A budget for some layers may leave room that suffices for no other.
            if budget == 0 || budget == .max, positions > 1000 { #expect(bytes * 20 >= bound * 19, "\(bytes) of \(bound) bytes") }
        }
    }

    @Test(
        "nor does one on a quantised base, whose products read integers and, for adapters, bf16 beside them",
        arguments: [CodeFormat(bits: 8, group: 16, hasOffsets: false), CodeFormat(bits: 8, group: 32, hasOffsets: false)])
    func quantised(codes: CodeFormat) async throws {
        let groups = Self.long(positions: 2048), forms = try Self.model(Self.configuration, codes: codes).forms
        let (least, most) = Self.foretold(groups, forms: forms)
        #expect(least > Self.foretold(groups).least)
        for (budget, bound) in [(0, least), (Int.max, most)] {
            let bytes = try await Self.measure(groups, budget: budget, codes: codes).bytes
            #expect(bytes <= bound && bytes * 20 >= bound * 19, "\(bytes) of \(bound) bytes with a budget of \(budget)")
        }
    }

    @Test("many short responses take no more than was foretold", arguments: [1, 40, 350, 400, 1400])
    func shortSequences(count: Int) async throws {
        let groups = Self.short(count: count), (least, most) = Self.foretold(groups)
        for (budget, bound) in [(0, least), (Int.max, most)] {
            let bytes = try await Self.measure(groups, budget: budget).bytes
            #expect(bytes <= bound, "\(bytes) of \(bound) bytes with a budget of \(budget)")
        }
    }
}
