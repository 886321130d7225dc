internal import Collective
internal import Model
internal import Rollout

/// What stops a run because it is no longer a number. Every learner reports the same one.
package enum NumericalFault: Sendable, Equatable, CustomStringConvertible {
    /// `cause`: which of the numbers that it is made of is none, as the learner that computed it says.
    case loss(slot: Int, cause: String)
    case gradient(tensor: String, element: Int, slot: Int, isTooLarge: Bool)
    case parameter(tensor: String, element: Int)

    init(_ fault: GradientFault, layout: ParameterLayout) {
        let (tensor, element) = layout.place(of: fault.index)
        self = .gradient(tensor: tensor, element: element, slot: fault.slot, isTooLarge: fault.isTooLarge)
    }

    /// The cause where every number that went in is one.
    static let overflow = "all weights, rewards and reference log-probabilities are finite, so the pass of this learner overflowed: "
        + "lower train.learning_rate or the scale of the reward"

    package var description: String {
        switch self {
        case .loss(let slot, let cause): "the loss of the group in slot \(slot) is not finite: \(cause)"
        case .gradient(let tensor, let element, let slot, let isTooLarge):
            "element \(element) of the gradient of \(tensor) from the group in slot \(slot) is "
                + (isTooLarge ? "beyond \(FixedPointSum.bound)" : "not finite")
                + ": lower train.learning_rate or the scale of the reward"
        case .parameter(let tensor, let element):
            "element \(element) of \(tensor) is not finite after the update: lower train.learning_rate"
        }
    }
}

extension Communicator {
    /// Collective: what the first rank says that says anything.
    func firstSaid(_ text: String) throws(CollectiveError) -> String {
        try allGather(Array(text.utf8)).first { !$0.isEmpty }.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

extension Policy {
    /// Which weights are no numbers, in words; nil: all are.
    var faultOfWeights: String? { firstTensorNotFinite.map { "\($0) holds NaN or an infinity, in this learner's memory" } }
}

extension LinearHead {
    func fault(named name: String) -> String? { parameters.allSatisfy(\.isFinite) ? nil : "\(name) hold NaN or an infinity" }
}

extension StepBatch {
    /// Which number of a slot's trajectories is none, in words; nil: all are.
    func fault(in slot: Int) -> String? {
        for group in slots[slot].map({ self.group($0) }) {
            for (sample, trajectory) in group.trajectories.enumerated() {
                func place(_ what: String, _ values: [Float], at indices: [Int]? = nil) -> String? {
                    (indices ?? Array(values.indices)).first { $0 < values.count && !values[$0].isFinite }.map {
                        "\(what) \($0) of sample \(sample) of problem \(group.promptID) is \(values[$0])"
                    }
                }
                let ends = trajectory.states.map(\.index)
                let found = place("the reference's log-probability of token", trajectory.referenceTokenLogProbabilities)
                    ?? place("the reference's log-probability of an end at state", trajectory.referenceStopLogProbabilities, at: ends)
                    ?? place("the process score of terminable state", trajectory.states.map(\.process))
                    ?? place("the reward of step", trajectory.stepRewards)
                    ?? place("the recorded log-probability of token", trajectory.tokenLogProbabilities)
                if let found { return found }
            }
        }
        return nil
    }
}

extension ParameterLayout {
    /// The tensor that holds an index of the arena; indices behind its end are those of heads.
    func place(of index: Int) -> (tensor: String, element: Int) {
        guard index < count, let entry = entries.last(where: { $0.offset <= index }) else { return ("the heads", index - count) }
        return (entry.name, index - entry.offset)
    }
}
