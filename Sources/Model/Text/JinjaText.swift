/// A chat template's text with all differences of writing removed, to be compared with templates that are known.
///
/// This is no interpreter: tags are told from text, blanks between words and what Jinja strips around tags (with
/// `trim_blocks` and `lstrip_blocks`, as transformers sets them) go away, comments too; literals are written in single
/// quotes with their escapes resolved, neighbours joined by "+" become one, and `a.role` is written as `a['role']`.
struct JinjaText {
    private enum Tag {
        case statement, expression, comment

        /// The character after "{" and before "}".
        var mark: Character {
            switch self {
            case .statement: "%"
            case .expression: "{"
            case .comment: "#"
            }
        }

        /// The end of the tag; statements and comments take the line end behind them along.
        var end: [Character] { self == .expression ? ["}", "}"] : [mark, "}"] }
    }

    private let source: [Character]
    private var position = 0
    private(set) var canonical = ""
    /// The tag before the text that is next: nil at the beginning.
    private var previous: (tag: Tag, strips: Bool)?

    init(_ source: String) {
        // A line end of two characters is one Character, and so would hide from comparisons with "\n".
        self.source = source.unicodeScalars.filter { $0 != "\r" }.map(Character.init)
        while position < self.source.count || previous != nil {
            let isAtEnd = !takeText()
            if isAtEnd { break }
            takeTag()
        }
    }

    /// Takes the text before the next tag; whether there is such a tag.
    private mutating func takeText() -> Bool {
        let start = position
        while position < source.count, nextTag == nil { position += 1 }
        let next = nextTag
        var text = source[start..<position]
        var beginsLine = previous == nil
        if previous?.strips == true {
            text = text.drop { $0.isWhitespace }
        } else if let previous, previous.tag != .expression, text.first == "\n" {
            text = text.dropFirst()
            beginsLine = true
        }
        if next?.strips == true {
            while text.last?.isWhitespace == true { text.removeLast() }
        } else if let next, next.tag != .expression {
            let line = text.lastIndex(of: "\n").map { $0 + 1 } ?? text.startIndex
            if line > text.startIndex || beginsLine, text[line...].allSatisfy(\.isWhitespace) { text = text[..<line] }
        } else if next == nil, text.last == "\n" {
            text.removeLast()
        }
        canonical += String(text)
        return next != nil
    }

    /// The tag that begins here, and whether it strips the blanks before it.
    private var nextTag: (tag: Tag, strips: Bool)? {
        guard position + 1 < source.count, source[position] == "{" else { return nil }
        let mark = source[position + 1]
        guard let tag = [Tag.statement, .expression, .comment].first(where: { $0.mark == mark }) else { return nil }
        return (tag, position + 2 < source.count && source[position + 2] == "-")
    }

    private mutating func takeTag() {
        guard let (tag, _) = nextTag else { return }
        position += 2
        if position < source.count, source[position] == "-" || source[position] == "+" { position += 1 }
        let before = canonical
        canonical += "{\(tag.mark)"
        var strips = false
        while position < source.count {
            if source[position...].starts(with: tag.end) {
                position += 2
                break
            }
            if source[position] == "-", source[(position + 1)...].starts(with: tag.end) {
                strips = true
                position += 3
                break
            }
            let character = source[position]
            if tag == .comment || character.isWhitespace {
                position += 1
            } else if character == "'" || character == "\"" {
                takeLiteral(character)
            } else if character == ".", let name = ["role", "content", "tool_calls"].first(where: isWord(at: position + 1)) {
                canonical += "['\(name)']"
                position += 1 + name.count
            } else {
                canonical.append(character)
                position += 1
            }
        }
        canonical += String(tag.end)
        if tag == .comment { canonical = before }
        previous = (tag, strips)
    }

    private func isWord(at start: Int) -> (String) -> Bool {
        { word in
            guard source[start...].starts(with: Array(word)) else { return false }
            let end = start + word.count
            return end >= source.count || !(source[end].isLetter || source[end].isNumber || source[end] == "_")
        }
    }

    /// A literal in quotes, up to its end or that of the text.
    private mutating func takeLiteral(_ quote: Character) {
        position += 1
        if canonical.hasSuffix("'+") { canonical.removeLast(2) } else { canonical += "'" }
        while position < source.count, source[position] != quote {
            var character = source[position]
            var escaped = ""
            if character == "\\", position + 1 < source.count {
                position += 1
                switch source[position] {
                case "n": character = "\n"
                case "t": character = "\t"
                case "'", "\"", "\\": character = source[position]
                default: escaped = "\\\(source[position])"
                }
            }
            if character == "'" || character == "\\" && escaped.isEmpty { escaped = "\\\(character)" }
            canonical += escaped.isEmpty ? String(character) : escaped
            position += 1
        }
        position = min(position + 1, source.count)
        canonical += "'"
    }
}
