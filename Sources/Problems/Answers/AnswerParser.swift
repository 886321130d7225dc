/// Reads tokens as an answer: items, relations, units. ``AnswerParser/sum()`` and below are in AnswerParserTerms.
///
///     answer   items separated by , ; and or
///     item     side (= side)*, or side ((< | ≤ | > | ≥) side)*, or name ∈ side
///     side     sum (∪ sum)*, and a unit
struct AnswerParser {
    let tokens: [AnswerToken]
    var position = 0
    var depth = 0
    /// A currency sign seen within the present side.
    var currency: AnswerUnit?
    /// The first digit of a number of two is taken, as in `\\frac12`.
    var secondDigit = false

    static func parse(_ tokens: [AnswerToken]) throws(AnswerFailure) -> AnswerNode {
        var parser = AnswerParser(tokens: tokens)
        var items = [try parser.item()]
        while parser.takeSeparator() { items.append(try parser.item()) }
        guard parser.next == nil else { throw .unparsable }
        return items.count == 1 ? items[0] : .list(items)
    }

    private init(tokens: [AnswerToken]) { self.tokens = tokens }

    var next: AnswerToken? { position < tokens.count ? tokens[position] : nil }
    func token(_ ahead: Int) -> AnswerToken? { position + ahead < tokens.count ? tokens[position + ahead] : nil }

    mutating func take(_ symbol: Character) -> Bool {
        guard next?.isSymbol(symbol) == true else { return false }
        position += 1
        return true
    }

    mutating func takeCommand(_ name: String) -> Bool {
        guard next?.isCommand(name) == true else { return false }
        position += 1
        return true
    }

    mutating func expect(_ symbol: Character) throws(AnswerFailure) {
        guard take(symbol) else { throw .unparsable }
    }

    private mutating func takeSeparator() -> Bool {
        let hasComma = take(",") || take(";")
        return takeCommand("and") || takeCommand("or") || hasComma
    }

    private mutating func takeRelation() -> AnswerNode.Relation? {
        if take("=") { return .equal }
        if takeCommand("leq") { return .lessOrEqual }
        if takeCommand("geq") { return .greaterOrEqual }
        if takeCommand("less") { return .less }
        if takeCommand("greater") { return .greater }
        if take("<") { return take("=") ? .lessOrEqual : .less }
        if take(">") { return take("=") ? .greaterOrEqual : .greater }
        return nil
    }

    private mutating func item() throws(AnswerFailure) -> AnswerNode {
        if let name = takeName() { return .named(name, try chain(from: try side())) }
        let first = try side()
        if takeCommand("in") {
            guard case .symbol(let name) = first else { throw .unparsable }
            return .named(name, try side())
        }
        let node = try chain(from: first)
        guard case .chain(let first, let links) = node, links[0].relation == .equal, let name = Self.name(of: first) else { return node }
        return .named(name, links.count == 1 ? links[0].value : .chain(links[0].value, Array(links.dropFirst())))
    }

    private mutating func chain(from first: AnswerNode) throws(AnswerFailure) -> AnswerNode {
        var links: [AnswerNode.Link] = []
        while let relation = takeRelation() { links.append(AnswerNode.Link(relation: relation, value: try side())) }
        return links.isEmpty ? first : .chain(first, links)
    }

    /// What an equation with this left side gives a value to: a letter, or a point of letters.
    private static func name(of side: AnswerNode) -> String? {
        switch side {
        case .symbol(let name): return name
        case .tuple("(", let items, ")"):
            var names: [String] = []
            for item in items {
                guard case .symbol(let name) = item else { return nil }
                names.append(name)
            }
            return "(" + names.joined(separator: ",") + ")"
        default: return nil
        }
    }

    /// `f(x) =`, and words before `=`.
    private mutating func takeName() -> String? {
        if case .letter(let function) = next?.kind, token(1)?.isSymbol("(") == true, case .letter(let variable) = token(2)?.kind,
            token(3)?.isSymbol(")") == true, token(4)?.isSymbol("=") == true
        {
            position += 5
            return "\(function)(\(variable))"
        }
        var (end, words) = (position, [String]())
        while end < tokens.count {
            if case .word(let word) = tokens[end].kind, tokens[end].isText || word.count > 3 || !words.isEmpty {
                words.append(word.lowercased())
            } else if case .letter(let letter) = tokens[end].kind, !words.isEmpty {
                words.append(letter)
            } else {
                break
            }
            end += 1
        }
        guard !words.isEmpty, end < tokens.count, tokens[end].isSymbol("=") else { return nil }
        position = end + 1
        return words.joined(separator: " ")
    }

