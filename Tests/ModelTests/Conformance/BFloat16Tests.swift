import Model
import Testing

@Suite("The mode bf16")
struct BFloat16Tests {
    /// The base model of every case, in both modes, with one sequence of its own.
    private static func cases() throws -> [(name: String, exact: Policy, rounded: Policy, tokens: [Int32])] {
        try FixtureWalk.checkpoints().map {
            ($0.name, try $0.policy(.full), try $0.policy(.full, precision: .bf16), try $0.sequences()[0])
        } + FixtureWalk.ggufs().map { ($0.name, try $0.policy(), try $0.policy(precision: .bf16), try $0.sequences()[0]) }
    }

    private static func score(_ tokens: [Int32], with policy: Policy) -> [Double] {
        let group = TokenGroup(prompt: [tokens[0]], responses: [Array(tokens.dropFirst())])
        return policy.forward([group], recording: false).scores[0][0].tokenLogProbabilities.map { Double($0) }
    }

    /// A number near the middle between two of bf16 is rounded by its last bits, which fp32 and double do not share; from
    /// there on, tokens that attend to it differ by up to 0.03. All others agree as in fp32, and none does by accident.
    @Test("is the model with the embedding and both sides of every product rounded to bf16, and nothing else")
    func definition() throws {
        var count = 0, tokenCount = 0, equal = 0, equalToExact = 0, toExact = 0.0, largestToExact = 0.0
        for (name, exact, rounded, tokens) in try Self.cases() {
            var twin = try SlowTransformer(rounded, try rounded.initialParameters(seed: 1))
            twin.isRounding = true
            let defined = zip(twin.logProbabilities(tokens), tokens.dropFirst()).map { $0[Int($1)] }
            let (ours, unrounded) = (Self.score(tokens, with: rounded), Self.score(tokens, with: exact))
            #expect(ours.count == defined.count && abs(ours[0] - defined[0]) < 1e-5, "\(name): the first token")
            equal += zip(ours, defined).count { abs($0 - $1) < 1e-5 }
            equalToExact += zip(ours, unrounded).count { abs($0 - $1) < 1e-5 }
            toExact += zip(ours, unrounded).reduce(0) { $0 + abs($1.0 - $1.1) }
            largestToExact = zip(ours, unrounded).reduce(largestToExact) { max($0, abs($1.0 - $1.1)) }
            tokenCount += ours.count
            count += 1
        }
        #expect(4 * equal >= 3 * tokenCount, "\(equal) of \(tokenCount) tokens agree with the definition")
        #expect(20 * equalToExact < tokenCount)
        print("bf16: \(equal) of \(tokenCount) tokens as defined; to fp32 at most \(largestToExact), on average \(toExact / Double(tokenCount))")
        #expect(FixtureWalk.ran(count, "models in bf16"))
    }
}
