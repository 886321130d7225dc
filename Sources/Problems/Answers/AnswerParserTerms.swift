/// Sums, products and powers.
extension AnswerParser {
    mutating func sum() throws(AnswerFailure) -> AnswerNode {
        var terms: [AnswerNode.Term] = []
        repeat {
            var (isNegative, plusMinus): (Bool, Bool?) = (false, nil)
            if take("-") { isNegative = true } else if takeCommand("pm") { plusMinus = false } else if takeCommand("mp") { plusMinus = true } else { _ = take("+") }
            if takeCommand("infty") {
                guard terms.isEmpty, plusMinus == nil else { throw .unparsable }
                return isNegative ? .sum([AnswerNode.Term(isNegative: true, value: .infinity)]) : .infinity
            }
            let value = try product()
            terms.append(AnswerNode.Term(isNegative: isNegative, value: plusMinus.map { .plusMinus(value, isFlipped: $0) } ?? value))
        } while next?.isSymbol("+") == true || next?.isSymbol("-") == true || next?.isCommand("pm") == true || next?.isCommand("mp") == true
        if terms.count == 1, !terms[0].isNegative { return terms[0].value }
        return .sum(terms)
    }

    mutating func product() throws(AnswerFailure) -> AnswerNode {
        var factors = try leadingFactors().map { AnswerNode.Factor(isInverted: false, value: $0) }
        while let token = next {
            if take("*") || takeCommand("times") {
                factors.append(AnswerNode.Factor(isInverted: false, value: try signedFactor()))
            } else if token.isCommand("div") || (token.isSymbol("/") && self.token(1)?.isUnitLike != true) {
                position += 1
                factors.append(AnswerNode.Factor(isInverted: true, value: try signedFactor()))
            } else if continuesProduct(token) {
                factors.append(AnswerNode.Factor(isInverted: false, value: try factor()))
            } else {
                break
            }
        }
        return factors.count == 1 ? factors[0].value : .product(factors)
    }

    private mutating func signedFactor() throws(AnswerFailure) -> AnswerNode {
        guard take("-") else {
            _ = take("+")
            return try factor()
        }
        return .sum([AnswerNode.Term(isNegative: true, value: try factor())])
    }

    /// Whether a token without an operator before it is one more factor. A number never is: "2 3" and "x2" say nothing.
    private func continuesProduct(_ token: AnswerToken) -> Bool {
        switch token.kind {
        case .letter: !token.isText
        case .word(let word): !token.isText && !token.followsSpace && word.count <= 3 && !AnswerUnit.isMeasure(word)
        case .symbol(let character): character == "(" || character == "[" || character == "{"
        case .command(let name): Self.opensFactor(name)
        case .number, .repeating, .other: false
        }
    }

    private static func opensFactor(_ name: String) -> Bool {
        ["frac", "sqrt", "pi", "binom"].contains(name) || AnswerNotation.functions.contains(name) || AnswerNotation.greek.contains(name)
    }

    /// The first factor, and the second one where a fraction follows a number: `2\frac{1}{2}` and `2 1/2` are mixed numbers.
    private mutating func leadingFactors() throws(AnswerFailure) -> [AnswerNode] {
        guard case .number(let digits) = next?.kind, !digits.contains("."), let whole = Rational(decimal: digits) else { return [try factor()] }
        if token(1)?.isCommand("frac") == true {
            position += 1
            let fraction = try primary()
            if case .product(let factors) = fraction, factors.count == 2, case .number(let above) = factors[0].value,
                case .number(let below) = factors[1].value, above.isInteger, below.isInteger
            {
                return [try Self.mixed(whole, above, below)]
            }
            return [.number(whole), try withSigns(fraction)]
        }
        guard case .number(let above) = token(1)?.kind, token(1)?.followsSpace == true, token(2)?.isSymbol("/") == true,
            case .number(let below) = token(3)?.kind, let above = Rational(decimal: above), let below = Rational(decimal: below)
        else { return [try factor()] }
        position += 4
        return [try Self.mixed(whole, above, below)]
    }

    private static func mixed(_ whole: Rational, _ above: Rational, _ below: Rational) throws(AnswerFailure) -> AnswerNode {
        guard above.numerator > 0, above.isInteger, below.isInteger, above.numerator < below.numerator else { throw .unparsable }
        guard let value = above.over(below)?.plus(whole) else { throw .tooLarge }
        return .number(value)
    }

    /// A primary with its powers, factorials, percent and degree signs.
    mutating func factor() throws(AnswerFailure) -> AnswerNode {
        try withSigns(primary())
    }

    private mutating func withSigns(_ primary: AnswerNode) throws(AnswerFailure) -> AnswerNode {
        var (node, signs) = (primary, 0)
        while let token = next {
            switch token.kind {
            case .symbol("^"):
                position += 1
                if takeDegree() { node = .degrees(node) } else { node = .power(node, try exponent()) }
            case .symbol("!"):
                position += 1
                node = .factorial(node)
            case .symbol("%"), .command("percent"):
                position += 1
                node = .percent(node)
            case .command("circ"):
                position += 1
                node = .degrees(node)
            default: return node
            }
            signs += 1
            guard signs <= 4 else { throw .tooDeep }
        }
        return node
    }

    private mutating func takeDegree() -> Bool {
        if takeCommand("circ") { return true }
        guard next?.isSymbol("{") == true, token(1)?.isCommand("circ") == true, token(2)?.isSymbol("}") == true else { return false }
        position += 3
        return true
    }

    mutating func exponent() throws(AnswerFailure) -> AnswerNode {
        let isNegative = take("-")
        var node = try primary()
        if take("^") { node = .power(node, try nested { parser throws(AnswerFailure) in try parser.exponent() }) }
        return isNegative ? .sum([AnswerNode.Term(isNegative: true, value: node)]) : node
    }

    /// Runs a rule one level deeper; the depth is bounded.
    mutating func nested(_ rule: (inout AnswerParser) throws(AnswerFailure) -> AnswerNode) throws(AnswerFailure) -> AnswerNode {
        guard depth < StepBudget.depth else { throw .tooDeep }
        depth += 1
        let node = try rule(&self)
        depth -= 1
        return node
    }
}

extension AnswerToken {
    /// A word that can only be a unit behind a slash.
    fileprivate var isUnitLike: Bool {
        switch kind {
        case .word(let word): isText || AnswerUnit.isMeasure(word) || word.count > 3
        case .letter: isText
        default: false
        }
    }
}
