/// A product of powers of atoms: letters, π, i, roots of primes, and things that stay closed (`sin(x)`).
///
/// A prime has an exponent strictly between 0 and 1 (the rest is in the coefficient), i has exponent 1, other atoms any
/// but 0. So equal products are equal values of this type.
struct Monomial: Hashable, Sendable {
    struct Factor: Hashable, Sendable {
        let atom: Atom
        var exponent: Rational
    }

    enum Atom: Hashable, Sendable, Comparable {
        case imaginary
        case prime(Int)
        case letter(String)
        /// A function of a value, or a power that is not expanded, by its canonical text.
        case closed(String)
    }

    /// In ascending order of atoms.
    private(set) var factors: [Factor]

    static let unit = Monomial(factors: [])

    init(factors: [Factor]) { self.factors = factors }
    init(_ atom: Atom, _ exponent: Rational = .one) { factors = [Factor(atom: atom, exponent: exponent)] }

    /// The product, and the rational number that roots and i² leave behind.
    func times(_ other: Monomial, _ budget: inout StepBudget) throws(AnswerFailure) -> (Monomial, Rational) {
        try budget.spend(1 + factors.count + other.factors.count)
        if factors.isEmpty { return (other, .one) }
        if other.factors.isEmpty { return (self, .one) }
        var (merged, coefficient): ([Factor], Rational) = ([], .one)
        var (i, j) = (0, 0)
        while i < factors.count || j < other.factors.count {
            if j == other.factors.count || (i < factors.count && factors[i].atom < other.factors[j].atom) {
                merged.append(factors[i])
                i += 1
            } else if i == factors.count || other.factors[j].atom < factors[i].atom {
                merged.append(other.factors[j])
                j += 1
            } else {
                guard let exponent = factors[i].exponent.plus(other.factors[j].exponent) else { throw .tooLarge }
                let (kept, taken) = try Self.reduced(factors[i].atom, exponent)
                if let kept { merged.append(kept) }
                guard let next = coefficient.times(taken) else { throw .tooLarge }
                coefficient = next
                (i, j) = (i + 1, j + 1)
            }
        }
        return (Monomial(factors: merged), coefficient)
    }

    /// An atom's power in canonical form: what stays an atom, and what becomes a number.
    static func reduced(_ atom: Atom, _ exponent: Rational) throws(AnswerFailure) -> (Factor?, Rational) {
        switch atom {
        case .imaginary:
            guard let whole = exponent.integer(within: -1_000_000...1_000_000) else { throw .unparsable }
            let turns = ((whole % 4) + 4) % 4
            return (turns % 2 == 1 ? Factor(atom: atom, exponent: .one) : nil, Rational(integer: turns < 2 ? 1 : -1))
        case .prime(let prime):
            let below: Int128 = exponent.numerator >= 0 || exponent.isInteger ? 0 : 1
            guard let whole = Rational(exponent.numerator / exponent.denominator - below)?.integer(within: -200...200),
                let taken = Rational(integer: prime).power(whole)
            else { throw .tooLarge }
            guard let rest = exponent.plus(Rational(integer: -whole)) else { throw .tooLarge }
            return (rest == .zero ? nil : Factor(atom: atom, exponent: rest), taken)
        case .letter, .closed:
            return (exponent == .zero ? nil : Factor(atom: atom, exponent: exponent), .one)
        }
    }

    /// Every factor's exponent times a number.
    func power(_ exponent: Rational, _ budget: inout StepBudget) throws(AnswerFailure) -> (Monomial, Rational) {
        try budget.spend(1 + factors.count)
        var (kept, coefficient): ([Factor], Rational) = ([], .one)
        for factor in factors {
            guard let product = factor.exponent.times(exponent) else { throw .tooLarge }
            let (rest, taken) = try Self.reduced(factor.atom, product)
            if let rest { kept.append(rest) }
            guard let next = coefficient.times(taken) else { throw .tooLarge }
            coefficient = next
        }
        return (Monomial(factors: kept), coefficient)
    }

    var text: String {
        factors.map { factor in
            let name =
                switch factor.atom {
                case .imaginary: "i"
                case .prime(let prime): "\(prime)"
                case .letter(let name), .closed(let name): name
                }
            return factor.exponent == .one ? name : "\(name)^(\(factor.exponent.text))"
        }.joined(separator: "*")
    }
}

/// A sum of monomials with rational coefficients that are not zero. The empty sum is 0, and only it.
struct Polynomial: Hashable, Sendable {
    private(set) var terms: [Monomial: Rational]

    init() { terms = [:] }
    init(_ coefficient: Rational, _ monomial: Monomial = .unit) { terms = coefficient == .zero ? [:] : [monomial: coefficient] }

    var isZero: Bool { terms.isEmpty }

    /// Its value when no atom occurs in it.
    var constant: Rational? {
        if terms.isEmpty { return .zero }
        return terms.count == 1 ? terms[.unit] : nil
    }

    /// Its one term, if it is one.
    var single: (Monomial, Rational)? { terms.count == 1 ? terms.first.map { ($0.key, $0.value) } : nil }

    private mutating func add(_ coefficient: Rational, _ monomial: Monomial) throws(AnswerFailure) {
        guard let sum = (terms[monomial] ?? .zero).plus(coefficient) else { throw .tooLarge }
        terms[monomial] = sum == .zero ? nil : sum
    }

    func plus(_ other: Polynomial, scale: Rational = .one, _ budget: inout StepBudget) throws(AnswerFailure) -> Polynomial {
        var sum = self
        for (monomial, coefficient) in other.terms {
            try budget.spend(1 + monomial.factors.count)
            guard let scaled = coefficient.times(scale) else { throw .tooLarge }
            try sum.add(scaled, monomial)
        }
        return sum
    }

    func times(_ other: Polynomial, _ budget: inout StepBudget) throws(AnswerFailure) -> Polynomial {
        var product = Polynomial()
        for (a, x) in terms {
            for (b, y) in other.terms {
                let (monomial, extra) = try a.times(b, &budget)
                guard let coefficient = x.times(y)?.times(extra) else { throw .tooLarge }
                try product.add(coefficient, monomial)
            }
        }
        return product
    }

    /// The number c with self = c · other, when there is one.
    func ratio(to other: Polynomial) -> Rational? {
        guard !isZero, terms.count == other.terms.count else { return nil }
        var ratio: Rational?
        for (monomial, coefficient) in terms {
            guard let theirs = other.terms[monomial], let here = coefficient.over(theirs) else { return nil }
            guard ratio == nil || ratio == here else { return nil }
            ratio = here
        }
        return ratio
    }

    /// With the opposite sign; nil on overflow.
    var negated: Polynomial? {
        var negated = Polynomial()
        for (monomial, coefficient) in terms {
            guard let opposite = coefficient.negated else { return nil }
            negated.terms[monomial] = opposite
        }
        return negated
    }

    /// Divided by the coefficient of its first term in the order of texts; itself where that overflows.
    var monic: Polynomial {
        guard let first = terms.min(by: { $0.key.text < $1.key.text })?.value else { return self }
        var monic = Polynomial()
        for (monomial, coefficient) in terms {
            guard let scaled = coefficient.over(first) else { return self }
            monic.terms[monomial] = scaled
        }
        return monic
    }

    /// Terms in the order of their texts.
    var text: String {
        if let constant { return constant.text }
        return terms.map { monomial, coefficient in
            if monomial == .unit { return coefficient.text }
            return coefficient == .one ? monomial.text : "\(coefficient.text)*\(monomial.text)"
        }.sorted().joined(separator: "+")
    }
}
