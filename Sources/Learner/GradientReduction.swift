package import Collective

/// Sums the gradients of all groups of a step over all learners, with the same bits for any split over ranks.
///
///     reduction.begin() · add(gradient, slot:) for each own group · finish(over:into:)
package struct GradientReduction: Sendable {
    private var sum: FixedPointSum
    /// 0, or larger the lower the slot and the element of what went wrong: a maximum over ranks finds the first.
    private var alarm: Int64 = 0

    package init(count: Int) {
        precondition(count < 1 << 40, "a gradient of \(count) elements")
        sum = FixedPointSum(count: count)
    }

    package mutating func begin() {
        sum.reset()
        alarm = 0
    }

    /// Adds the gradient `[count]` of the group in `slot`, already scaled by its share of the loss.
    package mutating func add(_ gradient: UnsafePointer<Float>, slot: Int) {
        precondition((0..<FixedPointSum.maximumTerms).contains(slot), "slot \(slot) of at most \(FixedPointSum.maximumTerms)")
        guard let index = sum.add(gradient) else { return }
        let overflows: Int64 = gradient[index].isFinite ? 1 : 0
        alarm = max(alarm, Int64.max - (Int64(slot) << 41 | Int64(index) << 1 | overflows))
    }

    /// Collective: writes the sum `[count]`, or says on every rank alike what keeps it from being a number.
    package mutating func finish(
        over learners: any Communicator, into gradient: UnsafeMutablePointer<Float>
    ) throws(CollectiveError) -> GradientFault? {
        // Bits of what is not negative are ordered as the numbers are.
        var maxima = [alarm, Int64(sum.magnitude.bitPattern)]
        try maxima.withUnsafeMutableBufferPointer { (maxima) throws(CollectiveError) in try learners.allReduceMax(maxima) }
        if maxima[0] > 0 {
            let place = Int64.max - maxima[0]
            return GradientFault(
                slot: Int(place >> 41), index: Int(place >> 1 & (1 << 40 - 1)), isTooLarge: place & 1 == 1)
        }
        try sum.write(over: learners, magnitude: Double(bitPattern: UInt64(maxima[1])), to: gradient)
        return nil
    }
}

/// The first element, in the order of slots, of a gradient that cannot be summed.
package struct GradientFault: Sendable, Equatable {
    package let slot: Int
    package let index: Int
    /// Finite, but beyond what the sum has room for; otherwise NaN or infinite.
    package let isTooLarge: Bool
}
