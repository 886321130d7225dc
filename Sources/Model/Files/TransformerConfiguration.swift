internal import Tensor

/// The sizes and constants that define a Llama-like decoder, and what makes them consistent.
package struct TransformerConfiguration: Sendable, Equatable {
    package var hiddenSize: Int
    package var intermediateSize: Int
    package var layerCount: Int
    package var headCount: Int
    package var keyValueHeadCount: Int
    /// Width of one head; `headCount · headSize` need not be `hiddenSize`.
    package var headSize: Int
    package var vocabularySize: Int
    /// The longest sequence the model was made for, in tokens.
    package var contextLength: Int
    /// ε inside the square root of RMSNorm.
    package var normEpsilon: Float
    package var rope: RotaryConfiguration
    /// The embedding matrix is the output matrix too; there is no `lm_head.weight`.
    package var tiedEmbeddings: Bool
    /// q_proj, k_proj and v_proj have a bias.
    package var queryKeyValueBias: Bool
    /// o_proj has a bias.
    package var outputBias: Bool
    /// gate_proj, up_proj and down_proj have a bias.
    package var mlpBias: Bool
    package var beginToken: Int32?
    /// Tokens that end a response; the first is the one the model writes by habit.
    package var endTokens: [Int32]
    /// `model_type` of Hugging Face's config.json: "llama" or "qwen2".
    package var modelType: String

    package init(
        hiddenSize: Int, intermediateSize: Int, layerCount: Int, headCount: Int, keyValueHeadCount: Int, headSize: Int,
        vocabularySize: Int, contextLength: Int, normEpsilon: Float = 1e-5, rope: RotaryConfiguration = RotaryConfiguration(),
        tiedEmbeddings: Bool = true, queryKeyValueBias: Bool = false, outputBias: Bool = false, mlpBias: Bool = false,
        beginToken: Int32? = nil, endTokens: [Int32] = [], modelType: String = "llama"
    ) {
        self.hiddenSize = hiddenSize
        self.intermediateSize = intermediateSize
        self.layerCount = layerCount
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount
        self.headSize = headSize
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.normEpsilon = normEpsilon
        self.rope = rope
        self.tiedEmbeddings = tiedEmbeddings
        self.queryKeyValueBias = queryKeyValueBias
        self.outputBias = outputBias
        self.mlpBias = mlpBias
        self.beginToken = beginToken
        self.endTokens = endTokens
        self.modelType = modelType
    }

    /// Everything that makes these sizes unusable, one sentence each; empty when they are consistent.
    ///
    /// The upper bounds keep every product of sizes far below `Int.max`, so later code may multiply without checks.
    package func problems() -> [String] {
        var problems: [String] = []
        func require(_ name: String, _ value: Int, atMost bound: Int) {
            if value < 1 || value > bound { problems.append("\(name) is \(value), expected a number from 1 to \(bound)") }
        }
        require("hidden_size", hiddenSize, atMost: 1 << 20)
        require("intermediate_size", intermediateSize, atMost: 1 << 22)
        require("num_hidden_layers", layerCount, atMost: 4096)
        require("num_attention_heads", headCount, atMost: 1 << 14)
        require("num_key_value_heads", keyValueHeadCount, atMost: 1 << 14)
        require("head_dim", headSize, atMost: 1 << 14)
        require("vocab_size", vocabularySize, atMost: 1 << 26)
        require("max_position_embeddings", contextLength, atMost: 1 << 30)
        if !problems.isEmpty { return problems }
        if headCount % keyValueHeadCount != 0 {
            problems.append("num_attention_heads (\(headCount)) is not a multiple of num_key_value_heads (\(keyValueHeadCount))")
        }
        if headSize % 2 != 0 { problems.append("head_dim is \(headSize), but rotary embedding needs an even number") }
        if !(normEpsilon >= 0 && normEpsilon.isFinite) {
            problems.append("rms_norm_eps is \(normEpsilon), expected a finite number that is not negative")
        }
        problems += rope.problems(headSize: headSize)
        if Set(endTokens).count > StopTokens.maximumCount {
            problems.append("eos_token_id names \(Set(endTokens).count) tokens, expected at most \(StopTokens.maximumCount)")
        }
        for (name, token) in [("bos_token_id", beginToken)] + endTokens.map({ ("eos_token_id", $0) }) {
            if let token, token < 0 || Int(token) >= vocabularySize {
                problems.append("\(name) is \(token), outside of the vocabulary of \(vocabularySize)")
            }
        }
        return problems
    }
}

/// How positions turn the query and key vectors.
package struct RotaryConfiguration: Sendable, Equatable {
    /// What is done to the frequencies of a model that was stretched to a longer context.
    package enum Scaling: Sendable, Equatable {
        case none
        /// All frequencies divided by `factor`.
        case linear(factor: Double)
        /// Llama 3.1: low frequencies divided by `factor`, high ones kept, a blend between.
        case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContextLength: Int)
    }
    /// Base of the geometric series of wavelengths.
    package var theta: Double
    package var scaling: Scaling
    /// What the frequencies are divided by before `scaling`, one per pair of components; empty for nothing.
    package var divisors: [Float]
    /// cos and sin are multiplied by it.
    package var attentionFactor: Double

    package init(theta: Double = 10000, scaling: Scaling = .none, divisors: [Float] = [], attentionFactor: Double = 1) {
        self.theta = theta
        self.scaling = scaling
        self.divisors = divisors
        self.attentionFactor = attentionFactor
    }

    func problems(headSize: Int) -> [String] {
        var problems: [String] = []
        func requirePositive(_ name: String, _ value: Double) {
            if !(value > 0 && value.isFinite) { problems.append("\(name) is \(value), expected a finite number above 0") }
        }
        requirePositive("rope_theta", theta)
        requirePositive("rope attn_factor", attentionFactor)
        for divisor in divisors.filter({ !($0 > 0 && $0.isFinite) }).prefix(1) {
            requirePositive("a rope frequency's divisor", Double(divisor))
        }
        if !divisors.isEmpty, divisors.count != headSize / 2 {
            problems.append("\(divisors.count) rope frequencies have divisors, expected \(headSize / 2), half of head_dim")
        }
        switch scaling {
        case .none: break
        case .linear(let factor): requirePositive("rope factor", factor)
        case .llama3(let factor, let low, let high, let original):
            requirePositive("rope factor", factor)
            requirePositive("rope low_freq_factor", low)
            requirePositive("rope high_freq_factor", high)
            if !(high > low) { problems.append("rope high_freq_factor (\(high)) is not above low_freq_factor (\(low))") }
            if original < 1 { problems.append("rope original_max_position_embeddings is \(original), expected at least 1") }
        }
        return problems
    }
}
