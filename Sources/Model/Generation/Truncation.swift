internal import Tensor

/// Which tokens a draw may take: those that top-k, top-p and min-p leave of softmax(logits/temperature), applied in this order.
///
/// The kept sets are those of `generate` in Hugging Face's transformers 5.23 (`TopKLogitsWarper`, `TopPLogitsWarper`,
/// `MinPLogitsWarper`), each of which sees what the one before left, renormalised:
///
/// - top-k keeps every logit that is not below the k-th largest, so all that are equal to it;
/// - top-p (Holtzman et al. 2020) keeps the fewest likeliest tokens whose probabilities reach p: a token goes if it and all that
///   are less likely have at most 1 − p. Among equal logits the lower id counts as likelier, which transformers leaves open;
/// - min-p (Nguyen et al. 2024) keeps the tokens that have at least p times the largest probability.
///
/// At least one token stays. Only draws depend on any of it; log-probabilities are those of the whole policy.
struct Truncation: Sendable, Equatable {
    /// Above 0; divides the logits.
    let temperature: Float
    /// 0: off.
    let topK: Int
    /// 1: off.
    let topP: Float
    /// 0: off.
    let minP: Float

    /// The token at which the cumulative distribution over the kept tokens, in order of their ids, first exceeds `uniform` ∈ [0, 1).
    ///
    /// Without a finite largest logit there is no distribution, and the token is the one that `Kernel.sampleToken` takes.
    func draw(_ logits: UnsafePointer<Float>, vocabulary: Int, uniform: Float, family: KernelFamily = .current) -> Int32 {
        guard let kept = keptTokens(logits, vocabulary: vocabulary, family: family) else {
            return Kernel.sampleToken(logits, vocabulary: vocabulary, temperature: 0, uniform: uniform, family: family)
        }
        return kept.token(at: uniform)
    }

    /// The kept tokens of a row of logits, [V]; nil when the largest is not finite.
    func keptTokens(_ logits: UnsafePointer<Float>, vocabulary: Int, family: KernelFamily = .current) -> KeptTokens? {
        let row = LogitRow(logits: logits, count: vocabulary)
        let largest = row.largest
        guard largest.isFinite else { return nil }
        // An impossible token is not kept, even where fewer than k are possible.
        let lowest = max(topK > 0 && topK < vocabulary ? row.largest(topK) : -.infinity, -.greatestFiniteMagnitude)
        var kept = row.tokens(from: lowest, largest: largest, temperature: temperature, family: family)
        if topP < 1 { kept.truncate(toMass: Double(topP)) }
        // The largest weight is 1.
        if minP > 0 { kept.truncate(toWeight: minP) }
        return kept
    }
}

/// Some tokens of a vocabulary in ascending order, with their logits z and weights e^((z − largest z)/temperature).
struct KeptTokens {
    private(set) var tokens: [Int32]
    private(set) var logits, weights: [Float]

    init(tokens: [Int32], logits: [Float], weights: [Float]) {
        self.tokens = tokens
        self.logits = logits
        self.weights = weights
    }

    /// The first token at which the running sum of the weights exceeds uniform · total; never one of weight 0.
    func token(at uniform: Float) -> Int32 {
        // One order for both sums, so that the last running sum is the total and exceeds the target.
        let target = Double(uniform) * weights.reduce(0.0) { $0 + Double($1) }
        var reached = 0.0
        for (token, weight) in zip(tokens, weights) {
            reached += Double(weight)
            if reached > target { return token }
        }
        preconditionFailure("a draw at \(uniform) from \(tokens.count) tokens without weight")
    }

    /// Leaves the fewest likeliest tokens that have this share of the mass.
    mutating func truncate(toMass share: Double) {
        let logits = logits, weights = weights, total = total, target = share * total
        // As many tokens as there are have at most 1 − share together when each has less than this: none of them is kept.
        let cut = (1 - share) * total / Double(tokens.count)
        var open = weights.indices.filter { Double(weights[$0]) >= cut }
        var reached = 0.0
        // Halves the range of logits that the last kept one can have, until sorting what is in it costs little.
        while open.count > 64 {
            let lowest = open.reduce(Float.infinity) { min($0, logits[$1]) }
            let highest = open.reduce(-Float.infinity) { max($0, logits[$1]) }
            let middle = lowest / 2 + highest / 2
            let upper = open.filter { logits[$0] > middle }
            guard !upper.isEmpty && upper.count < open.count else { break }
            let mass = upper.reduce(reached) { $0 + Double(weights[$1]) }
            if mass < target {
                reached = mass
                open.removeAll { logits[$0] > middle }
            } else {
                open = upper
            }
        }
        open.sort { logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1 }
        var count = 0
        repeat {
            reached += Double(weights[open[count]])
            count += 1
        } while count < open.count && reached < target
        let last = open[count - 1], lowest = logits[last]
        keep(logits.indices.filter { logits[$0] > lowest || (logits[$0] == lowest && $0 <= last) })
    }

