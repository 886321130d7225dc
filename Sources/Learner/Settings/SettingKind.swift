/// What a setting accepts, as text.
package enum SettingKind: Sendable, Equatable {
    /// `or` are words that stand for no number, such as none or auto.
    case integer(ClosedRange<Int>, or: [String] = [])
    case number(ClosedRange<Double>, or: String? = nil)
    case choice([String])
    /// A number of bytes with its unit, or a word.
    case size(or: String)
    case text

    /// What is wrong with a value, as the end of a sentence; nil when it is fine.
    package func problem(with value: String) -> String? {
        switch self {
        case .integer(let range, let words):
            if words.contains(value) { return nil }
            guard let number = Int(value) else { return "is '\(value)', expected an integer\(Self.alternatives(words))" }
            return range.contains(number)
                ? nil : "is \(value), expected an integer from \(range.lowerBound) to \(range.upperBound)\(Self.alternatives(words))"
        case .number(let range, let word):
            if value == word { return nil }
            guard let number = Double(value), number.isFinite else { return "is '\(value)', expected a number\(Self.alternative(word))" }
            return range.contains(number)
                ? nil : "is \(value), expected a number from \(range.lowerBound) to \(range.upperBound)\(Self.alternative(word))"
        case .choice(let choices):
            return choices.contains(value) ? nil : "is '\(value)', expected one of \(choices.joined(separator: ", "))"
        case .size(let word):
            return value == word || ByteSize(value) != nil
                ? nil : "is '\(value)', expected a size such as 500MiB, 20GiB or 16GB\(Self.alternative(word))"
        case .text:
            return nil
        }
    }

    private static func alternative(_ word: String?) -> String { alternatives(word.map { [$0] } ?? []) }

    private static func alternatives(_ words: [String]) -> String { words.isEmpty ? "" : ", or " + words.joined(separator: " or ") }

    /// Whether two values say the same, such as 2e-4 and 0.0002.
    package func isSame(_ a: String, _ b: String) -> Bool {
        switch self {
        case .integer: a == b || Int(a) != nil && Int(a) == Int(b)
        case .number: a == b || Double(a) != nil && Double(a) == Double(b)
        case .size: a == b || ByteSize(a) != nil && ByteSize(a) == ByteSize(b)
        case .choice, .text: a == b
        }
    }
}
