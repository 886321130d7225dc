internal import Model

/// What stops a run because it is no longer a number. Every learner reports the same one.
package enum NumericalFault: Sendable, Equatable, CustomStringConvertible {
    case loss(slot: Int)
    case gradient(tensor: String, element: Int, slot: Int, isTooLarge: Bool)
    case parameter(tensor: String, element: Int)

    init(_ fault: GradientFault, layout: ParameterLayout) {
        let (tensor, element) = layout.place(of: fault.index)
        self = .gradient(tensor: tensor, element: element, slot: fault.slot, isTooLarge: fault.isTooLarge)
    }

    package var description: String {
        switch self {
        case .loss(let slot):
            "the loss of the group in slot \(slot) is not finite: look for infinite rewards or reference log-probabilities there"
        case .gradient(let tensor, let element, let slot, let isTooLarge):
            "element \(element) of the gradient of \(tensor) from the group in slot \(slot) is "
                + (isTooLarge ? "beyond \(FixedPointSum.bound)" : "not finite")
                + ": lower train.learning_rate or the scale of the reward"
        case .parameter(let tensor, let element):
            "element \(element) of \(tensor) is not finite after the update: lower train.learning_rate"
        }
    }
}

extension ParameterLayout {
    /// The tensor that holds an index of the arena; indices behind its end are those of heads.
    func place(of index: Int) -> (tensor: String, element: Int) {
        guard index < count, let entry = entries.last(where: { $0.offset <= index }) else { return ("the heads", index - count) }
        return (entry.name, index - entry.offset)
    }
}
