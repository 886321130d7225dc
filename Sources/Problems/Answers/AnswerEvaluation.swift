/// Computes what an answer's notation says. Calculations are in AnswerArithmetic.
struct AnswerEvaluation {
    var budget: StepBudget
    /// What ± stands for at present.
    var isLowerSign = false
    /// Whether a ± was met.
    var hasTwoSigns = false

    init(_ budget: StepBudget) { self.budget = budget }

    /// The value of an answer; several results make a list.
    mutating func value(of answer: AnswerNode) throws(AnswerFailure) -> AnswerValue {
        guard case .list(let items) = answer else { return Self.single(try results(of: answer)) }
        var values: [AnswerValue] = []
        for item in items { values += try results(of: item) }
        return Self.single(values)
    }

    private static func single(_ values: [AnswerValue]) -> AnswerValue { values.count == 1 ? values[0] : .list(values) }

    /// One result, or two where there is a ±.
    private mutating func results(of item: AnswerNode) throws(AnswerFailure) -> [AnswerValue] {
        (isLowerSign, hasTwoSigns) = (false, false)
        let upper = try part(item)
        guard hasTwoSigns else { return [upper] }
        isLowerSign = true
        defer { isLowerSign = false }
        return [upper, try part(item)]
    }

    private mutating func parts(_ nodes: [AnswerNode]) throws(AnswerFailure) -> [AnswerValue] {
        var values: [AnswerValue] = []
        for node in nodes { values.append(try part(node)) }
        return values
    }

    private mutating func part(_ node: AnswerNode) throws(AnswerFailure) -> AnswerValue {
        try budget.spend(1)
        switch node {
        case .infinity: return .infinity(isNegative: false)
        case .digits(let digits, let base): return .digits(digits, base: base)
        case .tuple(let open, let items, let close): return .tuple(open: open, try parts(items), close: close)
        case .set(let items): return .set(try parts(items))
        case .union(let items): return .union(try parts(items))
        case .list(let items): return .list(try parts(items))
        case .matrix(let rows):
            var values: [[AnswerValue]] = []
            for row in rows { values.append(try parts(row)) }
            return .matrix(values)
        case .measured(let value, let unit):
            let value = try part(value)
            if case .percent = value { return value }
            return .measured(value, unit)
        case .degrees(let value): return .measured(.expression(try number(value), isPlain: value.isPlainNumber), .degree)
        case .percent(let value): return .percent(try number(value), isPlain: value.isPlainNumber)
        case .named(let name, let value): return try named(name, value)
        case .chain(let first, let links): return try chain(first, links)
        case .sum(let terms) where terms.count == 1 && terms[0].isNegative:
            guard let value = try part(terms[0].value).negated else { throw .unparsable }
            return value
        default: return .expression(try number(node), isPlain: node.isPlainNumber)
        }
    }

    /// `A = bh/2 = 12` gives A the last value; the other sides must not contradict it.
    private mutating func named(_ name: String, _ value: AnswerNode) throws(AnswerFailure) -> AnswerValue {
        guard case .chain(let first, let links) = value else { return .named(name, try part(value)) }
        guard links.allSatisfy({ $0.relation == .equal }), let last = links.last else { throw .unparsable }
        let result = try part(last.value)
        for side in [first] + links.dropLast().map(\.value) {
            let value = try number(side)
            guard value.isNumber, case .expression(let result, _) = result, result.isNumber else { continue }
            guard try value.equals(result, &budget) else { throw .undefined }
        }
        return .named(name, result)
    }

    private mutating func chain(_ first: AnswerNode, _ links: [AnswerNode.Link]) throws(AnswerFailure) -> AnswerValue {
        let sides = try parts([first] + links.map(\.value))
        if links.allSatisfy({ $0.relation == .equal }) { return try equality(sides, last: links.last?.value) }
        return try inequality(sides, links.map(\.relation))
    }

    /// Numbers that are equal give their value, letters an equation; what is always true or never says nothing.
    private mutating func equality(_ sides: [AnswerValue], last: AnswerNode?) throws(AnswerFailure) -> AnswerValue {
        var values: [Quotient] = []
        for side in sides {
            switch side {
            case .expression(let value, _), .measured(.expression(let value, _), _): values.append(value)
            default: throw .unparsable
            }
        }
        if values.allSatisfy(\.isNumber) {
            for value in values.dropFirst() {
                guard try value.equals(values[0], &budget) else { throw .undefined }
            }
            return sides[sides.count - 1]
        }
        guard values.count == 2 else { throw .unparsable }
        if case .symbol(let name)? = last, values[0].isNumber { return .named(name, sides[0]) }
        let difference = try values[0].plus(values[1], scale: Rational(integer: -1), &budget).numerator
        guard !difference.isZero, difference.constant == nil else { throw .undefined }
        return .equation(difference)
    }

    /// `1 < x ≤ 3` is the interval (1, 3] of x.
    private mutating func inequality(_ sides: [AnswerValue], _ relations: [AnswerNode.Relation]) throws(AnswerFailure) -> AnswerValue {
        let isRising = relations.allSatisfy { $0 == .less || $0 == .lessOrEqual }
        guard isRising || relations.allSatisfy({ $0 == .greater || $0 == .greaterOrEqual }) else { throw .unparsable }
        let ordered = isRising ? sides : sides.reversed()
        let strict = (isRising ? relations : relations.reversed()).map { $0 == .less || $0 == .greater }
        if let letter = ordered.firstIndex(where: { $0.letter != nil }), let name = ordered[letter].letter, ordered.count <= 3 {
            let others = ordered.indices.filter { $0 != letter }
            if others.allSatisfy({ ordered[$0].isBound }), ordered.count == 2 || letter == 1 {
                let low = letter == 0 ? AnswerValue.infinity(isNegative: true) : ordered[letter - 1]
                let high = letter == ordered.count - 1 ? AnswerValue.infinity(isNegative: false) : ordered[letter + 1]
                let opensStrictly = letter == 0 || strict[letter - 1]
                let closesStrictly = letter == ordered.count - 1 || strict[letter]
                return .named(name, .tuple(open: opensStrictly ? "(" : "[", [low, high], close: closesStrictly ? ")" : "]"))
            }
        }
        guard ordered.count == 2, case .expression(let low, _) = ordered[0], case .expression(let high, _) = ordered[1] else { throw .unparsable }
        let difference = try high.plus(low, scale: Rational(integer: -1), &budget)
        guard difference.denominator.constant == .one, difference.numerator.constant == nil else { throw .unparsable }
        return .inequality(difference.numerator, isStrict: strict[0])
    }
}

extension AnswerValue {
    /// The letter that it is, if it is one alone.
    fileprivate var letter: String? {
        guard case .expression(let value, _) = self, value.denominator.constant == .one, let (monomial, coefficient) = value.numerator.single,
            coefficient == .one, monomial.factors.count == 1, monomial.factors[0].exponent == .one,
            case .letter(let name) = monomial.factors[0].atom, name != "π"
        else { return nil }
        return name
    }

    fileprivate var isBound: Bool {
        switch self {
        case .expression(let value, _): value.isNumber
        case .infinity: true
        default: false
        }
    }
}
