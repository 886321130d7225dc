/// Cuts an answer, in LaTeX or plain notation, into tokens.
///
/// Spacing commands, `$`, `\left`, sizes and bold marks vanish; dashes, `×`, `√`, `π` and the like become the commands they
/// stand for. Never fails except by the budget: what it does not know becomes a token that the parser refuses.
struct AnswerLexer {
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var tokens: [AnswerToken] = []
    private var sawSpace = false
    /// Brackets other than LaTeX groups, inside which 1,234 are two numbers.
    private var brackets = 0
    /// Open `{`; true for those of `\text{`.
    private var groups: [Bool] = []

    static func tokens(of text: String, _ budget: inout StepBudget) throws(AnswerFailure) -> [AnswerToken] {
        try budget.spend(text.utf8.count)
        var lexer = AnswerLexer(scalars: Array(text.unicodeScalars))
        while lexer.position < lexer.scalars.count { lexer.advance() }
        return lexer.trimmed()
    }

    /// Whether `$` encloses mathematics: there are two of them, and one alone is dollars.
    private let isMath: Bool

    private init(scalars: [Unicode.Scalar]) {
        self.scalars = scalars
        isMath = zip([" "] + scalars, scalars).count { $0 != "\\" && $1 == "$" } != 1
    }

    private var isText: Bool { groups.last == true }

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        position + ahead < scalars.count ? scalars[position + ahead] : nil
    }

    private func isDigit(_ ahead: Int) -> Bool { peek(ahead).map(Self.isDigit) ?? false }
    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { (0x30...0x39).contains(scalar.value) }
    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        (0x41...0x5A).contains(scalar.value) || (0x61...0x7A).contains(scalar.value)
            || (scalar.value > 0xBF && scalar.properties.isAlphabetic)
    }

    private mutating func emit(_ kind: AnswerToken.Kind) {
        tokens.append(AnswerToken(kind: kind, isText: isText, followsSpace: sawSpace))
        sawSpace = false
    }

    private mutating func advance() {
        guard let scalar = peek() else { return }
        if Self.isDigit(scalar) || (scalar == "." && isDigit(1)) { return number() }
        if Self.isLetter(scalar), AnswerNotation.scalars[scalar] == nil { return letters() }
        position += 1
        switch scalar {
        case "\\": command()
        case "$" where !isMath && (isDigit(0) || tokens.last?.startsNumber == true && !sawSpace): emit(.command("dollar"))
        case "$", "`", "\"", "'", "“", "”", "‘", "’", "~": sawSpace = true
        case "*":
            if peek() == "*" {
                position += 1
                // Bold marks stand at an end, a power between two things.
                if tokens.isEmpty || peek() == nil { return }
                emit(.symbol("^"))
            } else {
                emit(.symbol("*"))
            }
        case ".": dots()
        case "{":
            groups.append(isText)
            emit(.symbol("{"))
        case "}":
            let closesText = groups.popLast() == true && !isText
            if closesText { sawSpace = true } else { emit(.symbol("}")) }
        case "(", "[", ")", "]":
            brackets += scalar == "(" || scalar == "[" ? 1 : -1
            emit(.symbol(Character(scalar)))
        case "+", "-", "/", "^", "_", ",", ";", "=", "<", ">", "!", "|", "%", "&", ":": emit(.symbol(Character(scalar)))
        default:
            if scalar.properties.isWhitespace || scalar.value == 0x200B || scalar.value == 0xFEFF {
                sawSpace = true
            } else if let kinds = AnswerNotation.scalars[scalar] {
                // "20 m²" are square metres.
                if kinds.first == .symbol("^"), let last = tokens.last, last.kind == .letter("m"), last.followsSpace {
                    tokens[tokens.count - 1] = AnswerToken(kind: last.kind, isText: true, followsSpace: true)
                }
                // ½ is a number of its own behind 3, as in 3 1/2.
                if case .number = kinds[0] { sawSpace = true }
                if scalar == "°", let scale = peek(), scale == "C" || scale == "F", !(peek(1).map(Self.isLetter) ?? false) {
                    position += 1
                    emit(.word(scale == "C" ? "celsius" : "fahrenheit"))
                    return
                }
                for kind in kinds { emit(kind) }
            } else {
                emit(.other(String(scalar)))
            }
        }
    }

    /// Points that end a sentence or an abbreviation don't count; three are a continuation.
    private mutating func dots() {
        var count = 1
        while peek() == "." { (position, count) = (position + 1, count + 1) }
        if count >= 3 { return emit(.other("…")) }
        let endsWord =
            switch tokens.last?.kind {
            case .word, .letter: true
            default: false
            }
        if endsWord || peek() == nil || tokens.isEmpty { sawSpace = true } else { emit(.other(".")) }
    }

    private mutating func letters() {
        let start = position
        while let scalar = peek(), Self.isLetter(scalar), AnswerNotation.scalars[scalar] == nil { position += 1 }
        let text = String(String.UnicodeScalarView(scalars[start..<position]))
        if position - start == 1 { return emit(.letter(text)) }
        emit(AnswerNotation.words[text].map { .command($0) } ?? .word(text))
    }

    private mutating func number() {
        var text = digits()
        if (1...3).contains(text.count), text.first != "0" {
            let bySpaces = groupSeparator(bySpaces: true) != nil
            while let separator = groupSeparator(bySpaces: bySpaces) {
                position += separator
                text += digits()
            }
        }
        if peek() == ".", isDigit(1) || !(peek(1) == ".") {
            position += 1
            let fraction = digits()
            text = (text.isEmpty ? "0" : text) + (fraction.isEmpty ? "" : "." + fraction)
            if let cycle = cycle() { return emit(.repeating(text, cycle: cycle)) }
        }
        emit(.number(text))
        exponent()
    }

    private mutating func digits() -> String {
        let start = position
        while isDigit(0) { position += 1 }
        return String(String.UnicodeScalarView(scalars[start..<position]))
    }

    /// The digits that repeat, where they stand directly behind a decimal fraction: `\overline{6}`, `\bar 6`, `(6)`.
    private mutating func cycle() -> String? {
        let start = position
        if peek() == "\\" {
            let name = ["overline", "bar", "dot"].first { scalars[(position + 1)...].starts(with: $0.unicodeScalars) }
            guard let name else { return nil }
            position += 1 + name.unicodeScalars.count
            while peek() == " " { position += 1 }
        } else if peek() != "(" {
            return nil
        }
        let close: Unicode.Scalar? = peek() == "{" ? "}" : peek() == "(" ? ")" : nil
        if close != nil { position += 1 }
        let digits = digits()
        guard !digits.isEmpty, close == nil || peek() == close else {
            position = start
            return nil
        }
        if close != nil { position += 1 }
        return digits
    }

    private static let spaces: Set<Unicode.Scalar> = [" ", "~", "\u{A0}", "\u{2007}", "\u{2009}", "\u{202F}"]

    /// The length of a thousands separator at this place: a comma before exactly three digits outside of brackets, and
    /// LaTeX's `,\!`, `\,` and `{,}` anywhere; or else a space, unless the digits are the upper part of a mixed number's fraction.
    private func groupSeparator(bySpaces: Bool) -> Int? {
        func threeDigits(after length: Int) -> Int? {
            isDigit(length) && isDigit(length + 1) && isDigit(length + 2) && !isDigit(length + 3) ? length : nil
        }
        if bySpaces {
            let length = peek() == "\\" && peek(1) == " " ? 2 : peek().map(Self.spaces.contains) == true ? 1 : 0
            guard length > 0, threeDigits(after: length) != nil, peek(length + 3) != "/" else { return nil }
            return length
        }
        if peek() == ",", peek(1) == "\\", peek(2) == "!" { return threeDigits(after: 3) }
        if peek() == "\\", peek(1) == "!", peek(2) == "," { return threeDigits(after: 3) }
        if peek() == "\\", peek(1) == "," { return threeDigits(after: 2) }
        if peek() == "{", peek(1) == ",", peek(2) == "}" { return threeDigits(after: 3) }
        return peek() == "," && brackets <= 0 ? threeDigits(after: 1) : nil
    }

    /// `e5` directly behind a number is a power of ten, unless more letters follow.
    private mutating func exponent() {
        guard peek() == "e" || peek() == "E" else { return }
        let sign = peek(1) == "+" || peek(1) == "-" || peek(1) == "−" ? 1 : 0
        guard isDigit(1 + sign) else { return }
        let isNegative = sign == 1 && peek(1) != "+"
        let start = position
        position += 1 + sign
        let power = digits()
        if let next = peek(), Self.isLetter(next) {
            position = start
            return
        }
        emit(.command("e10"))
        emit(.number((isNegative ? "-" : "") + power))
    }

    private mutating func command() {
        guard let scalar = peek() else { return emit(.other("\\")) }
        guard Self.isLetter(scalar) else {
            position += 1
            switch scalar {
            case "!", ",", ";", ":", " ", "\n": sawSpace = true
            case "%": emit(.symbol("%"))
            case "$": emit(.command("dollar"))
            case "\\": emit(.command("newrow"))
            case "{":
                brackets += 1
                emit(.command("{"))
            case "}":
                brackets -= 1
                emit(.command("}"))
            case "(", ")", "[", "]": sawSpace = true
            default: emit(.other("\\" + String(scalar)))
            }
            return
        }
        let start = position
        while let scalar = peek(), Self.isLetter(scalar) { position += 1 }
        let name = String(String.UnicodeScalarView(scalars[start..<position]))
        if AnswerNotation.spacing.contains(name) {
            sawSpace = true
        } else if AnswerNotation.textCommands.contains(name) {
            while let scalar = peek(), scalar.properties.isWhitespace { position += 1 }
            guard peek() == "{" else { return }
            position += 1
            groups.append(true)
            sawSpace = true
        } else {
            emit(.command(AnswerNotation.aliases[name] ?? name))
        }
    }

    /// Without the punctuation that ends a sentence.
    private func trimmed() -> [AnswerToken] {
        var end = tokens.count
        while end > 0, [",", ";", ":"].contains(where: { tokens[end - 1].isSymbol($0) }) || tokens[end - 1].kind == .other(".") { end -= 1 }
        return Array(tokens[..<end])
    }
}
