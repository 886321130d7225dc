/// Calculations: sums, products, powers and functions of exact values.
extension AnswerEvaluation {
    private static let largestFactorial = 33

    mutating func number(_ node: AnswerNode) throws(AnswerFailure) -> Quotient {
        try budget.spend(1)
        switch node {
        case .number(let value): return Quotient(value)
        case .symbol(let name): return name == "i" ? Quotient(.imaginary) : Quotient(.letter(name))
        case .sum(let terms):
            var sum = Quotient(.zero)
            for term in terms {
                sum = try sum.plus(number(term.value), scale: Rational(integer: term.isNegative ? -1 : 1), &budget)
            }
            return sum
        case .product(let factors):
            var product = Quotient(.one)
            for factor in factors {
                let value = try number(factor.value)
                product = factor.isInverted ? try product.over(value, &budget) : try product.times(value, &budget)
            }
            return product
        case .power(let base, let exponent): return try number(base).power(number(exponent), &budget)
        case .root(let index, let radicand):
            guard let index = try number(index).constant?.integer(within: 2...60) else { throw .unparsable }
            return try number(radicand).root(index, &budget)
        case .absolute(let value):
            let value = try number(value)
            guard let constant = value.constant else { return try closed("abs[\(value.text)]") }
            guard let magnitude = constant.isNegative ? constant.negated : constant else { throw .tooLarge }
            return Quotient(magnitude)
        case .factorial(let value): return try factorial(number(value))
        case .binomial(let above, let below): return try binomial(number(above), number(below))
        case .percent(let value):
            guard let hundredth = Rational(1, 100) else { throw .undefined }
            return try number(value).times(Quotient(hundredth), &budget)
        case .degrees(let value): return try number(value).times(Quotient(.letter("°")), &budget)
        case .function(let name, let argument): return try closed("\(name)[\(number(argument).text)]")
        case .plusMinus(let value, let isFlipped):
            hasTwoSigns = true
            let value = try number(value)
            guard isFlipped != isLowerSign else { return value }
            guard let negated = value.negated else { throw .tooLarge }
            return negated
        case .infinity, .digits, .tuple, .set, .union, .matrix, .measured, .chain, .named, .list: throw .unparsable
        }
    }

    private mutating func closed(_ text: String) throws(AnswerFailure) -> Quotient { try Quotient(closed: text, &budget) }

    private mutating func factorial(_ value: Quotient) throws(AnswerFailure) -> Quotient {
        guard let constant = value.constant else { return try closed("factorial[\(value.text)]") }
        guard constant.isInteger, !constant.isNegative else { throw .undefined }
        guard let count = constant.integer(within: 0...Self.largestFactorial) else { throw .tooLarge }
        try budget.spend(count)
        var product = Rational.one
        for factor in 1..<(count + 1) {
            guard let next = product.times(Rational(integer: factor)) else { throw .tooLarge }
            product = next
        }
        return Quotient(product)
    }

    private mutating func binomial(_ above: Quotient, _ below: Quotient) throws(AnswerFailure) -> Quotient {
        guard let n = above.constant, let k = below.constant else { return try closed("binomial[\(above.text)][\(below.text)]") }
        guard let n = n.integer(within: 0...100_000), let k = k.integer(within: 0...100_000) else { throw .tooLarge }
        guard k <= n else { return Quotient(.zero) }
        let count = min(k, n - k)
        try budget.spend(count)
        var result = Rational.one
        for step in 0..<count {
            guard let factor = Rational(Int128(n - step), Int128(step + 1)), let next = result.times(factor) else { throw .tooLarge }
            result = next
        }
        return Quotient(result)
    }
}

extension Quotient {
    /// Closed forms longer than this are not compared.
    private static let longestClosedForm = 600

    /// Something that is known by its text only.
    init(closed text: String, _ budget: inout StepBudget) throws(AnswerFailure) {
        let length = text.utf8.count
        try budget.spend(1 + length / 8)
        guard length <= Self.longestClosedForm else { throw .tooLarge }
        self.init(.closed(text))
    }

    var negated: Quotient? { numerator.negated.map { Quotient(unchecked: $0, denominator) } }
}
