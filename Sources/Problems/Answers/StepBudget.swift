/// Why an answer has no value that could be compared.
enum AnswerFailure: Error, Equatable, Sendable {
    /// Not mathematics that the grammar knows; its text may still be compared.
    case unparsable
    case tooDeep
    /// A number, an exponent or a radicand beyond what is computed exactly.
    case tooLarge
    /// A division by zero and the like.
    case undefined
    case budgetExhausted
}

/// Counts the work done on one pair of answers, so that no answer can take long.
///
/// A step is one byte of an answer, or one factor of one term of a polynomial.
struct StepBudget: Sendable {
    static let perPair = 20_000
    /// Nested brackets, fractions, powers and roots; the parser's recursion is bounded by it.
    static let depth = 24

    private(set) var spent = 0
    let limit: Int

    init(limit: Int = StepBudget.perPair) { self.limit = limit }

    mutating func spend(_ steps: Int) throws(AnswerFailure) {
        guard steps <= limit - spent else {
            spent = limit
            throw .budgetExhausted
        }
        spent += steps
    }
}
