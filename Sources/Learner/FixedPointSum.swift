internal import Tensor

/// A sum of blocks of Float that has the same bits in whatever order, and on however many ranks, it is formed.
///
/// Every value x is cut into two integers, and integers add exactly:
///
///     x = coarse · 2⁻²⁰ + fine · 2⁻⁶⁸ (+ at most 2⁻⁶⁹)
///
/// The alternatives were a common exponent from an all-reduced maximum, and a fixed exponent with one integer. The first
/// cannot be had in memory O(arena): the maximum is known only after the last group's gradient, which would have to be
/// kept with all others, or computed twice; taken from the step before, it is state to save and a step to repeat when the
/// gradient grows. The second must choose between small gradients (a fresh adapter's are 1e-9) and large ones (a squared
/// residual of hundreds of nats). Two integers cover both: a Float from 2⁻⁴⁵ to 2²⁸ is added without any rounding, and
/// the price is 16 bytes per trainable parameter in memory and in the all-reduce, which for adapters is small.
package struct FixedPointSum: Sendable {
    /// |x| must stay below this, for the sum of `maximumTerms` to fit.
    package static let bound: Float = 0x1p28
    package static let maximumTerms = 1 << 14

    package let count: Int
    /// The coarse parts, then the fine parts. `[2 · count]`
    package var limbs: [Int64]

    package init(count: Int) {
        self.count = count
        limbs = Array(repeating: 0, count: 2 * count)
    }

    package mutating func reset() {
        limbs.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    }

    /// Adds one block `[count]`, or returns the index of the first value that is not finite or beyond the bound, and adds nothing.
    package mutating func add(_ values: UnsafePointer<Float>) -> Int? {
        if !(Kernel.maximumMagnitude(values, count: count) < Self.bound) {
            return (0..<count).first { !(abs(values[$0]) < Self.bound) }
        }
        // Adding 1.5 · 2⁵² rounds a Double below 2⁵¹ to an integer (nearest, ties to even) and leaves it in the low bits.
        let magic = 0x1.8p52
        let magicBits = Int64(bitPattern: magic.bitPattern)
        limbs.withUnsafeMutableBufferPointer { limbs in
            guard let coarse = limbs.baseAddress else { return }
            let fine = coarse + count
            for i in 0..<count {
                let x = Double(values[i])
                let high = x * 0x1p20 + magic
                let low = (x - (high - magic) * 0x1p-20) * 0x1p68 + magic
                coarse[i] &+= Int64(bitPattern: high.bitPattern) &- magicBits
                fine[i] &+= Int64(bitPattern: low.bitPattern) &- magicBits
            }
        }
        return nil
    }

    /// The sum, rounded once. `[count]`
    package func write(to values: UnsafeMutablePointer<Float>) {
        limbs.withUnsafeBufferPointer { limbs in
            guard let coarse = limbs.baseAddress else { return }
            for i in 0..<count {
                values[i] = Float(Double(coarse[i]) * 0x1p-20 + Double(coarse[count + i]) * 0x1p-68)
            }
        }
    }
}
