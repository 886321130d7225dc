/// What a comparison of a prediction with the gold answer found, and why.
package struct AnswerVerdict: Sendable, Equatable {
    package var reason: Reason
    /// The work it took; at most ``StepBudget/perPair``.
    package var steps: Int

    package var isEqual: Bool { reason.isEqual }

    package enum Reason: String, Sendable, CaseIterable {
        /// The same signs, up to spaces, notation and the case of words.
        case equalText
        /// The same rational number.
        case equalNumbers
        /// The same value of letters, roots, π, i and functions.
        case equalExpressions
        /// Equations with the same solutions, since one is a multiple of the other; inequalities likewise.
        case equalEquations
        /// Tuples, intervals, sets, lists, matrices with equal parts.
        case equalParts

        case differentText
        case differentNumbers
        case differentExpressions
        case differentEquations
        case differentParts
        /// Equal numbers with units that cannot both be right.
        case differentUnits
        /// x = 5 and y = 5.
        case differentNames
        /// A number and an interval, a tuple and a set, text and a number.
        case differentKinds
        /// The right value, but a calculation that is still to be done, as 70 + 2 for 72.
        case notEvaluated

        case noPrediction
        case noGold
        /// The prediction is not mathematics that the grammar knows, and not the gold answer's text.
        case unparsable
        case goldUnparsable
        case tooDeep
        /// A number, an exponent or a radicand beyond what is computed exactly.
        case tooLarge
        /// A division by zero, a contradiction (1 = 2), or nothing said (x = x).
        case undefined
        case budgetExhausted

        package var isEqual: Bool {
            switch self {
            case .equalText, .equalNumbers, .equalExpressions, .equalEquations, .equalParts: true
            default: false
            }
        }

        init(_ failure: AnswerFailure) {
            self =
                switch failure {
                case .unparsable: .unparsable
                case .tooDeep: .tooDeep
                case .tooLarge: .tooLarge
                case .undefined: .undefined
                case .budgetExhausted: .budgetExhausted
                }
        }
    }
}
