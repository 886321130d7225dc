internal import Foundation

/// A rational number, exact as long as 128 bits hold it.
struct Rational: Equatable {
    let numerator: Int128
    let denominator: Int128

    /// Nil for a zero denominator and on overflow.
    init?(_ numerator: Int128, _ denominator: Int128 = 1) {
        guard denominator != 0, numerator != .min, denominator != .min else { return nil }
        var (a, b) = (abs(numerator), abs(denominator))
        while b != 0 { (a, b) = (b, a % b) }
        let sign: Int128 = (numerator < 0) != (denominator < 0) ? -1 : 1
        self.numerator = numerator == 0 ? 0 : sign * (abs(numerator) / a)
        self.denominator = numerator == 0 ? 1 : abs(denominator) / a
    }

    /// Digits with at most one point, at least one digit.
    init?(decimal text: Substring) {
        var (value, scale, seenPoint, digits): (Int128, Int128, Bool, Int) = (0, 1, false, 0)
        for character in text {
            if character == ".", !seenPoint {
                seenPoint = true
                continue
            }
            guard character.isASCIIDigit, let digit = character.wholeNumberValue else { return nil }
            let (shifted, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowedAgain) = shifted.addingReportingOverflow(Int128(digit))
            guard !overflowed, !overflowedAgain else { return nil }
            value = sum
            digits += 1
            if seenPoint {
                guard scale < 1_000_000_000_000_000_000 else { return nil }
                scale *= 10
            }
        }
        guard digits > 0 else { return nil }
        self.init(value, scale)
    }

    func times(_ other: Rational) -> Rational? {
        let (n, a) = numerator.multipliedReportingOverflow(by: other.numerator)
        let (d, b) = denominator.multipliedReportingOverflow(by: other.denominator)
        return a || b ? nil : Rational(n, d)
    }

    func plus(_ other: Rational) -> Rational? {
        let (x, a) = numerator.multipliedReportingOverflow(by: other.denominator)
        let (y, b) = other.numerator.multipliedReportingOverflow(by: denominator)
        let (d, c) = denominator.multipliedReportingOverflow(by: other.denominator)
        let (n, e) = x.addingReportingOverflow(y)
        return a || b || c || e ? nil : Rational(n, d)
    }

    func over(_ other: Rational) -> Rational? { Rational(other.denominator, other.numerator).flatMap(times) }
    var negated: Rational? { Rational(-numerator, denominator) }

    static func powerOfTen(_ exponent: Int) -> Rational? {
        guard abs(exponent) <= 30 else { return nil }
        var power: Int128 = 1
        for _ in 0..<abs(exponent) { power *= 10 }
        return exponent < 0 ? Rational(1, power) : Rational(power)
    }
}

