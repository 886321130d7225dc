package import Collective
internal import Tensor

/// A sum of blocks of Float that has the same bits in whatever order, and on however many ranks, it is formed.
///
/// Every value x is cut into two integers, and integers add exactly:
///
///     x = coarse · 2⁻¹⁷ + fine · 2⁻⁶⁸ (+ at most 2⁻⁶⁹)
///
/// The alternatives were a common exponent from an all-reduced maximum, and a fixed exponent with one integer. The first
/// cannot be had in memory O(arena): the maximum is known only after the last group's gradient, which would have to be
/// kept with all others, or computed twice; taken from the step before, it is state to save and a step to repeat when the
/// gradient grows. The second must choose between small gradients (a fresh adapter's are 1e-9) and large ones (a squared
/// residual of hundreds of nats). Two integers cover both: a Float from 2⁻⁴⁵ to 2²⁸ is added without any rounding, and
/// the price is 12 bytes per trainable parameter in memory: 4 for the coarse part, as long as the largest magnitudes of all
/// blocks sum to less than 2¹³, and 8 for the fine one. Beyond that the coarse part has 8 as well; the bits are the same.
package struct FixedPointSum: Sendable {
    /// |x| must stay below this, for the sum of `maximumTerms` to fit.
    package static let bound: Float = 0x1p28
    package static let maximumTerms = 1 << 14
    /// Of the sum of magnitudes, for coarse parts of 32 bits.
    static let narrowBound = 0x1p13
    /// Terms of 2⁵⁰ that 64 bits take, on all ranks together.
    private static let fineTerms = 1 << 12
    /// Elements that are exchanged at a time: few enough to stay in a cache.
    private static let chunk = 1 << 14

    private enum Coarse: Sendable {
        case narrow([Int32])
        case wide([Int64])
    }

    package let count: Int
    private var coarse: Coarse
    private var fine: [Int64]
    /// The sum of the largest magnitudes of what was added.
    package private(set) var magnitude = 0.0
    /// Blocks that were added since the fine parts were last carried.
    private var pending = 0

    package init(count: Int) {
        self.count = count
        coarse = .narrow(Array(repeating: 0, count: count))
        fine = Array(repeating: 0, count: count)
    }

    package mutating func reset() {
        if case .narrow(var parts) = coarse {
            coarse = .narrow([])
            parts.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
            coarse = .narrow(parts)
        } else {
            coarse = .narrow(Array(repeating: 0, count: count))
        }
        fine.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        (magnitude, pending) = (0, 0)
    }

    /// Adds one block `[count]`, or returns the index of the first value that is not finite or beyond the bound, and adds nothing.
    package mutating func add(_ values: UnsafePointer<Float>) -> Int? {
        let largest = Kernel.maximumMagnitude(values, count: count)
        guard largest < Self.bound else { return (0..<count).first { !(abs(values[$0]) < Self.bound) } }
        magnitude += Double(largest)
        widen(for: magnitude)
        if pending == Self.fineTerms / 2 { carry() }
        pending += 1
        switch coarse {
        case .narrow(var parts):
            coarse = .narrow([])
            add(values, &parts)
            coarse = .narrow(parts)
        case .wide(var parts):
            coarse = .wide([])
            add(values, &parts)
            coarse = .wide(parts)
        }
        return nil
    }

    private mutating func add<Part: CoarsePart>(_ values: UnsafePointer<Float>, _ parts: inout [Part]) {
        parts.withUnsafeMutableBufferPointer { parts in
            fine.withUnsafeMutableBufferPointer { fine in
                guard let parts = parts.baseAddress, let fine = fine.baseAddress else { return }
                Kernel.fixedPointAdd(values, count: count, coarse: parts, fine: fine)
            }
        }
    }

    private mutating func widen(for magnitude: Double) {
        if case .narrow(let parts) = coarse, magnitude >= Self.narrowBound { coarse = .wide(parts.map(Int64.init)) }
    }

    /// Moves what belongs there from the fine parts to the coarse ones.
    private mutating func carry() {
        switch coarse {
        case .narrow(var parts):
            coarse = .narrow([])
            carry(&parts)
            coarse = .narrow(parts)
        case .wide(var parts):
            coarse = .wide([])
            carry(&parts)
            coarse = .wide(parts)
        }
        pending = 0
    }

    private mutating func carry<Part: CoarsePart>(_ parts: inout [Part]) {
        for index in 0..<count {
            let carry = (fine[index] + 1 << 50) >> 51
            fine[index] -= carry << 51
            parts[index] += Part(truncatingIfNeeded: carry)
        }
    }

    /// Collective: writes the sum over all ranks `[count]`, rounded once. Every rank gets its part of each other's integers, sums that
    /// part, and gives its floats to all.
    ///
    /// - Parameter magnitude: the largest `magnitude` of all ranks.
    package mutating func write(
        over ranks: any Communicator, magnitude: Double, to values: UnsafeMutablePointer<Float>
    ) throws(CollectiveError) {
        precondition(ranks.size < Self.fineTerms / 2, "a sum over \(ranks.size) ranks")
        if (pending + 1) * ranks.size > Self.fineTerms { carry() }
        widen(for: magnitude * Double(ranks.size))
        switch coarse {
        case .narrow(let parts): try write(parts, over: ranks, to: values)
        case .wide(let parts): try write(parts, over: ranks, to: values)
        }
    }

    private func write<Part: CoarsePart>(
        _ coarse: [Part], over ranks: any Communicator, to values: UnsafeMutablePointer<Float>
    ) throws(CollectiveError) {
        let share = (count + ranks.size - 1) / ranks.size
        func part(_ rank: Int) -> Range<Int> { min(count, rank * share)..<min(count, (rank + 1) * share) }
        // What the others have of a chunk of this rank's part, and what one of them sends of it.
        var others = (coarse: [Part](repeating: 0, count: min(Self.chunk, share)), fine: [Int64](repeating: 0, count: min(Self.chunk, share)))
        var arriving = others
        for start in stride(from: 0, to: share, by: Self.chunk) {
            func chunk(of rank: Int) -> Range<Int> {
                let part = part(rank)
                return min(part.upperBound, part.lowerBound + start)..<min(part.upperBound, part.lowerBound + start + Self.chunk)
            }
            let own = chunk(of: ranks.rank)
            for step in 1..<max(1, ranks.size) {
                let (next, last) = ((ranks.rank + step) % ranks.size, (ranks.rank + ranks.size - step) % ranks.size)
                let theirs = chunk(of: next)
                try ranks.exchange(coarse, theirs, with: next, &arriving.coarse, own.count, from: last)
                try ranks.exchange(fine, theirs, with: next, &arriving.fine, own.count, from: last)
                if step == 1 {
                    swap(&others, &arriving)
                } else {
                    Kernel.fixedPointMerge(coarse: arriving.coarse, fine: arriving.fine, count: own.count, into: &others.coarse, &others.fine)
                }
            }
            coarse.withUnsafeBufferPointer { coarse in
                fine.withUnsafeBufferPointer { fine in
                    guard let coarse = coarse.baseAddress, let fine = fine.baseAddress else { return }
                    Kernel.fixedPointWrite(
                        coarse: coarse + own.lowerBound, fine: fine + own.lowerBound, and: others.coarse, others.fine, count: own.count,
                        into: values + own.lowerBound)
                }
            }
        }
        try ranks.allGather(UnsafeMutableBufferPointer(start: values, count: count), share: share)
    }
}

extension Communicator {
    /// Sends elements to one rank while as many others come from another.
    fileprivate func exchange<Element>(
        _ elements: [Element], _ range: Range<Int>, with next: Int, _ arriving: inout [Element], _ count: Int, from last: Int
    ) throws(CollectiveError) {
        // The typed throws of a closure inside a closure are not inferred.
        let result: Result<Void, CollectiveError> = elements.withUnsafeBytes { elements in
            arriving.withUnsafeMutableBytes { arriving in
                let stride = MemoryLayout<Element>.stride
                let sent = UnsafeRawBufferPointer(rebasing: elements[range.lowerBound * stride..<range.upperBound * stride])
                let taken = UnsafeMutableRawBufferPointer(rebasing: arriving[..<(count * stride)])
                do throws(CollectiveError) { return .success(try sendReceive(sent, to: next, into: taken, from: last)) } catch {
                    return .failure(error)
                }
            }
        }
        try result.get()
    }
}
