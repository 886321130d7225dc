/// A piece of an answer's notation.
struct AnswerToken: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// Decimal digits with at most one point, group commas taken out.
        case number(String)
        /// A decimal fraction and the digits that repeat after it: `0.1\overline{6}` and `0.1(6)`.
        case repeating(String, cycle: String)
        case letter(String)
        /// Two or more letters in a row.
        case word(String)
        /// A LaTeX command without its backslash; other notations of the same thing become it too (`√` is `sqrt`).
        case command(String)
        case symbol(Character)
        /// Something that no grammar rule accepts.
        case other(String)
    }

    let kind: Kind
    /// It stood in `\text{…}` or the like: a unit or a word, not a variable.
    let isText: Bool
    /// White space, or something that counts as such, stood before it.
    let followsSpace: Bool

    func isSymbol(_ character: Character) -> Bool { kind == .symbol(character) }
    func isCommand(_ name: String) -> Bool { kind == .command(name) }

    /// How it enters the comparison of texts: words without regard to case.
    var text: String {
        switch kind {
        case .number(let text), .letter(let text), .other(let text): text
        case .repeating(let text, let cycle): "\(text)(\(cycle))"
        case .word(let text): text.lowercased()
        case .command(let name): "\\" + name
        case .symbol(let character): String(character)
        }
    }

    /// Tokens as one text: braces around a single token and spaces don't count.
    static func text(of tokens: [AnswerToken]) -> String {
        var (parts, index): ([String], Int) = ([], 0)
        while index < tokens.count {
            if tokens[index].isSymbol("{"), index + 2 < tokens.count, tokens[index + 2].isSymbol("}") {
                parts.append(tokens[index + 1].text)
                index += 3
            } else {
                parts.append(tokens[index].text)
                index += 1
            }
        }
        return parts.joined(separator: " ")
    }
}
