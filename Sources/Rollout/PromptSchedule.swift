internal import Tensor

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

    /// Whether the problem at this address comes up there for the first time in a run.
    package func isFirstVisit(at address: GroupAddress) -> Bool {
        address.step * slotsPerStep + address.slot < problemCount
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