    private mutating func side() throws(AnswerFailure) -> AnswerNode {
        currency = nil
        if case .word(let word) = next?.kind, let sign = AnswerUnit.currency(word), token(1)?.startsNumber == true {
            position += 1
            currency = sign
        }
        var parts = [try sum()]
        while takeCommand("cup") { parts.append(try sum()) }
        if parts.count > 1 { return .union(parts) }
        if next?.isSymbol(":") == true { return try ratio(from: parts[0]) }
        let value = try scaled(parts[0])
        if currency == nil, case .command(let name) = next?.kind, let sign = AnswerUnit.currency(name) {
            position += 1
            currency = sign
        }
        let unit = try unit()
        if let sign = currency { return .measured(value, unit == nil || unit == .noun || unit == sign ? sign : AnswerUnit(name: unit?.name.map { "\(sign.name ?? "")/" + $0 })) }
        return unit.map { .measured(value, $0) } ?? value
    }

    /// Numbers joined by colons: a ratio or a time, which is itself only.
    private mutating func ratio(from first: AnswerNode) throws(AnswerFailure) -> AnswerNode {
        var parts = [first]
        while take(":") { parts.append(try sum()) }
        guard parts.allSatisfy(\.isPlainNumber) else { throw .unparsable }
        return .tuple(open: ":", parts, close: ":")
    }

    /// 3 million.
    private mutating func scaled(_ value: AnswerNode) throws(AnswerFailure) -> AnswerNode {
        guard case .word(let word) = next?.kind, value.isPlainNumber,
            let scale = ["hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000][word.lowercased()]
        else { return value }
        position += 1
        let exponent = AnswerNode.number(Rational(integer: scale == 100 ? 2 : scale == 1000 ? 3 : scale == 1_000_000 ? 6 : 9))
        return .product([
            AnswerNode.Factor(isInverted: false, value: value),
            AnswerNode.Factor(isInverted: false, value: .power(.number(Rational(integer: 10)), exponent)),
        ])
    }

    /// Words behind a number: "cm^2", "miles per hour", "apples".
    private mutating func unit() throws(AnswerFailure) -> AnswerUnit? {
        var (words, power): ([(text: String, isText: Bool)], Int?) = ([], nil)
        while let token = next {
            switch token.kind {
            case .word(let text): words.append((text, token.isText))
            case .letter(let text) where token.isText || !words.isEmpty: words.append((text, token.isText || text == "a"))
            case .symbol("/") where !words.isEmpty || self.token(1)?.isWord == true: break
            case .number(let digits) where ["2", "3"].contains(digits) && !token.followsSpace && words.last.map(\.text).map(AnswerUnit.isMeasure) == true:
                power = Int(digits)
            case .symbol("^") where !words.isEmpty:
                let isGroup = self.token(1)?.isSymbol("{") == true
                guard case .number(let digits) = self.token(isGroup ? 2 : 1)?.kind, let exponent = Int(digits), (1...3).contains(exponent) else {
                    throw .unparsable
                }
                position += isGroup ? 2 : 1
                guard !isGroup || self.token(1)?.isSymbol("}") == true else { throw .unparsable }
                position += isGroup ? 1 : 0
                power = exponent
            default:
                guard words.isEmpty else {
                    guard let unit = AnswerUnit.named(by: words, power: power) else { throw .unparsable }
                    return unit
                }
                return nil
            }
            position += 1
        }
        guard !words.isEmpty else { return nil }
        guard let unit = AnswerUnit.named(by: words, power: power) else { throw .unparsable }
        return unit
    }
}

extension AnswerToken {
    var startsNumber: Bool {
        switch kind {
        case .number, .repeating: true
        default: isSymbol("-") || isSymbol(".")
        }
    }

    var isWord: Bool {
        if case .word = kind { return true }
        return false
    }

    /// Letters alone, which say something in words: a name, a day, a choice.
    static func areWords(_ tokens: [AnswerToken]) -> Bool {
        guard tokens.count > 1 || tokens.first?.isWord == true else { return false }
        return tokens.allSatisfy { token in
            switch token.kind {
            case .word, .letter: true
            default: false
            }
        }
    }
}
