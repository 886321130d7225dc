import CAllocationMeter
import Foundation
import Model
import Tensor
import Testing

@Suite("A learner's pass takes the memory that was foretold", .serialized)
struct PolicyMemoryTests {
    private static let configuration = TransformerConfiguration(
        hiddenSize: 32, intermediateSize: 80, layerCount: 3, headCount: 4, keyValueHeadCount: 2, headSize: 8, vocabularySize: 300,
        contextLength: 8192, endTokens: [3])
    private static let adapter = AdapterConfiguration(rank: 4, alpha: 8, targets: LinearKind.allCases)

    /// What a pass took at most, in bytes, and what it computed.
    private struct Measured: Sendable {
        let bytes: Int
        let scores: [[ResponseScores]]
        let gradient: [UInt32]
    }

    /// A prompt that takes three quarters of the positions, an answer in all the rest and a shorter one.
    private static func groups(positions: Int) -> [TokenGroup] {
        var random = RandomStream(seed: 8, purpose: .task)
        func tokens(_ count: Int) -> [Int32] {
            (0..<count).map { _ in Int32(random.uniform() * Float(configuration.vocabularySize)) }
        }
        let answer = positions / 4
        return [TokenGroup(prompt: tokens(positions - answer), responses: [tokens(answer), tokens(answer / 2)])]
    }

    /// On a thread of its own, whose scratch memory is empty and whose allocations are counted alone.
    private static func measure(
        positions: Int, budget: Int, trainable: Trainable = .lora(adapter), precision: Precision = .bf16
    ) async throws -> Measured {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread {
                continuation.resume(
                    with: Result {
                        let policy = try tinyPolicy(trainable, configuration, precision: precision, scale: 4)
                        let groups = groups(positions: positions), weights = randomWeights(groups)
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

    private static func bounds(positions: Int, trainable: Trainable = .lora(adapter)) -> (least: Int, most: Int) {
        let answers = positions / 4 + positions / 8
        var adapter: AdapterConfiguration?
        if case .lora(let own) = trainable { adapter = own }
        return PolicyMemory.learning(
            configuration, adapter: adapter, rows: positions - positions / 4 + answers, states: answers + 1, longest: positions,
            threads: 1)
    }

    @Test("twice the positions take at most twice the memory, and the gradient has its bits whatever is kept")
    func linear() async throws {
        let half = try await Self.measure(positions: 4096, budget: 0), whole = try await Self.measure(positions: 8192, budget: 0)
        #expect(whole.bytes <= 2 * half.bytes + 1 << 16, "\(half.bytes) and \(whole.bytes) bytes")
        let kept = try await Self.measure(positions: 8192, budget: .max)
        #expect(kept.scores == whole.scores && kept.gradient == whole.gradient && kept.gradient.contains { $0 << 1 != 0 })
        #expect(kept.bytes > whole.bytes + whole.bytes / 4, "\(whole.bytes) bytes with nothing kept, \(kept.bytes) with everything")
    }

    @Test(
        "no pass takes more than was foretold, nor much less",
        arguments: [Trainable.lora(adapter), .lora(AdapterConfiguration(rank: 8, alpha: 8, targets: [.query, .value])), .full],
        [700, 2048])
    func foretold(trainable: Trainable, positions: Int) async throws {
        let (least, most) = Self.bounds(positions: positions, trainable: trainable)
        let cases = [(0, least), (least / 4, least + least / 4), (Int.max, most)]
        for (budget, bound) in cases {
            let bytes = try await Self.measure(positions: positions, budget: budget, trainable: trainable).bytes
            #expect(bytes <= bound, "\(bytes) of \(bound) bytes with a budget of \(budget)")
            // A budget for some layers may leave room that suffices for no other.
            if budget == 0 || budget == .max, positions > 1000 { #expect(bytes * 20 >= bound * 19, "\(bytes) of \(bound) bytes") }
        }
    }
}
