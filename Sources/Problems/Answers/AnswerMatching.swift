/// Compares what two answers say.
struct AnswerMatching {
    var budget: StepBudget

    init(_ budget: StepBudget) { self.budget = budget }

    mutating func compare(_ gold: AnswerValue, _ prediction: AnswerValue) throws(AnswerFailure) -> AnswerVerdict.Reason {
        try budget.spend(1)
        switch (gold, prediction) {
        case (.named(let a, let x), .named(let b, let y)):
            if a == b || a.count > 1 || b.count > 1 { return try compare(x, y) }
            guard let left = try equation(gold), let right = try equation(prediction), !x.isNumber, !y.isNumber else { return .differentNames }
            return compare(equations: left, right)
        case (.named, .equation), (.equation, .named):
            guard let left = try equation(gold), let right = try equation(prediction) else { return .differentKinds }
            return compare(equations: left, right)
        case (.named(_, let x), _): return try compare(x, prediction)
        case (_, .named(_, let y)): return try compare(gold, y)
        case (.equation(let a), .equation(let b)): return compare(equations: a, b)
        case (.inequality(let a, let isStrict), .inequality(let b, let isAlsoStrict)):
            guard isStrict == isAlsoStrict, let ratio = a.ratio(to: b), !ratio.isNegative else { return .differentEquations }
            return .equalEquations
        case (.measured(let x, let unit), .measured(let y, let other)):
            let reason = try compare(x, y)
            return reason.isEqual && !unit.fits(other) ? .differentUnits : reason
        case (.measured(let x, let unit), _): return canLack(unit, prediction) ? try compare(x, prediction) : .differentUnits
        case (_, .measured(let y, let unit)): return canLack(unit, gold) ? try compare(gold, y) : .differentUnits
        case (.percent(let x, let isPlain), .percent(let y, let isAlsoPlain)):
            return try compare(numbers: x, y, mustBePlain: isPlain && !isAlsoPlain)
        // A percentage is its hundredth, and where the question asks for percent also its bare number.
        case (.percent(let x, let isPlain), .expression(let y, let isAlsoPlain)):
            return try compare(percent: x, with: y, mustBePlain: isPlain && !isAlsoPlain)
        case (.expression(let x, let isPlain), .percent(let y, let isAlsoPlain)):
            return try compare(percent: y, with: x, mustBePlain: isPlain && !isAlsoPlain)
        case (.expression(let x, let isPlain), .expression(let y, let isAlsoPlain)):
            return try compare(numbers: x, y, mustBePlain: isPlain && !isAlsoPlain)
        case (.infinity(let a), .infinity(let b)): return a == b ? .equalText : .differentNumbers
        case (.digits(let a, let base), .digits(let b, let other)): return a == b && base == other ? .equalText : .differentNumbers
        case (.tuple(let open, let a, let close), .tuple(let opening, let b, let closing)):
            return open == opening && close == closing ? try compare(a, b) : .differentParts
        case (.matrix(let a), .matrix(let b)):
            guard a.count == b.count, a.first?.count == b.first?.count else { return .differentParts }
            return try compare(Array(a.joined()), Array(b.joined()))
        case (.set(let a), .set(let b)), (.set(let a), .list(let b)), (.list(let a), .set(let b)), (.list(let a), .list(let b)),
            (.union(let a), .union(let b)):
            return try matches(a, b) ? .equalParts : .differentParts
        default: return .differentKinds
        }
    }

    /// Whether a unit that this side does not have is no difference. A percentage has one of its own.
    private func canLack(_ unit: AnswerUnit, _ value: AnswerValue) -> Bool {
        if case .percent = value { return unit == .noun }
        return true
    }

    private mutating func compare(numbers x: Quotient, _ y: Quotient, mustBePlain: Bool) throws(AnswerFailure) -> AnswerVerdict.Reason {
        if let a = x.constant, let b = y.constant { return a != b ? .differentNumbers : mustBePlain ? .notEvaluated : .equalNumbers }
        return try x.equals(y, &budget) ? .equalExpressions : .differentExpressions
    }

    private mutating func compare(
        percent: Quotient, with other: Quotient, mustBePlain: Bool
    ) throws(AnswerFailure) -> AnswerVerdict.Reason {
        guard let hundredth = Rational(1, 100) else { throw .undefined }
        let share = try percent.times(Quotient(hundredth), &budget)
        let isShare = try share.equals(other, &budget)
        let isBare = try percent.equals(other, &budget)
        guard isShare || isBare else { return .differentNumbers }
        return mustBePlain ? .notEvaluated : .equalNumbers
    }

    /// In order; the reason of the first difference is that the parts differ.
    private mutating func compare(_ gold: [AnswerValue], _ prediction: [AnswerValue]) throws(AnswerFailure) -> AnswerVerdict.Reason {
        guard gold.count == prediction.count else { return .differentParts }
        for (x, y) in zip(gold, prediction) {
            let reason = try compare(x, y)
            if reason == .notEvaluated { return reason }
            guard reason.isEqual else { return .differentParts }
        }
        return .equalParts
    }

    /// In any order; each part of one side has its own partner on the other.
    private mutating func matches(_ gold: [AnswerValue], _ prediction: [AnswerValue]) throws(AnswerFailure) -> Bool {
        guard gold.count == prediction.count else { return false }
        var rest = prediction
        for part in gold {
            var partner: Int?
            for (index, candidate) in rest.enumerated() {
                guard try compare(part, candidate).isEqual else { continue }
                partner = index
                break
            }
            guard let partner else { return false }
            rest.remove(at: partner)
        }
        return true
    }

    private func compare(equations a: Polynomial, _ b: Polynomial) -> AnswerVerdict.Reason {
        a.ratio(to: b) == nil ? .differentEquations : .equalEquations
    }

    /// What is zero when the equation holds; nil when it is none.
    private mutating func equation(_ value: AnswerValue) throws(AnswerFailure) -> Polynomial? {
        switch value {
        case .equation(let polynomial): return polynomial
        case .named(let name, .expression(let side, _)):
            let difference = try Quotient(.letter(name)).plus(side, scale: Rational(integer: -1), &budget).numerator
            return difference.isZero ? nil : difference
        default: return nil
        }
    }
}
