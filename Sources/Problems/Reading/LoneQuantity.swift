/// The last number of a text, if it is the whole quantity that stands there.
///
/// The 2 of √2, 2π, 2x and x^2 is none, nor the 4 of 3+4i, the 74 of "73 or 74", the 5 of "less than 5". A sign, thousands, a
/// fraction behind a whole number, a power of ten, a percent sign and a unit of measure belong to the number: `-$1,234.50`, `3 1/2`,
/// `1.5e3`, `10:30`, `3 million`. One pass to the left over the text's scalars, with bounded looks around.
struct LoneQuantity {
    private let scalars: [Unicode.Scalar]
    /// The number so far.
    private var start: Int, end: Int

    /// Units with a power of their own, and asides, that are passed over.
    private static let mostPassed = 4

    static func last(in text: String) -> String? { last(in: Array(text.unicodeScalars)) }

    private static func last(in scalars: [Unicode.Scalar]) -> String? {
        var rest = scalars
        for _ in 0..<mostPassed {
            guard let last = rest.lastIndex(where: isDigit) else { return nil }
            var quantity = LoneQuantity(scalars: rest, start: last, end: last + 1)
            quantity.extendLeft()
            // The 2 of "km2" and of "cm^2" belongs to the unit of the number before; "(out of 20)" is said by the way.
            if let unit = quantity.startOfRaisedUnit() ?? quantity.startOfAside() {
                rest = Array(rest[..<unit])
                continue
            }
            return quantity.isNumeral && quantity.takesLeft() && quantity.takesRight() ? quantity.text : nil
        }
        return nil
    }

    private init(scalars: [Unicode.Scalar], start: Int, end: Int) { (self.scalars, self.start, self.end) = (scalars, start, end) }

    private var text: String { String(String.UnicodeScalarView(scalars[start..<end])) }

    // MARK: The numeral

    private mutating func extendLeft() {
        while start > 0 {
            let before = scalars[start - 1]
            let isInner = isDigit(start - 2) && isDigit(start)
            if Self.isDigit(before) || before == "." || isInner && ",/:eE".unicodeScalars.contains(before) {
                start -= 1
            } else if "+-−".unicodeScalars.contains(before), start >= 3, "eE".unicodeScalars.contains(scalars[start - 2]), isDigit(start - 3) {
                start -= 2
            } else if Self.spaces.contains(before), isDigit(start - 2), isGroup(at: start), digitsBefore(start - 1) <= 3 {
                start -= 1
            } else {
                break
            }
        }
        while start + 1 < end, scalars[start] == ".", !Self.isDigit(scalars[start + 1]) { start += 1 }
        if start > 1, scalars[start..<end].contains("/"), scalars[start - 1] == " ", isDigit(start - 2) {
            let whole = start - 1 - digitsBefore(start - 1)
            if whole == 0 || !".,/:^_\\".unicodeScalars.contains(scalars[whole - 1]) { start = whole }
        }
    }

    /// Exactly three digits begin here.
    private func isGroup(at index: Int) -> Bool {
        isDigit(index) && isDigit(index + 1) && isDigit(index + 2) && !isDigit(index + 3)
            && !(index + 3 < end && scalars[index + 3] == "/")
    }

    private func digitsBefore(_ index: Int) -> Int {
        var first = index
        while isDigit(first - 1) { first -= 1 }
        return index - first
    }

    /// At most one point, one fraction bar; commas between thousands only.
    private var isNumeral: Bool {
        let part = scalars[start..<end]
        if part.contains(":") { return part.allSatisfy { Self.isDigit($0) || $0 == ":" } }
        guard part.count(where: { $0 == "/" }) <= 1, part.count(where: { $0 == "." }) <= 1 else { return false }
        guard part.contains(",") else { return true }
        let groups = part.prefix { $0 != "." }.split(separator: ",", omittingEmptySubsequences: false)
        let areThousands = groups.dropFirst().allSatisfy { $0.count == 3 } && (1...3).contains(groups[0].count)
        return areThousands && groups.joined().allSatisfy(Self.isDigit) && !part.drop { $0 != "." }.contains(",")
    }

    private func startOfRaisedUnit() -> Int? {
        guard end - start == 1, "23".unicodeScalars.contains(scalars[start]), start > 0 else { return nil }
        let stop = scalars[start - 1] == "^" ? start - 1 : start
        let word = wordBefore(stop)
        return AnswerUnit.isMeasure(word) || stop < start && word == "m" ? stop - word.unicodeScalars.count : nil
    }

    /// Where a bracket with words around the number opens, behind a space.
    private func startOfAside() -> Int? {
        guard let open = scalars[..<start].lastIndex(where: { $0 == "(" || $0 == ")" || $0 == "\n" }), scalars[open] == "(", open > 0,
            Self.spaces.contains(scalars[open - 1])
        else { return nil }
        let words = scalars[open...].prefix { $0 != ")" }.split { !$0.properties.isAlphabetic }
        return words.contains { $0.count > 1 } ? open : nil
    }

