/// Powers and roots of exact values.
extension Quotient {
    private static let largestExponent = 10_000
    /// Trial division goes this far; what is left is prime when it is below the square.
    private static let largestDivisor: Int128 = 10_000

    func power(_ exponent: Quotient, _ budget: inout StepBudget) throws(AnswerFailure) -> Quotient {
        guard let number = exponent.constant else { return try symbolicPower(exponent, &budget) }
        if let whole = number.integer(within: -Self.largestExponent...Self.largestExponent) {
            return try integerPower(whole, &budget)
        }
        if number.isInteger {
            if constant == .one { return self }
            throw .tooLarge
        }
        guard let index = Rational(number.denominator)?.integer(within: 2...60),
            let times = Rational(number.numerator)?.integer(within: -Self.largestExponent...Self.largestExponent)
        else { throw .tooLarge }
        return try root(index, &budget).integerPower(times, &budget)
    }

    private func integerPower(_ exponent: Int, _ budget: inout StepBudget) throws(AnswerFailure) -> Quotient {
        if exponent == 0 {
            if isZero { throw .undefined }
            return Quotient(.one)
        }
        if exponent < 0 {
            return try Quotient(.one).over(integerPower(-exponent, &budget), &budget)
        }
        if denominator.constant == .one, let (monomial, coefficient) = numerator.single {
            try budget.spend(32)
            let (power, extra) = try monomial.power(Rational(integer: exponent), &budget)
            guard let number = coefficient.power(exponent)?.times(extra) else { throw .tooLarge }
            return Quotient(number, power)
        }
        var (result, square, rest) = (Quotient(.one), self, exponent)
        while true {
            if rest & 1 == 1 { result = try result.times(square, &budget) }
            rest >>= 1
            if rest == 0 { return result }
            square = try square.times(square, &budget)
        }
    }

    /// The real root of a rational number or a product of letters; closed otherwise. The square root of a negative number
    /// is imaginary. √(x²) stays closed, since it is |x|.
    func root(_ index: Int, _ budget: inout StepBudget) throws(AnswerFailure) -> Quotient {
        if isZero { return self }
        if denominator.constant == .one, let (monomial, coefficient) = numerator.single,
            monomial.factors.allSatisfy({ Self.canBeRooted($0, index) }),
            let part = Rational(1, Int128(index))
        {
            if coefficient.isNegative, index % 2 == 0, index != 2 { throw .unparsable }
            let above = try Self.primePowers(coefficient.numerator.magnitude, part, &budget)
            let below = try Self.primePowers(coefficient.denominator.magnitude, part, &budget)
            let (letters, extra) = try monomial.power(part, &budget)
            var result = try Quotient(extra, letters).times(above, &budget).over(below, &budget)
            if coefficient.isNegative { result = try result.times(index == 2 ? Quotient(.imaginary) : Quotient(Rational(integer: -1)), &budget) }
            return result
        }
        return try Quotient(closed: "root\(index)[\(text)]", &budget)
    }

    private static func canBeRooted(_ factor: Monomial.Factor, _ index: Int) -> Bool {
        switch factor.atom {
        case .imaginary, .closed: false
        case .prime: true
        case .letter: index % 2 == 1 || !factor.exponent.isInteger || factor.exponent.numerator % 2 != 0
        }
    }

    /// n to a power between 0 and 1, by its prime factors.
    private static func primePowers(_ n: UInt128, _ exponent: Rational, _ budget: inout StepBudget) throws(AnswerFailure) -> Quotient {
        var (rest, result) = (n, Quotient(.one))
        func take(_ prime: UInt128, _ count: Int) throws(AnswerFailure) {
            guard let prime = Int(exactly: prime), let total = exponent.times(Rational(integer: count)) else { throw .tooLarge }
            let (factor, taken) = try Monomial.reduced(.prime(prime), total)
            result = try result.times(Quotient(taken, Monomial(factors: factor.map { [$0] } ?? [])), &budget)
        }
        var divisor: UInt128 = 2
        while divisor * divisor <= rest {
            guard divisor <= UInt128(largestDivisor) else { throw .tooLarge }
            if divisor & 15 == 1 { try budget.spend(1) }
            var count = 0
            while rest % divisor == 0 { (rest, count) = (rest / divisor, count + 1) }
            if count > 0 { try take(divisor, count) }
            divisor += divisor == 2 ? 1 : 2
        }
        if rest > 1 { try take(rest, 1) }
        return result
    }

    /// A power with letters in the exponent: 2^(n-1) is 2^n · 2^(-1), and 4^n is (2^n)². Closed when the base is no number
    /// and no single letter.
    private func symbolicPower(_ exponent: Quotient, _ budget: inout StepBudget) throws(AnswerFailure) -> Quotient {
        let closed = try Quotient(closed: "(\(text))^(\(exponent.text))", &budget)
        guard exponent.denominator.constant == .one, denominator.constant == .one, let (monomial, coefficient) = numerator.single,
            !coefficient.isNegative
        else { return closed }
        var bases: [(name: String, value: Quotient, times: Int)] = []
        if monomial == .unit {
            guard coefficient.isInteger, let number = Int(exactly: coefficient.numerator), number > 1, number <= 1_000_000 else { return closed }
            var (rest, divisor) = (number, 2)
            while rest > 1 {
                if divisor * divisor > rest { divisor = rest }
                if divisor & 15 == 1 { try budget.spend(1) }
                var count = 0
                while rest % divisor == 0 { (rest, count) = (rest / divisor, count + 1) }
                if count > 0 { bases.append(("\(divisor)", Quotient(Rational(integer: divisor)), count)) }
                divisor += divisor == 2 ? 1 : 2
            }
        } else if coefficient == .one, monomial.factors.count == 1, case .letter(let name) = monomial.factors[0].atom,
            monomial.factors[0].exponent == .one
        {
            bases = [(name, self, 1)]
        } else {
            return closed
        }
        var result = Quotient(.one)
        for base in bases {
            for (term, factor) in exponent.numerator.terms {
                guard let times = factor.times(Rational(integer: base.times)) else { throw .tooLarge }
                var power = base.value
                if term == .unit {
                    power = try power.power(Quotient(times), &budget)
                } else {
                    // The base is positive, or a letter that counts as such: its power of a multiple is a power of its power.
                    power = try Quotient(closed: "\(base.name)^(\(term.text))", &budget)
                    if let (monomial, _) = power.numerator.single { power = Quotient(.one, Monomial(monomial.factors[0].atom, times)) }
                }
                result = try result.times(power, &budget)
            }
        }
        return result
    }
}
