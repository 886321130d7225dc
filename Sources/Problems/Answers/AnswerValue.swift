/// What an answer says, in a form in which equal answers can be recognised.
indirect enum AnswerValue: Sendable {
    /// - isPlain: it was written as a result (digits, a fraction, a mixed number, scientific notation), not as a calculation.
    case expression(Quotient, isPlain: Bool)
    /// 50 for 50 %.
    case percent(Quotient, isPlain: Bool)
    case infinity(isNegative: Bool)
    case digits(String, base: String)
    /// A tuple, a point or an interval.
    case tuple(open: Character, [AnswerValue], close: Character)
    case set([AnswerValue])
    case union([AnswerValue])
    case matrix([[AnswerValue]])
    case measured(AnswerValue, AnswerUnit)
    case named(String, AnswerValue)
    /// What is zero when the equation holds.
    case equation(Polynomial)
    /// What is positive when the inequality holds, or not negative when it is not strict.
    case inequality(Polynomial, isStrict: Bool)
    /// Alternatives, or several results; their order says nothing.
    case list([AnswerValue])

    /// Equal answers have equal texts as far as there is one normal form; units and names are left out. Majority votes count these.
    var text: String {
        switch self {
        case .expression(let value, _): value.text
        case .percent(let value, _): value.text + "%"
        case .infinity(let isNegative): isNegative ? "-∞" : "∞"
        case .digits(let digits, let base): "\(digits)_\(base)"
        case .tuple(let open, let parts, let close): "\(open)\(Self.joined(parts))\(close)"
        case .set(let parts), .list(let parts): "{\(parts.map(\.text).sorted().joined(separator: ","))}"
        case .union(let parts): parts.map(\.text).sorted().joined(separator: "∪")
        case .matrix(let rows): "[\(rows.map(Self.joined).joined(separator: ";"))]"
        case .measured(let value, _), .named(_, let value): value.text
        case .equation(let polynomial): polynomial.monic.text + "=0"
        case .inequality(let polynomial, let isStrict): polynomial.text + (isStrict ? ">0" : "≥0")
        }
    }

    private static func joined(_ parts: [AnswerValue]) -> String { parts.map(\.text).joined(separator: ",") }

    /// Nil for what has no sign.
    var negated: AnswerValue? {
        switch self {
        case .expression(let value, let isPlain): value.negated.map { .expression($0, isPlain: isPlain) }
        case .percent(let value, let isPlain): value.negated.map { .percent($0, isPlain: isPlain) }
        case .infinity(let isNegative): .infinity(isNegative: !isNegative)
        case .measured(let value, let unit): value.negated.map { .measured($0, unit) }
        default: nil
        }
    }

    var isNumber: Bool {
        if case .expression(let value, _) = self { return value.isNumber }
        return false
    }
}