    // MARK: What stands before

    /// Takes the sign and the currency that belong to the number; false when the number is a part of what stands before it.
    private mutating func takesLeft() -> Bool {
        for sign in ["$", "€", "£", "¥", "₹"] as [Unicode.Scalar] where start > 0 && scalars[start - 1] == sign {
            // `$5$` is mathematics, and no dollars.
            if sign == "$", end < scalars.count, scalars[end] == sign { continue }
            start -= 1
            if start > 0, scalars[start - 1] == "\\" { start -= 1 }
        }
        if start > 0, Self.dashes.contains(scalars[start - 1]) {
            guard start < 2 || !Self.continues(scalars[start - 2]), !isDigit(lastInk(before: start - 1)) else { return false }
            start -= 1
        }
        guard start > 0 else { return true }
        let before = scalars[start - 1]
        if before == "(" || before == "[" {
            let other = start > 1 ? scalars[start - 2] : " "
            let closes = end < scalars.count && (scalars[end] == ")" || scalars[end] == "]")
            return other == "\\" || closes && !Self.continues(other) && other != "."
        }
        if "{^_\\#|<>&".unicodeScalars.contains(before) || Self.operators.contains(before) && before != "*" { return false }
        if Self.continues(before), before.value < 0x2E80 || before == "之" { return false }
        return fitsWordsBefore()
    }

    private func fitsWordsBefore() -> Bool {
        let ink = lastInk(before: start)
        guard ink >= 0 else { return true }
        let mark = scalars[ink]
        if Self.operators.contains(mark) || Self.dashes.contains(mark) {
            let isBold = mark == "*" && ink > 0 && scalars[ink - 1] == "*"
            // A bullet stands first on its line.
            return isBold ? !isDigit(lastInk(before: ink - 1)) || scalars[start - 1] == "*" : isLineStart(ink)
        }
        if "<>".unicodeScalars.contains(mark) { return false }
        if ",;:".unicodeScalars.contains(mark) { return !isDigit(lastInk(before: ink)) }
        let word = wordBefore(ink + 1)
        guard !word.isEmpty else { return true }
        if Self.refusedBefore.contains(word) { return false }
        let first = ink + 1 - word.unicodeScalars.count
        if word == "t", first > 0, scalars[first - 1] == "'" || scalars[first - 1] == "’" { return false }
        let other = lastInk(before: first)
        if Self.joining.contains(word) || AnswerUnit.isMeasure(word) { return !hasNumber(within: 2, before: first) }
        return word != "by" || !["divided", "multiplied"].contains(wordBefore(other + 1))
    }

    /// Whether one of so many words before this place is a number.
    private func hasNumber(within words: Int, before place: Int) -> Bool {
        var ink = lastInk(before: place)
        for _ in 0..<words {
            guard ink >= 0 else { return false }
            if isDigit(ink) || scalars[ink] == "%" { return true }
            let word = wordBefore(ink + 1)
            guard !word.isEmpty else { return false }
            ink = lastInk(before: ink + 1 - word.unicodeScalars.count)
        }
        return isDigit(ink)
    }

    // MARK: What stands behind

    /// Takes the percent sign, the scale and the unit that belong to the number; false when it goes on as something larger.
    private mutating func takesRight() -> Bool {
        if end < scalars.count, "½¼¾⅓⅔⅛".unicodeScalars.contains(scalars[end]) { end += 1 }
        guard end < scalars.count else { return true }
        let next = scalars[end]
        switch next {
        case "%": end += 1
        case "!": return isExclamation
        case "*": return !(end + 1 < scalars.count && Self.continues(scalars[end + 1]))
        case ".": return !isDigit(end + 1) && !isListMark
        case ":", ",": return !isDigit(end + 1)
        case "-", "−", "–": return !(end + 1 < scalars.count && Self.continues(scalars[end + 1]))
        case "}", "^", "_", "(", "{", "[", "/", "<", ">", "+", "&": return false
        case ")", "]": return isAlone(in: next == ")" ? "(" : "[")
        case "\\": return isHarmless(commandAt: end + 1)
        case " ", "\u{A0}", "\u{202F}", "\u{2009}", "~": return takesWordsBehind()
        default:
            if Self.operators.contains(next) || next.properties.numericType != nil { return false }
            guard Self.continues(next) else { return true }
            if next.value >= 0x2E80 { return !"万亿千百十分兆億萬".unicodeScalars.contains(next) }
            let word = wordAt(end)
            guard AnswerUnit.isMeasure(word) else { return false }
            end += word.unicodeScalars.count
        }
        return true
    }

