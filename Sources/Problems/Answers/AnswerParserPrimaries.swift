/// Numbers, letters, brackets and commands.
extension AnswerParser {
    mutating func primary() throws(AnswerFailure) -> AnswerNode {
        try nested { parser throws(AnswerFailure) in try parser.unbounded() }
    }

    private mutating func unbounded() throws(AnswerFailure) -> AnswerNode {
        guard let token = next else { throw .unparsable }
        position += 1
        switch token.kind {
        case .number(let digits): return try number(digits)
        case .repeating(let digits, let cycle): return .number(try repeating(digits, cycle))
        case .letter(let letter): return .symbol(try subscripted(letter))
        case .word(let word):
            guard word.count <= 3, !token.isText, !AnswerUnit.isMeasure(word) else { throw .unparsable }
            return .product(word.map { AnswerNode.Factor(isInverted: false, value: .symbol(String($0))) })
        case .command(let name): return try command(name)
        case .symbol("("), .symbol("["): return try bracketed(open: token)
        case .symbol("{"):
            if take("}") { return .set([]) }
            let items = try elements()
            try expect("}")
            return items.count == 1 ? items[0] : .set(items)
        case .symbol("|"): return try absolute { parser in parser.take("|") }
        case .symbol, .other: throw .unparsable
        }
    }

    private mutating func absolute(_ close: (inout AnswerParser) -> Bool) throws(AnswerFailure) -> AnswerNode {
        let value = try sum()
        guard close(&self) else { throw .unparsable }
        return .absolute(value)
    }

    /// Digits, an exponent of ten, or digits to a base.
    private mutating func number(_ digits: String) throws(AnswerFailure) -> AnswerNode {
        if take("_") {
            let isGroup = take("{")
            guard case .number(let base) = next?.kind else { throw .unparsable }
            position += 1
            if isGroup { try expect("}") }
            return .digits(Self.withoutLeadingZeros(digits), base: base)
        }
        guard let value = Rational(decimal: digits) else { throw .tooLarge }
        guard takeCommand("e10") else { return .number(value) }
        guard case .number(let power) = next?.kind else { throw .unparsable }
        position += 1
        guard let exponent = Int(power), let scale = Rational.powerOfTen(exponent), let scaled = value.times(scale) else { throw .tooLarge }
        return .number(scaled)
    }

    /// The cycle's share is its digits over as many nines, moved behind the fixed digits.
    private func repeating(_ digits: String, _ cycle: String) throws(AnswerFailure) -> Rational {
        let places = digits.split(separator: ".").dropFirst().first?.count ?? 0
        guard let fixed = Rational(decimal: digits), let part = Rational(decimal: cycle),
            let nines = Rational(decimal: String(repeating: "9", count: cycle.count)), let scale = Rational.powerOfTen(-places),
            let value = part.over(nines)?.times(scale)?.plus(fixed)
        else { throw .tooLarge }
        return value
    }

    private static func withoutLeadingZeros(_ digits: String) -> String {
        let kept = digits.drop { $0 == "0" }
        return kept.isEmpty ? "0" : String(kept)
    }

    /// x_1 and a_{n} are letters of their own.
    private mutating func subscripted(_ letter: String) throws(AnswerFailure) -> String {
        guard take("_") else { return letter }
        let isGroup = take("{")
        guard let token = next else { throw .unparsable }
        position += 1
        if isGroup { try expect("}") }
        switch token.kind {
        case .number(let text), .letter(let text), .word(let text): return "\(letter)_\(text)"
        default: throw .unparsable
        }
    }

    /// A group, a tuple, a point or an interval.
    private mutating func bracketed(open: AnswerToken) throws(AnswerFailure) -> AnswerNode {
        let items = try elements()
        let isRound = open.isSymbol("(")
        if take(")") {
            if items.count == 1, isRound { return items[0] }
            guard items.count > 1 else { throw .unparsable }
            return .tuple(open: isRound ? "(" : "[", items, close: ")")
        }
        try expect("]")
        guard items.count > 1 || !isRound else { throw .unparsable }
        return .tuple(open: isRound ? "(" : "[", items, close: "]")
    }

    private mutating func elements() throws(AnswerFailure) -> [AnswerNode] {
        var items = [try sum()]
        while take(",") || take(";") { items.append(try sum()) }
        return items
    }

