private import Tensor

/// The logistic function and its logarithm, for arguments of any size.
package enum Logistic {
    /// σ(x) = 1/(1 + e^(−x)). The exponential is taken of −|x|, so it never overflows.
    package static func sigmoid(_ x: Double) -> Double {
        let e = Elementary.exp(-abs(x))
        return (x < 0 ? e : 1) / (1 + e)
    }

    /// log σ(x) = −softplus(−x) = min(x, 0) − log(1 + e^(−|x|))
    package static func logSigmoid(_ x: Double) -> Double { min(x, 0) - logOnePlus(Elementary.exp(-abs(x))) }

    /// log(1 + x) for x from 0 to 1. The quotient corrects what rounding 1 + x lost of a small x (Goldberg 1991, theorem 4).
    private static func logOnePlus(_ x: Double) -> Double {
        let sum = 1 + x
        return sum == 1 ? x : Elementary.log(sum) * (x / (sum - 1))
    }
}
