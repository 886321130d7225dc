/// A rational number, exact as long as 128 bits hold it.
struct Rational: Hashable, Sendable {
    let numerator: Int128
    /// Positive, and without a divisor in common with the numerator.
    let denominator: Int128

    static let zero = Rational(integer: 0)
    static let one = Rational(integer: 1)

    init(integer: Int) { (numerator, denominator) = (Int128(integer), 1) }

    /// Nil for a zero denominator and on overflow.
    init?(_ numerator: Int128, _ denominator: Int128 = 1) {
        guard denominator != 0, numerator != .min, denominator != .min else { return nil }
        guard denominator != 1 else {
            (self.numerator, self.denominator) = (numerator, 1)
            return
        }
        let divisor = Self.greatestDivisor(numerator.magnitude, denominator.magnitude)
        let sign: Int128 = denominator < 0 ? -1 : 1
        self.numerator = sign * (numerator / divisor)
        self.denominator = sign * (denominator / divisor)
    }

    /// Decimal digits with at most one point, at least one digit. Nil on anything else and on overflow.
    init?(decimal text: some StringProtocol) {
        var (value, scale, seenPoint, digits): (Int128, Int128, Bool, Int) = (0, 1, false, 0)
        for byte in text.utf8 {
            if byte == UInt8(ascii: "."), !seenPoint {
                seenPoint = true
                continue
            }
            guard (0x30...0x39).contains(byte) else { return nil }
            let (shifted, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowedAgain) = shifted.addingReportingOverflow(Int128(byte - 0x30))
            guard !overflowed, !overflowedAgain else { return nil }
            value = sum
            digits += 1
            if seenPoint {
                guard scale < 1_000_000_000_000_000_000_000_000_000_000 else { return nil }
                scale *= 10
            }
        }
        guard digits > 0 else { return nil }
        self.init(value, scale)
    }

    private static func greatestDivisor(_ a: UInt128, _ b: UInt128) -> Int128 {
        var (a, b) = (a, b)
        while b > UInt128(UInt64.max) || a > UInt128(UInt64.max) {
            if b == 0 { return Int128(a) }
            (a, b) = (b, a % b)
        }
        var (x, y) = (UInt64(a), UInt64(b))
        while y != 0 { (x, y) = (y, x % y) }
        return Int128(x)
    }

    var isInteger: Bool { denominator == 1 }
    var isNegative: Bool { numerator < 0 }
    var negated: Rational? { Rational(-numerator, denominator) }

    /// Nil unless it is an integer within the range.
    func integer(within range: ClosedRange<Int>) -> Int? {
        guard denominator == 1, let value = Int(exactly: numerator), range.contains(value) else { return nil }
        return value
    }

    func times(_ other: Rational) -> Rational? {
        let (n, a) = numerator.multipliedReportingOverflow(by: other.numerator)
        let (d, b) = denominator.multipliedReportingOverflow(by: other.denominator)
        return a || b ? nil : Rational(n, d)
    }

    func plus(_ other: Rational) -> Rational? {
        if denominator == 1, other.denominator == 1 {
            let (sum, overflowed) = numerator.addingReportingOverflow(other.numerator)
            return overflowed ? nil : Rational(sum)
        }
        let (x, a) = numerator.multipliedReportingOverflow(by: other.denominator)
        let (y, b) = other.numerator.multipliedReportingOverflow(by: denominator)
        let (d, c) = denominator.multipliedReportingOverflow(by: other.denominator)
        let (n, e) = x.addingReportingOverflow(y)
        return a || b || c || e ? nil : Rational(n, d)
    }

    func over(_ other: Rational) -> Rational? { Rational(other.denominator, other.numerator).flatMap(times) }

    /// Nil on overflow, and for 0 to a power that is not positive.
    func power(_ exponent: Int) -> Rational? {
        if numerator == 0 { return exponent > 0 ? .zero : nil }
        guard exponent >= 0 else { return exponent == .min ? nil : Rational(denominator, numerator)?.power(-exponent) }
        if denominator == 1, numerator == 1 { return .one }
        var (result, square, rest) = (Rational.one, self, exponent)
        while rest > 0 {
            if rest & 1 == 1 {
                guard let next = result.times(square) else { return nil }
                result = next
            }
            rest >>= 1
            guard rest > 0 else { break }
            guard let next = square.times(square) else { return nil }
            square = next
        }
        return result
    }

    static func powerOfTen(_ exponent: Int) -> Rational? {
        (-37...37).contains(exponent) ? Rational(integer: 10).power(exponent) : nil
    }

    var text: String { "\(numerator)" + (denominator == 1 ? "" : "/\(denominator)") }
}