    private mutating func takesWordsBehind() -> Bool {
        guard let ink = scalars[end...].firstIndex(where: { !Self.spaces.contains($0) }) else { return true }
        let next = scalars[ink]
        if next == "%" {
            end = ink + 1
            return true
        }
        if next == "\\" { return isHarmless(commandAt: ink + 1) }
        let word = wordAt(ink)
        let after = ink + max(1, word.unicodeScalars.count)
        if word.isEmpty {
            let isDash = Self.dashes.contains(next)
            guard isDash || Self.operators.contains(next) || "<>".unicodeScalars.contains(next) else { return true }
            // A dash between words is none between terms.
            return isDash && after + 1 < scalars.count && scalars[after] == " " && wordAt(after + 1).count > 1
        }
        if word.count == 1, !"aAImghslL".contains(word) { return false }
        let lower = word.lowercased()
        if Self.refusedBehind.contains(lower) { return false }
        if lower == "and", ["a", "half", "one"].contains(wordAt(min(after + 1, scalars.count)).lowercased()) { return false }
        if Self.scales.contains(lower) || AnswerUnit.isMeasure(word) && lower != "in" { end = after }
        return true
    }

    /// The 3 of "3. Add them" at the beginning of a line numbers it.
    private var isListMark: Bool {
        let behind = scalars[(end + 1)...].prefix { $0 != "\n" }.first { !Self.spaces.contains($0) && $0 != "*" }
        return isLineStart(start) && behind.map(Self.isLetter) == true
    }

    /// "She has 5!" is no factorial; "5! ways" and "= 5!" are.
    private var isExclamation: Bool {
        let ink = lastInk(before: start)
        guard ink >= 0, !wordBefore(ink + 1).isEmpty else { return false }
        let next = scalars[(end + 1)...].first { !$0.properties.isWhitespace }
        return next.map { $0.properties.isUppercase || !Self.continues($0) } ?? true
    }

    /// Whether the bracket that closes here has no other number in it.
    private func isAlone(in open: Unicode.Scalar) -> Bool {
        guard let first = scalars[..<start].lastIndex(of: open) else { return true }
        return !scalars[first..<start].contains(where: Self.isDigit) && (first == 0 || !Self.continues(scalars[first - 1]))
    }

    private func isHarmless(commandAt place: Int) -> Bool {
        guard place < scalars.count else { return true }
        guard Self.isLetter(scalars[place]) else { return scalars[place] != "{" && scalars[place] != "(" && scalars[place] != "[" }
        return ["text", "mathrm", "mbox", "quad", "qquad", "circ", "degree", "textbf", "right"].contains(wordAt(place))
    }

    // MARK: Looking around

    private static let spaces: Set<Unicode.Scalar> = [" ", "~", "\u{A0}", "\u{2007}", "\u{2009}", "\u{202F}"]
    private static let dashes: Set<Unicode.Scalar> = ["-", "−", "–"]
    private static let operators: Set<Unicode.Scalar> = ["+", "*", "×", "·", "⋅", "÷", "/", "^", "√", "∛", "±", "≤", "≥", "≠", "≡", "∓"]
    private static let joining: Set<String> = ["and", "to", "through", "of"]
    private static let scales: Set<String> = ["hundred", "thousand", "million", "billion", "percent"]
    private static let refusedBefore: Set<String> = [
        "not", "or", "than", "least", "most", "between", "sqrt", "root", "x", "times", "plus", "minus", "negative", "over", "under", "no",
        "never", "almost", "nearly", "below", "above", "exceeds", "step", "case", "part", "question", "problem", "figure", "chapter", "mod",
        "maybe", "perhaps", "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december",
    ]
    private static let refusedBehind: Set<String> = [
        "or", "dozen", "pi", "sqrt", "squared", "cubed", "times", "plus", "minus", "factorial", "divided", "over", "choose", "mod", "am", "pm",
        "to", "trillion", "halves", "thirds", "quarters", "fifths",
    ]

    private func isDigit(_ index: Int) -> Bool { scalars.indices.contains(index) && Self.isDigit(scalars[index]) }
    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { (0x30...0x39).contains(scalar.value) }
    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        (0x41...0x5A).contains(scalar.value & ~0x20) && scalar.value < 0x80
    }
    /// A letter, a digit, or the end of a group.
    private static func continues(_ scalar: Unicode.Scalar) -> Bool {
        isDigit(scalar) || isLetter(scalar) || scalar.properties.isAlphabetic || scalar == ")"
    }

    /// The last place before this one that is no space, on the same line; -1: there is none.
    private func lastInk(before place: Int) -> Int {
        var index = place - 1
        while index >= 0, Self.spaces.contains(scalars[index]) { index -= 1 }
        return index >= 0 && scalars[index] != "\n" ? index : -1
    }

    private func isLineStart(_ place: Int) -> Bool { lastInk(before: place) < 0 }

    private func wordBefore(_ place: Int) -> String {
        var first = place
        while first > 0, Self.isLetter(scalars[first - 1]), place - first < 16 { first -= 1 }
        return String(String.UnicodeScalarView(scalars[first..<place])).lowercased()
    }

    private func wordAt(_ place: Int) -> String {
        guard place < scalars.count else { return "" }
        return String(String.UnicodeScalarView(scalars[place...].prefix(16).prefix(while: Self.isLetter)))
    }
}
