package import Model

/// A process reward model: an adapter on the frozen base, and a scalar head that is read where steps end.
///
/// Not to be used by two threads at once; the base may be shared with a policy.
package final class ProcessRewardModel {
    package let policy: Policy
    package let head: RewardHead

    /// `policy` has adopted the adapter's parameters.
    package init(policy: Policy, head: RewardHead) { (self.policy, self.head) = (policy, head) }

    /// A prompt and how the responses to it are read.
    package struct Group: Sendable {
        package var prompt: [Int32]
        package var readings: [StepReading]

        package init(prompt: [Int32], readings: [StepReading]) { (self.prompt, self.readings) = (prompt, readings) }
    }

    /// The logits of all readings, by group, response and place.
    ///
    /// A logit has the same bits whatever follows its step and whatever else is in the batch.
    package func logits(of groups: [Group]) -> [[[Double]]] {
        let states = policy.hiddenStates(
            groups.map { TokenGroup(prompt: $0.prompt, responses: $0.readings.map(\.tokens)) },
            at: groups.map { $0.readings.map(\.places) })
        return states.map { $0.map { $0.map { hidden in hidden.withUnsafeBufferPointer { head.logit($0) } } } }
    }

    /// The probabilities that steps are good, in the same order.
    package func scores(of groups: [Group]) -> [[[Float]]] {
        logits(of: groups).map { $0.map { $0.map { Float(RewardHead.probability(ofLogit: $0)) } } }
    }
}
