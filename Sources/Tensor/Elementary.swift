internal import CKernels

/// Functions in double precision, within an ulp or two, whose bits are equal on every processor.
///
/// Everything that decides what a run computes uses these: the C library's round differently where it finds fused
/// multiply-adds. Square roots need none, as IEEE 754 fixes their bits.
package enum Elementary {
    /// eˣ
    package static func exp(_ x: Double) -> Double { gfn_exp(x) }

    /// The natural logarithm: −∞ of 0, NaN below.
    package static func log(_ x: Double) -> Double { gfn_log(x) }

    /// cos x, for |x| up to 1.6 million.
    package static func cos(_ x: Double) -> Double {
        var (sine, cosine) = (0.0, 0.0)
        gfn_sine_cosine(x, &sine, &cosine)
        return cosine
    }

    /// base^exponent for a positive base, as e^(exponent · log base): within |exponent · log base| + 1 ulp.
    package static func power(_ base: Double, _ exponent: Double) -> Double { exp(exponent * log(base)) }
}
