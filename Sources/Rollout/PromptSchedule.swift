package import Tensor

/// Which problem each slot of each step poses: a pure function of (seed, step, slot), so nobody hands prompts out.
///
/// The slots of all steps, one after the other, walk through epochs; each epoch is a fresh permutation of all problems.
package struct PromptSchedule: Sendable {
    package let seed: UInt64
    package let problemCount: Int
    package let slotsPerStep: Int
    /// The permutation of the epoch that was asked for last, since neighbours ask for the same one.
    private var cached: (epoch: Int, order: [Int])?

    package init(seed: UInt64, problemCount: Int, slotsPerStep: Int) {
        precondition(problemCount > 0 && slotsPerStep > 0, "\(problemCount) problems, \(slotsPerStep) slots per step")
        (self.seed, self.problemCount, self.slotsPerStep) = (seed, problemCount, slotsPerStep)
    }

    package mutating func problem(at address: GroupAddress) -> Int {
        let position = address.step * slotsPerStep + address.slot
        let epoch = position / problemCount
        if let cached, cached.epoch == epoch { return cached.order[position % problemCount] }
        var random = RandomStream(seed: seed, purpose: .promptOrder, step: epoch)
        let order = random.permutation(of: problemCount)
        cached = (epoch, order)
        return order[position % problemCount]
    }
}

extension RandomStream {
    /// A uniform index below `count`: the high word of a 64-bit product, biased by less than count / 2⁶⁴.
    package mutating func index(below count: Int) -> Int {
        precondition(count > 0, "an index below \(count)")
        return Int(next().multipliedFullWidth(by: UInt64(count)).high)
    }

    /// Uniform in [0, 1) with 53 bits.
    package mutating func unitDouble() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// 0..<count in random order (Fisher and Yates). Written out, because `shuffle(using:)` may change between Swift versions.
    package mutating func permutation(of count: Int) -> [Int] {
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) { order.swapAt(last, index(below: last + 1)) }
        return order
    }
}
