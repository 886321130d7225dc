/// A sum over all pairs of residuals in O(n): the heart of sub-trajectory balance.
///
///     numerator = Σ_{i<j} λ^(t_j − t_i − 1) (H_j − H_i)²        weight = Σ_{i<j} λ^(t_j − t_i − 1)
///
/// The terms of j come from those of j − 1: with d = t_j − t_{j−1}, a_j = Σ_{i<j} λ^(t_j − t_i − 1) is
/// λ^d a_{j−1} + λ^(d−1), and likewise for the sums of H_i (b) and H_i² (c). The slopes need the same sums from the right.
struct WeightedPairs {
    private(set) var numerator = 0.0
    private(set) var weight = 0.0
    /// d numerator / dH_i. They sum to zero: only differences count.
    private(set) var slopes: [Double]

    /// `positions` t are ascending; nil stands for 0, 1, 2, …
    init(_ residuals: [Double], positions: [Int]? = nil, lambda: Double) {
        let n = residuals.count
        slopes = Array(repeating: 0, count: n)
        guard n > 1 else { return }
        // Residuals are often large and close to each other; only differences count, so the mean is taken off first.
        let mean = residuals.reduce(0, +) / Double(n)
        let h = residuals.map { $0 - mean }
        func decay(_ i: Int) -> (full: Double, shorter: Double) {
            guard let positions else { return (lambda, 1) }
            let shorter = power(lambda, positions[i] - positions[i - 1] - 1)
            return (shorter * lambda, shorter)
        }
        var a = 0.0, b = 0.0, c = 0.0
        for i in 1..<n {
            let (full, shorter) = decay(i)
            a = full * a + shorter
            b = full * b + shorter * h[i - 1]
            c = full * c + shorter * h[i - 1] * h[i - 1]
            weight += a
            numerator += a * h[i] * h[i] - 2 * h[i] * b + c
            slopes[i] += 2 * (a * h[i] - b)
        }
        (a, b) = (0, 0)
        for i in (0..<n - 1).reversed() {
            let (full, shorter) = decay(i + 1)
            a = full * a + shorter
            b = full * b + shorter * h[i + 1]
            slopes[i] += 2 * (a * h[i] - b)
        }
    }
}

extension WeightedPairs {
    /// Only the pairs of the first element: Σ_{j>0} λ^(j−1) (H_j − H_0)².
    init(withFirstOf residuals: [Double], lambda: Double) {
        self.init([], lambda: lambda)
        slopes = Array(repeating: 0, count: residuals.count)
        var share = 1.0
        for j in residuals.indices.dropFirst() {
            let difference = residuals[j] - residuals[0]
            numerator += share * difference * difference
            weight += share
            slopes[j] += 2 * share * difference
            slopes[0] -= 2 * share * difference
            share *= lambda
        }
    }
}

extension WeightedPairs {
    /// Pairs one by one, O(n²), with Huber's function of the difference in the place of its square: Δ² up to |Δ| = δ, and
    /// 2δ|Δ| − δ² beyond (Huber 1964, doubled).
    ///
    /// - Parameter pairs: all, or only those of the first element.
    init(_ residuals: [Double], pairs: SubTrajectoryBalance.Pairs, lambda: Double, huber δ: Double) {
        self.init([], lambda: lambda)
        slopes = Array(repeating: 0, count: residuals.count)
        for i in residuals.indices where pairs == .all || i == 0 {
            var share = 1.0
            for j in residuals.indices.dropFirst(i + 1) {
                let difference = residuals[j] - residuals[i]
                let inner = min(max(difference, -δ), δ)
                numerator += share * inner * (2 * difference - inner)
                weight += share
                slopes[j] += 2 * share * inner
                slopes[i] -= 2 * share * inner
                share *= lambda
            }
        }
    }
}

/// base^exponent by squaring: the same bits on every machine, which `pow` does not promise.
func power(_ base: Double, _ exponent: Int) -> Double {
    precondition(exponent >= 0, "power: exponent \(exponent)")
    var result = 1.0, square = base, rest = exponent
    while rest > 0 {
        if rest & 1 == 1 { result *= square }
        square *= square
        rest >>= 1
    }
    return result
}