/// An answer reduced to what matters for comparison: a number where it is one, else its text without notation.
package struct Answer: Sendable {
    let value: Rational?
    let isPercent: Bool
    /// Equal answers have equal canonical texts, apart from percentages; majority votes count these.
    package let canonical: String

    package init(_ text: String) {
        let cleaned = Self.clean(text)
        isPercent = cleaned.hasSuffix("%")
        let number = Self.number(isPercent ? String(cleaned.dropLast()) : cleaned)
        value = number
        if let number {
            canonical = "\(number.numerator)" + (number.denominator == 1 ? "" : "/\(number.denominator)") + (isPercent ? "%" : "")
        } else {
            canonical = cleaned
        }
    }

    /// Whether a careful person would call `prediction` the same answer as `gold`.
    ///
    /// Numbers are compared exactly, across decimals, fractions and scientific notation. A percentage equals its fraction,
    /// and its bare number. Anything else is compared as text without spaces, dollars and units (no algebra).
    package static func areEquivalent(_ gold: String, _ prediction: String) -> Bool {
        let (a, b) = (Answer(gold), Answer(prediction))
        guard let x = a.value, let y = b.value else { return !a.canonical.isEmpty && a.canonical == b.canonical }
        if x == y { return true }
        guard a.isPercent != b.isPercent, let hundredth = Rational(1, 100) else { return false }
        return a.isPercent ? x.times(hundredth) == y : y.times(hundredth) == x
    }

    /// Takes off what does not change an answer: dollars, spaces, commas between digits, units, sizes of brackets.
    static func clean(_ text: String) -> String {
        var result = text
        for (old, new) in [
            ("−", "-"), ("\\left", ""), ("\\right", ""), ("\\dfrac", "\\frac"), ("\\tfrac", "\\frac"), ("\\%", "%"),
            ("\\$", ""), ("$", ""), ("\\!", ""), ("\\,", " "), ("\\;", " "), ("\\ ", " "), ("^{\\circ}", ""), ("^\\circ", ""),
            ("°", ""), ("**", ""), ("\\cdot", "\\times"), ("×", "\\times"), ("∞", "\\infty"), ("π", "\\pi"),
        ] { result = result.replacingOccurrences(of: old, with: new, options: .literal) }
        result = unwrapText(result).trimmingCharacters(in: .whitespacesAndNewlines)
        while result.hasSuffix(".") { result.removeLast() }
        result = withoutUnit(result)
        result = withoutGroupCommas(result)
        result = withoutSpaces(result)
        if result.hasPrefix("+") { result.removeFirst() }
        if result.count == 3, result.hasPrefix("("), result.hasSuffix(")"), result.dropFirst().first?.isLetter == true {
            result = String(result.dropFirst().dropLast())
        }
        return result
    }

    /// Spaces go, except that between two digits one stays: "4 84" is not 484.
    private static func withoutSpaces(_ text: String) -> String {
        var result = ""
        for word in text.split(whereSeparator: \.isWhitespace) {
            if result.last?.isASCIIDigit == true, word.first?.isASCIIDigit == true { result += " " }
            result += word
        }
        return result
    }

    /// `\text{Tuesday}` is Tuesday.
    private static func unwrapText(_ text: String) -> String {
        var result = text
        for command in ["\\text{", "\\mathrm{", "\\textbf{", "\\mbox{"] {
            while let open = result.range(of: command), let close = result.range(of: "}", range: open.upperBound..<result.endIndex) {
                result.replaceSubrange(open.lowerBound..<close.upperBound, with: result[open.upperBound..<close.lowerBound])
            }
        }
        return result
    }

    /// "12 dollars" and "5 cm^2" are 12 and 5; "7 or 8" stays, and so do "2 x" and other single letters.
    private static func withoutUnit(_ text: String) -> String {
        guard let space = text.firstIndex(of: " "), text[..<space].contains(where: \.isASCIIDigit) else { return text }
        let unit = text[space...].drop { $0 == " " }
        guard text[..<space].allSatisfy({ $0.isASCIIDigit || "+-.,/eE%".contains($0) }) else { return text }
        let letters = unit.filter(\.isLetter)
        let word = unit.replacingOccurrences(of: "^2", with: "").replacingOccurrences(of: "^3", with: "")
        guard letters.count >= 2, word.allSatisfy({ $0.isLetter || " ./".contains($0) }) else { return text }
        return String(text[..<space])
    }

    /// Removes the commas of 1,234,567 but keeps those of (1,2) and 1,2,3.
    private static func withoutGroupCommas(_ text: String) -> String {
        var body = text[...]
        if let first = body.first, "+-".contains(first) { body = body.dropFirst() }
        let end = body.firstIndex { !($0.isASCIIDigit || $0 == ",") } ?? body.endIndex
        let groups = body[..<end].split(separator: ",", omittingEmptySubsequences: false)
        guard groups.count > 1, (1...3).contains(groups[0].count), groups.dropFirst().allSatisfy({ $0.count == 3 }) else {
            return text
        }
        return text[..<body.startIndex] + groups.joined() + body[end...]
    }

    /// Signed decimal, `a/b`, `\frac{a}{b}`, mixed number, `1.2e3` or `1.2\times10^{3}`, without spaces.
    private static func number(_ text: String) -> Rational? {
        var rest = text[...]
        let isNegative = rest.first == "-"
        if isNegative { rest = rest.dropFirst() }
        guard let magnitude = magnitude(rest) else { return nil }
        return isNegative ? magnitude.negated : magnitude
    }

    private static func magnitude(_ text: Substring) -> Rational? {
        if let fraction = text.range(of: "\\frac", options: .literal) {
            guard let (above, afterAbove) = argument(text[fraction.upperBound...]),
                let (below, afterBelow) = argument(afterAbove), afterBelow.isEmpty, let above = number(String(above)),
                let below = number(String(below)), let value = above.over(below)
            else { return nil }
            let whole = text[..<fraction.lowerBound]
            return whole.isEmpty ? value : Rational(decimal: whole).flatMap(value.plus)
        }
        if let slash = text.firstIndex(of: "/") {
            guard let above = Rational(decimal: text[..<slash]) else { return nil }
            return Rational(decimal: text[text.index(after: slash)...]).flatMap(above.over)
        }
        if let times = text.range(of: "\\times10^", options: .literal) {
            let exponent = text[times.upperBound...].filter { !"{}".contains($0) }
            return Rational(decimal: text[..<times.lowerBound]).flatMap { scaled($0, by: exponent) }
        }
        if let mark = text.firstIndex(where: { "eE".contains($0) }) {
            return Rational(decimal: text[..<mark]).flatMap { scaled($0, by: String(text[text.index(after: mark)...])) }
        }
        return Rational(decimal: text)
    }

    private static func scaled(_ value: Rational, by exponent: String) -> Rational? {
        Int(exponent).flatMap(Rational.powerOfTen).flatMap(value.times)
    }

    /// The content of `{…}`, or one character, and what follows.
    private static func argument(_ text: Substring) -> (content: Substring, rest: Substring)? {
        guard let first = text.first else { return nil }
        guard first == "{" else { return (text.prefix(1), text.dropFirst()) }
        guard let close = text.firstIndex(of: "}") else { return nil }
        return (text[text.index(after: text.startIndex)..<close], text[text.index(after: close)...])
    }
}
