import Foundation
import Tensor
import TestSupport
import Testing

@testable import Model

@Suite("Top-k, top-p and min-p")
struct TruncationTests {
    /// Rows of logits and the sets that transformers keeps of them (see `make-truncation.py`).
    private struct Cases: Decodable {
        struct Settings: Decodable {
            let temperature, topP, minP: Float
            let topK: Int

            var truncation: Truncation { Truncation(temperature: temperature, topK: topK, topP: topP, minP: minP) }
        }
        struct Row: Decodable {
            let logits: [Float?]
            let kept: [String?]
        }
        let scale: Float
        let settings: [Settings]
        let rows: [Row]

        static func read() throws -> Cases {
            try JSONDecoder().decode(
                Cases.self, from: Data(contentsOf: ownFixtures.appendingPathComponent("sampling/truncation.json")))
        }

        func logits(of row: Row) -> [Float] { row.logits.map { $0.map { $0 / scale } ?? -.infinity } }
    }

    private static func truncation(temperature: Float = 1, topK: Int = 0, topP: Float = 1, minP: Float = 0) -> Truncation {
        Truncation(temperature: temperature, topK: topK, topP: topP, minP: minP)
    }

    private func kept(_ logits: [Float], _ truncation: Truncation) throws -> [Int32] {
        try #require(truncation.keptTokens(logits, vocabulary: logits.count)).tokens
    }

    @Test("the kept tokens are those of transformers")
    func transformers() throws {
        let cases = try Cases.read()
        var count = 0
        for (number, row) in cases.rows.enumerated() {
            let logits = cases.logits(of: row)
            for (settings, digits) in zip(cases.settings, row.kept) {
                guard let digits else { continue }
                let expected = try digits.enumerated().flatMap { place, digit in
                    let bits = try #require(digit.hexDigitValue)
                    return (0..<4).filter { bits >> $0 & 1 == 1 }.map { Int32(4 * place + $0) }
                }
                #expect(try kept(logits, settings.truncation) == expected, "row \(number), \(settings)")
                count += 1
            }
        }
        #expect(cases.rows.count == 40 && count > 450)
    }

    /// Uniforms in the middles of N equal parts of [0, 1): an interval of length p holds p·N of them, or differs by less than one.
    @Test("draws are those of the kept tokens' distribution, renormalised, with equal bits in every family")
    func distribution() throws {
        let cases = try Cases.read(), N = 1 << 10
        for row in stride(from: 1, to: cases.rows.count, by: 4) {
            let logits = cases.logits(of: cases.rows[row])
            for settings in cases.settings {
                let truncation = settings.truncation
                let kept = try #require(truncation.keptTokens(logits, vocabulary: logits.count)), tokens = kept.tokens
                let weights = tokens.map { exp(Double(logits[Int($0)]) / Double(settings.temperature)) }
                let total = weights.reduce(0, +)
                var counts: [Int32: Int] = [:]
                for part in 0..<N {
                    let uniform = (Float(part) + 0.5) / Float(N), token = kept.token(at: uniform)
                    counts[token, default: 0] += 1
                    guard part % 512 == 300 else { continue }
                    for family in KernelFamily.selectable() {
                        #expect(truncation.draw(logits, vocabulary: logits.count, uniform: uniform, family: family) == token)
                    }
                }
                #expect(Set(counts.keys).isSubset(of: tokens), "row \(row), \(settings)")
                for (token, weight) in zip(tokens, weights) {
                    let share = Double(N) * weight / total
                    #expect(abs(Double(counts[token] ?? 0) - share) < 1.01, "row \(row), token \(token), \(settings)")
                }
            }
        }
    }

    @Test("among equal logits at top-p's cut the lowest ids stay, and at top-k's all of them")
    func equals() throws {
        let flat = [Float](repeating: 1.5, count: 20)
        #expect(try kept(flat, Self.truncation(topP: 0.22)) == [0, 1, 2, 3, 4])
        #expect(try kept(flat, Self.truncation(topP: 0)) == [0])
        #expect(try kept(flat, Self.truncation(topK: 3)) == Array(0..<20))
        #expect(try kept(flat, Self.truncation(minP: 1)) == Array(0..<20))
        // Of 2/3, 1/12, 1/12, 1/12, 1/12: top-p takes the likeliest, then 2 and 4.
        let some: [Float] = [-9999, -9999, 3, 3 + Float(log(8.0)), 3, 3, 3, -9999]
        #expect(try kept(some, Self.truncation(topP: 0.8)) == [2, 3, 4])
    }

    @Test("each step sees what the one before left, renormalised")
    func order() throws {
        // Probabilities 0.4, 0.3, 0.2, 0.1: of the first three, 0.4 and 0.3 are 0.778; of all, 0.7.
        let logits = [0.4, 0.3, 0.2, 0.1].map { Float(log($0)) }
        #expect(try kept(logits, Self.truncation(topP: 0.75)) == [0, 1, 2])
        #expect(try kept(logits, Self.truncation(topK: 3, topP: 0.75)) == [0, 1])
        #expect(try kept(logits, Self.truncation(topP: 0.75, minP: 0.6)) == [0, 1])
        // The temperature comes first: at 1/2 the probabilities are 16, 9, 4 and 1 thirtieths.
        #expect(try kept(logits, Self.truncation(temperature: 0.5, topP: 0.75)) == [0, 1])
        #expect(try kept(logits, Self.truncation(temperature: 0.5, minP: 0.5)) == [0, 1])
    }