    private mutating func command(_ name: String) throws(AnswerFailure) -> AnswerNode {
        switch name {
        case "frac":
            let above = try fractionPart()
            return .product([AnswerNode.Factor(isInverted: false, value: above), AnswerNode.Factor(isInverted: true, value: try fractionPart())])
        case "binom":
            let above = try fractionPart()
            return .binomial(above, try fractionPart())
        case "sqrt":
            var index = AnswerNode.number(Rational(integer: 2))
            if take("[") {
                index = try sum()
                try expect("]")
            }
            return .root(index: index, try primary())
        case "pi": return .symbol("π")
        case "emptyset": return .set([])
        case "dollar", "euro", "pound", "yen", "rupee":
            guard currency == nil else { throw .unparsable }
            currency = AnswerUnit(name: name)
            return try take("-") ? .sum([AnswerNode.Term(isNegative: true, value: primary())]) : primary()
        case "{":
            if takeCommand("}") { return .set([]) }
            let items = try elements()
            guard takeCommand("}") else { throw .unparsable }
            return .set(items)
        case "vert": return try absolute { parser in parser.takeCommand("vert") }
        case "R": return Self.realLine
        case "mathbb":
            try expect("{")
            guard next?.kind == .letter("R") else { throw .unparsable }
            position += 1
            try expect("}")
            return Self.realLine
        case "begin": return try matrix()
        default:
            if AnswerNotation.functions.contains(name) { return try function(name) }
            guard AnswerNotation.greek.contains(name) else { throw .unparsable }
            return .symbol(try subscripted(name))
        }
    }

    private static let realLine = AnswerNode.tuple(
        open: "(", [.sum([AnswerNode.Term(isNegative: true, value: .infinity)]), .infinity], close: ")")

    /// An argument of `\frac`: a group, or a single token; of the number 12 in `\frac12` its first digit, and then the other.
    private mutating func fractionPart() throws(AnswerFailure) -> AnswerNode {
        guard case .number(let digits) = next?.kind else { return try primary() }
        if digits.count == 1 {
            position += 1
            return .number(try digit(digits))
        }
        guard digits.count == 2, !digits.contains("."), !secondDigit else {
            guard secondDigit, digits.count == 2 else { throw .unparsable }
            secondDigit = false
            position += 1
            return .number(try digit(String(digits.suffix(1))))
        }
        // `\frac{a}12` would be a/1 times 2; nobody means that.
        guard position > 0, tokens[position - 1].isCommand("frac") || tokens[position - 1].isCommand("binom") else { throw .unparsable }
        secondDigit = true
        return .number(try digit(String(digits.prefix(1))))
    }

    private func digit(_ text: String) throws(AnswerFailure) -> Rational {
        guard let value = Rational(decimal: text) else { throw .unparsable }
        return value
    }

    /// `\sin^2 x`, `\log_2 (x+1)`, `\cos 2a`: the argument is a group, or the factors up to the next function or operator.
    private mutating func function(_ name: String) throws(AnswerFailure) -> AnswerNode {
        var (name, power): (String, AnswerNode?) = (name, nil)
        if take("_") { name += "_" + "\(try base())" }
        if take("^") { power = try exponent() }
        var node: AnswerNode
        if next?.isSymbol("(") == true || next?.isSymbol("{") == true {
            node = try factor()
        } else {
            var factors = [AnswerNode.Factor(isInverted: false, value: try factor())]
            while let token = next, continuesArgument(token) { factors.append(AnswerNode.Factor(isInverted: false, value: try factor())) }
            node = factors.count == 1 ? factors[0].value : .product(factors)
        }
        node = .function(name, node)
        return power.map { .power(node, $0) } ?? node
    }

    private func continuesArgument(_ token: AnswerToken) -> Bool {
        switch token.kind {
        case .letter: !token.isText
        case .command(let name): name == "pi" || name == "frac" || AnswerNotation.greek.contains(name)
        default: false
        }
    }

    private mutating func base() throws(AnswerFailure) -> String {
        let isGroup = take("{")
        guard let token = next else { throw .unparsable }
        position += 1
        if isGroup { try expect("}") }
        switch token.kind {
        case .number(let text), .letter(let text): return text
        default: throw .unparsable
        }
    }

    /// `\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}`; determinants are refused.
    private mutating func matrix() throws(AnswerFailure) -> AnswerNode {
        let name = try environment()
        guard ["pmatrix", "bmatrix", "matrix", "Bmatrix"].contains(name) else { throw .unparsable }
        var rows: [[AnswerNode]] = []
        while !takeCommand("end") {
            var row = [try sum()]
            while take("&") { row.append(try sum()) }
            rows.append(row)
            guard takeCommand("newrow") || next?.isCommand("end") == true else { throw .unparsable }
        }
        guard try environment() == name, let width = rows.first?.count, rows.allSatisfy({ $0.count == width }) else { throw .unparsable }
        return .matrix(rows)
    }

    private mutating func environment() throws(AnswerFailure) -> String {
        try expect("{")
        guard case .word(let name) = next?.kind else { throw .unparsable }
        position += 1
        try expect("}")
        return name
    }
}
