import Testing

@testable import Model

/// D 64, Q and E as below, I 96: small numbers that a person can multiply.
private let configuration = TransformerConfiguration(
    hiddenSize: 64, intermediateSize: 96, layerCount: 3, headCount: 4, keyValueHeadCount: 2, headSize: 16, vocabularySize: 100,
    contextLength: 512, tiedEmbeddings: false, beginToken: 1, endTokens: [2])

@Suite("What passes take of memory, by hand")
struct SamplingMemoryTests {
    /// Numbers of a row: input, two 1/rms, queries and attention, keys and values, heads; norm's output, gate, up and product.
    private let layer = 64 + 2 + 2 * 64 + 2 * 32 + 4
    private let scratch = 64 + 3 * 96

    @Test("sampling keeps a cache for each response and prompt, the step's rows and those of the prompts that are read")
    func sampling() {
        // 2 prompts of 10 tokens, in blocks of 32; 3 responses to each of up to 40 tokens behind up to 31 of the prompt: 64 positions
        // have doubled once.
        let positions = 6 * 128 + 2 * 32
        let expected = 8 * 3 * 32 * positions + 4 * (layer + scratch) * (20 + 64) + 20 * 96 * 2 + 4 * 65 * 100
        #expect(PolicyMemory.sampling(configuration, forms: WeightForms(.bf16), adapter: nil, .init(prompts: 2, responses: 3, longestPrompt: 10, maxNewTokens: 40)) == expected)
    }

    @Test("no more responses are under way than rows are free, with those of the last prompt")
    func rows() {
        func bytes(_ prompts: Int) -> Int {
            PolicyMemory.sampling(configuration, forms: WeightForms(.bf16), adapter: nil, .init(prompts: prompts, responses: 10, longestPrompt: 600, maxNewTokens: 20))
        }
        // 63 and 10 responses, to 8 prompts and the next one; two prompts are read at a time at most, since one fills 512 rows.
        let expected = 8 * 3 * 32 * (73 * 64 + 9 * 608) + 4 * (layer + scratch) * (1111 + 64) + 1111 * 96 * 2 + 4 * 65 * 100
        #expect(bytes(50) == expected && bytes(5000) == expected)
        #expect(PolicyMemory.sampling(configuration, forms: WeightForms(.bf16), adapter: nil, .init(prompts: 0, responses: 10, longestPrompt: 9, maxNewTokens: 9)) == 0)
    }

    @Test("a cache doubles until the last token has room")
    func capacity() {
        #expect(KeyValueCache.firstCapacity(0) == 32 && KeyValueCache.firstCapacity(7) == 64 && KeyValueCache.firstCapacity(400) == 64)
        for (rows, first, expected) in [(1, 32, 32), (32, 32, 32), (33, 32, 64), (400, 64, 512), (65, 64, 128), (0, 32, 32)] {
            #expect(KeyValueCache.capacity(holding: rows, first: first) == expected)
        }
    }

    @Test("scoring takes one layer's memory, the hidden states and a block of logits")
    func scoring() {
        let expected = 4 * (50 * (layer + scratch) + 40 * (64 + 5) + 40 * 100) + 50 * 96 * 2
        #expect(PolicyMemory.scoring(configuration, forms: WeightForms(.bf16), adapter: nil, rows: 50, states: 40) == expected)
        let adapter = AdapterConfiguration(rank: 8, alpha: 16, targets: [.query, .down])
        #expect(PolicyMemory.scoring(configuration, forms: WeightForms(.bf16), adapter: adapter, rows: 50, states: 40) == expected + 4 * 50 * 16 + 2 * 50 * 8)
    }

    @Test("a policy's own weights are the sizes of the matrices that it has")
    func weights() throws {
        let base = try BaseModel(randomly: configuration, seed: 1, precision: .bf16, gradients: true, parallel: .serial)
        let stack = AdapterStack(
            AdapterConfiguration(rank: 5, alpha: 1, targets: [.key, .gate]), of: configuration, precision: .fp32, gradients: true)
        let key = try #require(stack[0, .key]), gate = try #require(stack[2, .gate])
        let expected = 3 * [key.a, key.b, gate.a, gate.b].reduce(0) { $0 + $1.forward.byteCount + ($1.transposed?.byteCount ?? 0) }
        let adapter = AdapterConfiguration(rank: 5, alpha: 1, targets: [.key, .gate])
        #expect(PolicyMemory.weights(.lora(adapter), of: configuration, precision: .fp32, gradients: true) == expected)
        let model = try UnloadedModel(randomly: configuration, seed: 1, precision: .bf16, parallel: .serial)
        #expect(PolicyMemory.weights(.full, of: base.configuration, precision: .bf16, gradients: false) == model.byteCount(.forward))
        #expect(
            PolicyMemory.weights(.full, of: base.configuration, precision: .bf16, gradients: true)
                == model.byteCount(.forward) + model.byteCount(.transposed))
    }

    @Test("a recorded pass takes more with rows and states, and most where gate and up of all layers are kept")
    func learning() {
        func bytes(rows: Int = 200, states: Int = 180, longest: Int = 60, threads: Int = 1) -> (least: Int, most: Int) {
            PolicyMemory.learning(configuration, forms: WeightForms(.bf16), adapter: nil, rows: rows, states: states, longest: longest, threads: threads)
        }
        let usual = bytes()
        #expect(usual.most > usual.least && usual.least > PolicyMemory.scoring(configuration, forms: WeightForms(.bf16), adapter: nil, rows: 200, states: 180))
        #expect(bytes(rows: 300).least > usual.least && bytes(states: 200).least > usual.least)
        #expect(bytes(longest: 130).least > usual.least && bytes(threads: 2).least > usual.least)
        #expect(bytes(rows: 400).most - bytes(rows: 400).least > usual.most - usual.least)
    }
}