    @Test(
        "a large vocabulary keeps what sorting all of it keeps",
        arguments: [(50, 0.95, 0), (0, 0.95, 0), (0, 1, 0.01), (900, 0.5, 0.02)] as [(Int, Float, Float)])
    func largeVocabulary(topK: Int, topP: Float, minP: Float) throws {
        var random = RandomStream(seed: 8, purpose: .task)
        let logits = (0..<5003).map { _ in 2.5 * Float(random.normal()) }
        let order = logits.indices.sorted { logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1 }
        let candidates = topK > 0 ? Array(order.prefix(topK)) : order
        let weights = candidates.map { exp(Double(logits[$0] - logits[order[0]])) }, total = weights.reduce(0, +)
        var expected: [Int32] = [], above = 0.0
        for (token, weight) in zip(candidates, weights) where above < Double(topP) * total && weight >= Double(minP) {
            expected.append(Int32(token))
            above += weight
        }
        #expect(try kept(logits, Self.truncation(topK: topK, topP: topP, minP: minP)) == expected.sorted())
    }

    @Test("rows without a distribution give the token that they give without truncation")
    func degenerateRows() {
        let rows: [[Float]] = [
            [.nan, .nan, .nan], [-.infinity, -.infinity], [1, .infinity, .infinity], Array(repeating: .nan, count: 40),
        ]
        for row in rows {
            let truncation = Self.truncation(topK: 2, topP: 0.5, minP: 0.1)
            let token = truncation.draw(row, vocabulary: row.count, uniform: 0.7)
            #expect(token == Kernel.sampleToken(row, vocabulary: row.count, temperature: 1, uniform: 0.7), "\(row)")
        }
        let holes: [Float] = [.nan, 2, -.infinity, 1.5, .nan]
        for truncation in [Self.truncation(topK: 4), Self.truncation(topP: 0.99), Self.truncation(minP: 0.01)] {
            #expect(Set([0, 0.3, 0.9].map { truncation.draw(holes, vocabulary: 5, uniform: $0) }) == [1, 3])
        }
    }
}

@Suite("Sampling with truncation")
struct TruncatedSamplingTests {
    private let requests = tinyGroups.enumerated().map { slot, group in
        SampleRequest(
            prompt: group.prompt, streams: (0..<7).map { RandomStream(seed: 2, purpose: .sampling, slot: slot, sample: $0) })
    }

    @Test("neither rows nor threads change a response, and its scores are those of the whole policy", arguments: Precision.allCases)
    func sameBits(precision: Precision) throws {
        var results: [[[SampledResponse]]] = []
        for threads in [1, 2] {
            let policy = try tinyPolicy(precision: precision, threads: threads)
            for rows in [1, 64] {
                let settings = SamplingSettings(
                    temperature: 1.5, maxNewTokens: 20, maxRows: rows, topK: 25, topP: 0.9, minP: 0.05)
                let sampled = policy.sample(requests, settings: settings)
                let groups = zip(requests, sampled).map { TokenGroup(prompt: $0.prompt, responses: $1.map(\.tokens)) }
                #expect(policy.forward(groups, recording: false).scores == sampled.map { $0.map(\.scores) })
                results.append(sampled)
            }
        }
        #expect(results.allSatisfy { $0 == results[0] })
        let whole = try tinyPolicy(precision: precision).sample(
            requests, settings: SamplingSettings(temperature: 1.5, maxNewTokens: 20))
        #expect(whole != results[0])
    }

    @Test("every token that is sampled was kept at its state")
    func membership() throws {
        let policy = try tinyPolicy(), V = policy.base.configuration.vocabularySize
        let settings = SamplingSettings(temperature: 2, maxNewTokens: 12, topK: 9, topP: 0.8)
        let truncation = try #require(settings.truncation)
        for (request, responses) in zip(requests, policy.sample(requests, settings: settings)) {
            for response in responses {
                let logits = policy.logits(request.prompt + response.tokens)
                for (i, token) in response.tokens.enumerated() {
                    let row = Array(logits[(request.prompt.count + i - 1) * V..<(request.prompt.count + i) * V])
                    #expect(try #require(truncation.keptTokens(row, vocabulary: V)).tokens.contains(token))
                }
            }
        }
    }

    @Test("top-k 1, and as good as nothing of top-p, take the likeliest token")
    func greedy() throws {
        let policy = try tinyPolicy()
        let greedy = policy.sample(requests, settings: SamplingSettings(temperature: 0, maxNewTokens: 15))
        #expect(policy.sample(requests, settings: SamplingSettings(temperature: 1.5, maxNewTokens: 15, topK: 1)) == greedy)
        #expect(policy.sample(requests, settings: SamplingSettings(temperature: 1.5, maxNewTokens: 15, topP: 0)) == greedy)
        #expect(policy.sample(requests, settings: SamplingSettings(temperature: 0, maxNewTokens: 15, topK: 3, minP: 0.1)) == greedy)
    }

    @Test("settings that leave nothing out are the untruncated path")
    func nothingLeftOut() {
        #expect(SamplingSettings(temperature: 1, maxNewTokens: 1).truncation == nil)
        #expect(SamplingSettings(temperature: 0, maxNewTokens: 1, topK: 3).truncation == nil)
        #expect(SamplingSettings(temperature: 1, maxNewTokens: 1, minP: 0.1).truncation != nil)
    }
}
