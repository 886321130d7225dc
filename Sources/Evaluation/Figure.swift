/// What is said of the samples of a problem, and as a mean of the samples of many.
package enum Figure: Hashable, Sendable, Codable {
    /// The share of the samples that are right.
    case accuracy
    /// pass@k: the chance that one of k samples is right (Chen et al. 2021, the unbiased estimate).
    case pass(Int)
    /// maj@k: whether the most frequent answer of the first k samples is right.
    case majority(Int)
    /// best@k: whether the sample with the highest process reward among the first k is right; the first among equals. Of problems
    /// whose samples all have a process reward.
    case bestOf(Int)
    /// Whether the answer with the highest sum of process rewards over the first k samples is right (Wang et al. 2024, Math-Shepherd,
    /// arXiv 2312.08935, section 3.4). Of problems whose samples all have a process reward.
    case weightedMajority(Int)
    /// How many different right solutions there are among the samples; 0 where none is right.
    case distinct(DistinctKind)
    /// Unique n-grams of the right solutions as a share of all of theirs.
    case distinctNGrams(Int)
    /// The mean BLEU of each right solution against the others: high where they are alike. Of problems with two or more of them.
    case selfBLEU
    /// The mean distance (1 − cosine) between the embeddings of two right solutions. Of problems with two or more of them.
    case embeddingDistance
    /// The mean entropy of the policy's next-token distribution along a response, in nats.
    case entropyPerToken
    /// Of a response in tokens, without ⊤.
    case length
    /// Of a response in words.
    case words
    /// The share of the samples that the limit of tokens ended.
    case unfinished

    /// Its place in the JSON of an evaluation: a key, and another within it.
    package var path: [String] {
        switch self {
        case .accuracy: ["accuracy"]
        case .pass(let k): ["pass_at", "\(k)"]
        case .majority(let k): ["maj_at", "\(k)"]
        case .bestOf(let k): ["best_at", "\(k)"]
        case .weightedMajority(let k): ["weighted_maj_at", "\(k)"]
        case .distinct(let kind): ["distinct_correct", kind.key]
        case .distinctNGrams(let n): ["distinct_n", "\(n)"]
        case .selfBLEU: ["self_bleu"]
        case .embeddingDistance: ["embedding_distance"]
        case .entropyPerToken: ["entropy_per_token"]
        case .length: ["mean_length"]
        case .words: ["mean_words"]
        case .unfinished: ["unfinished"]
        }
    }

    /// Whether it is a mean over some of the problems only: those whose right solutions have it, or whose samples have process rewards.
    package var isConditional: Bool {
        switch self {
        case .bestOf, .weightedMajority, .distinctNGrams, .selfBLEU, .embeddingDistance: true
        default: false
        }
    }
}

/// When two right solutions are different.
package enum DistinctKind: Hashable, Sendable, Codable {
    /// As strings.
    case exact
    /// In their lists of equations (Yuan et al. 2023).
    case equations
    /// When their ROUGE-L F-measure is below a threshold.
    case rougeL(Double)

    package var key: String {
        switch self {
        case .exact: "exact"
        case .equations: "equations"
        case .rougeL(let threshold): "rouge_l_\(threshold)"
        }
    }
}
