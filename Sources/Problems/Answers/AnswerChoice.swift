/// The letter in front of one of several answers to choose from: `\\textbf{(C)}\\ 12`, `C) 12`, `C. 12`, or alone.
struct AnswerChoice {
    let letter: String
    /// What the letter stands for; empty when it is not said.
    let rest: [AnswerToken]

    private static let letters: Set<String> = ["A", "B", "C", "D", "E", "F", "G", "H"]
    /// Commands that join a letter in brackets to what follows.
    private static let operators: Set<String> = [
        "cup", "cap", "times", "div", "leq", "geq", "less", "greater", "ne", "in", "and", "or", "circ", "percent", "pm", "mp", "newrow",
    ]

    init?(_ tokens: [AnswerToken]) {
        let isOpen = tokens.first?.isSymbol("(") == true
        var end = isOpen ? 1 : 0
        guard end < tokens.count, case .letter(let letter) = tokens[end].kind, Self.letters.contains(letter) else { return nil }
        end += 1
        let isClosed = end < tokens.count && tokens[end].isSymbol(")")
        guard isClosed || !isOpen else { return nil }
        end += isClosed ? 1 : 0
        var isMarked = isClosed
        if end < tokens.count, tokens[end].isSymbol(":") { (end, isMarked) = (end + 1, true) }
        let rest = tokens[end...]
        guard let first = rest.first else {
            (self.letter, self.rest) = (letter, [])
            return
        }
        guard first.followsSpace, Self.canBegin(rest, isMarked: isMarked) else { return nil }
        (self.letter, self.rest) = (letter, Array(rest))
    }

    /// Whether this is said by itself, and does not go on with the letter. Without a bracket only a number can: `C. 12`.
    private static func canBegin(_ rest: ArraySlice<AnswerToken>, isMarked: Bool) -> Bool {
        guard let first = rest.first else { return false }
        switch first.kind {
        case .number, .repeating: return true
        case .command(let name): return isMarked && !operators.contains(name)
        case .letter, .word: return isMarked
        case .symbol("-"): return isMarked && rest.dropFirst().first?.followsSpace == false
        case .symbol("("), .symbol("["), .symbol("{"), .symbol("."): return isMarked && rest.count > 3
        case .symbol, .other: return false
        }
    }
}