    /// Leaves the tokens that have at least this weight.
    mutating func truncate(toWeight least: Float) {
        let weights = weights
        keep(weights.indices.filter { weights[$0] >= least })
    }

    private mutating func keep(_ places: [Int]) {
        self = KeptTokens(tokens: places.map { tokens[$0] }, logits: places.map { logits[$0] }, weights: places.map { weights[$0] })
    }

    /// Four partial sums instead of one long chain of dependent additions.
    private var total: Double {
        var (a, b, c, d) = (0.0, 0.0, 0.0, 0.0)
        let even = weights.count - weights.count % 4
        for at in stride(from: 0, to: even, by: 4) {
            a += Double(weights[at])
            b += Double(weights[at + 1])
            c += Double(weights[at + 2])
            d += Double(weights[at + 3])
        }
        return weights[even...].reduce((a + b) + (c + d)) { $0 + Double($1) }
    }
}

/// The logits of one state, [V], read in blocks, most of which hold nothing of interest.
private struct LogitRow {
    let logits: UnsafePointer<Float>
    let count: Int
    private static let blockSize = 16

    init(logits: UnsafePointer<Float>, count: Int) {
        self.logits = logits
        self.count = count
    }

    private func block(_ start: Int) -> SIMD16<Float> {
        UnsafeRawPointer(logits + start).loadUnaligned(as: SIMD16<Float>.self)
    }

    /// The largest logit; NaN counts as −∞.
    var largest: Float {
        var lanes = SIMD16<Float>(repeating: -.infinity)
        let whole = count - count % Self.blockSize
        for start in stride(from: 0, to: whole, by: Self.blockSize) {
            let values = block(start)
            lanes.replace(with: values, where: values .> lanes)
        }
        var largest = -Float.infinity
        for lane in lanes.indices where lanes[lane] > largest { largest = lanes[lane] }
        for at in whole..<count where logits[at] > largest { largest = logits[at] }
        return largest
    }

    /// The k-th largest logit; −∞ where fewer are possible.
    func largest(_ k: Int) -> Float {
        // A heap of the k largest so far, the smallest of them first.
        var heap = [Float](repeating: -.infinity, count: k)
        heap.withUnsafeMutableBufferPointer { heap in
            for start in stride(from: 0, to: count, by: Self.blockSize) {
                if start + Self.blockSize <= count && !any(block(start) .> heap[0]) { continue }
                for at in start..<min(start + Self.blockSize, count) where logits[at] > heap[0] {
                    var place = 0
                    while 2 * place + 1 < k {
                        let left = 2 * place + 1, right = min(left + 1, k - 1)
                        let child = heap[right] < heap[left] ? right : left
                        guard heap[child] < logits[at] else { break }
                        heap[place] = heap[child]
                        place = child
                    }
                    heap[place] = logits[at]
                }
            }
        }
        return heap[0]
    }

    /// The tokens whose logits are not below `lowest`.
    func tokens(from lowest: Float, largest: Float, temperature: Float, family: KernelFamily) -> KeptTokens {
        let tokens = [Int32](unsafeUninitializedCapacity: count) { tokens, written in
            for start in stride(from: 0, to: count, by: Self.blockSize) {
                if start + Self.blockSize <= count && !any(block(start) .>= lowest) { continue }
                for at in start..<min(start + Self.blockSize, count) where logits[at] >= lowest {
                    tokens[written] = Int32(at)
                    written += 1
                }
            }
        }
        let kept = tokens.map { logits[Int($0)] }
        let exponents = kept.map { ($0 - largest) / temperature }
        let weights = [Float](unsafeUninitializedCapacity: kept.count) { weights, written in
            if let first = weights.baseAddress { Kernel.exponential(exponents, count: kept.count, into: first, family: family) }
            written = kept.count
        }
        return KeptTokens(tokens: tokens, logits: kept, weights: weights)
    }
}
