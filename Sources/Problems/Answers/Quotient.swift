/// An exact value: a quotient of polynomials in letters, π, i, roots and closed functions.
///
/// Roots of distinct primes, i and letters are independent over the rationals, so a value is zero exactly when its
/// numerator has no terms, and two values are equal exactly when their cross products are. Closed functions count as
/// letters: that can miss an equality (`sin(π/6)` is not found to be 1/2), never invent one.
struct Quotient: Sendable {
    let numerator: Polynomial
    /// Never zero; 1 unless it has several terms.
    let denominator: Polynomial

    init(_ value: Rational) { (numerator, denominator) = (Polynomial(value), Polynomial(.one)) }
    init(_ atom: Monomial.Atom) { (numerator, denominator) = (Polynomial(.one, Monomial(atom)), Polynomial(.one)) }
    init(_ coefficient: Rational, _ monomial: Monomial) { (numerator, denominator) = (Polynomial(coefficient, monomial), Polynomial(.one)) }

    /// Of a denominator that is already in its form.
    init(unchecked numerator: Polynomial, _ denominator: Polynomial) { (self.numerator, self.denominator) = (numerator, denominator) }

    /// Divides by a denominator of one term, and by one of two terms whose squares are numbers, as in 1/(√3 + √2).
    init(_ numerator: Polynomial, _ denominator: Polynomial, _ budget: inout StepBudget) throws(AnswerFailure) {
        guard !denominator.isZero else { throw .undefined }
        var (above, below) = (numerator, denominator)
        if below.terms.count == 2, let conjugate = try Self.conjugate(of: below, &budget) {
            above = try above.times(conjugate, &budget)
            below = try below.times(conjugate, &budget)
            guard !below.isZero else { throw .undefined }
        }
        if let (monomial, coefficient) = below.single {
            let (inverse, extra) = try monomial.power(Rational(integer: -1), &budget)
            guard let scale = Rational.one.over(coefficient)?.times(extra) else { throw .tooLarge }
            above = try above.times(Polynomial(scale, inverse), &budget)
            below = Polynomial(.one)
        }
        (self.numerator, self.denominator) = (above, below)
    }

    private static func conjugate(of sum: Polynomial, _ budget: inout StepBudget) throws(AnswerFailure) -> Polynomial? {
        var conjugate = Polynomial()
        for (index, (monomial, coefficient)) in sum.terms.sorted(by: { $0.key.text < $1.key.text }).enumerated() {
            let (square, _) = try monomial.times(monomial, &budget)
            guard square == .unit else { return nil }
            conjugate = try conjugate.plus(
                Polynomial(coefficient, monomial), scale: Rational(integer: index == 0 ? 1 : -1), &budget)
        }
        return conjugate
    }

    var isZero: Bool { numerator.isZero }
    /// Its value when it is a rational number.
    var constant: Rational? { denominator.constant == .one ? numerator.constant : nil }
    /// Whether no letter occurs in it: a number, if not always a rational one.
    var isNumber: Bool {
        !(Array(numerator.terms.keys) + Array(denominator.terms.keys)).contains { monomial in
            monomial.factors.contains { factor in
                if case .letter(let name) = factor.atom { return name != "π" }
                return false
            }
        }
    }

    func plus(_ other: Quotient, scale: Rational = .one, _ budget: inout StepBudget) throws(AnswerFailure) -> Quotient {
        if denominator == other.denominator {
            return try Quotient(numerator.plus(other.numerator, scale: scale, &budget), denominator, &budget)
        }
        let left = try numerator.times(other.denominator, &budget)
        let right = try other.numerator.times(denominator, &budget)
        return try Quotient(
            left.plus(right, scale: scale, &budget), denominator.times(other.denominator, &budget), &budget)
    }

    func times(_ other: Quotient, _ budget: inout StepBudget) throws(AnswerFailure) -> Quotient {
        try Quotient(numerator.times(other.numerator, &budget), denominator.times(other.denominator, &budget), &budget)
    }

    func over(_ other: Quotient, _ budget: inout StepBudget) throws(AnswerFailure) -> Quotient {
        guard !other.isZero else { throw .undefined }
        return try Quotient(numerator.times(other.denominator, &budget), denominator.times(other.numerator, &budget), &budget)
    }

    func equals(_ other: Quotient, _ budget: inout StepBudget) throws(AnswerFailure) -> Bool {
        if numerator == other.numerator, denominator == other.denominator { return true }
        let left = try numerator.times(other.denominator, &budget)
        return try left == other.numerator.times(denominator, &budget)
    }

    var text: String {
        denominator.constant == .one ? numerator.text : "(\(numerator.text))/(\(denominator.text))"
    }
}
