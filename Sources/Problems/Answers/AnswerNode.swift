/// What an answer says, as it was written.
indirect enum AnswerNode: Sendable {
    case number(Rational)
    /// A letter, a Greek one by its name, π, or i.
    case symbol(String)
    case infinity
    case sum([Term])
    /// Factors from left to right; an inverted one divides.
    case product([Factor])
    case power(AnswerNode, AnswerNode)
    case root(index: AnswerNode, AnswerNode)
    case function(String, AnswerNode)
    case factorial(AnswerNode)
    case binomial(AnswerNode, AnswerNode)
    case absolute(AnswerNode)
    case percent(AnswerNode)
    case degrees(AnswerNode)
    /// Digits to a base that is not ten.
    case digits(String, base: String)
    /// A tuple, a point or an interval: its brackets tell them apart as far as they can be told apart.
    case tuple(open: Character, [AnswerNode], close: Character)
    case set([AnswerNode])
    case union([AnswerNode])
    case matrix([[AnswerNode]])
    case measured(AnswerNode, AnswerUnit)
    /// Sides joined by = < ≤ > ≥.
    case chain(AnswerNode, [Link])
    /// `x = 5` and `Total = 5`: a name and what it equals.
    case named(String, AnswerNode)
    case list([AnswerNode])
    /// ± or ∓ before a term; the second sign is opposite.
    case plusMinus(AnswerNode, isFlipped: Bool)

    struct Term: Sendable {
        var isNegative: Bool
        var value: AnswerNode
    }
    struct Factor: Sendable {
        var isInverted: Bool
        var value: AnswerNode
    }
    struct Link: Sendable {
        var relation: Relation
        var value: AnswerNode
    }
    enum Relation: Sendable, Hashable { case equal, less, lessOrEqual, greater, greaterOrEqual }

    /// Whether it is a number as one writes a result, not a calculation that is still to be done: digits, a fraction, a mixed
    /// number, scientific notation, a percentage, a sign, a unit; a whole number's power or factorial too, which nobody is given to copy.
    var isPlainNumber: Bool {
        switch self {
        case .number: true
        case .sum(let terms): terms.count == 1 && terms[0].value.isPlainNumber
        case .measured(let value, _), .percent(let value), .degrees(let value), .named(_, let value): value.isPlainNumber
        case .power(.number(let base), let exponent): base.isInteger && exponent.isSignedNumber
        case .factorial(.number): true
        case .product(let factors):
            factors.count == 2 && !factors[0].isInverted && factors[0].value.isSignedNumber
                && (factors[1].isInverted ? factors[1].value.isSignedNumber : factors[1].value.isPowerOfTen)
        default: false
        }
    }

    private var isSignedNumber: Bool {
        switch self {
        case .number: true
        case .sum(let terms): terms.count == 1 && terms[0].value.isSignedNumber
        default: false
        }
    }

    private var isPowerOfTen: Bool {
        if case .power(.number(let base), _) = self { return base == Rational(integer: 10) && isPlainNumber }
        return false
    }
}
