/// What a line that is marked as an answer says: `72 clips, altogether.`, `She pays **73** euros`, `not 73 but 74`.
struct AnswerPhrase {
    enum Strength: Int, Comparable {
        /// It says nothing that could be an answer.
        case none
        /// Words, or notation that is not known: only the same text equals it.
        case text
        case value

        static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }

    let answer: String
    let strength: Strength

    /// A longer line is cut before it is read.
    private static let longest = 240

    init(_ line: String) {
        let short = String(line.unicodeScalars.prefix(Self.longest))
        let plain = Self.unlabelled(Self.withoutAside(short.replacing("**", with: "").replacing("__", with: "")))
        if let value = Self.value(of: plain, bold: Self.bold(in: short), whole: short) {
            (answer, strength) = (value, .value)
        } else {
            // A value that is taken back ("73? No, 74") stays in its sentence.
            let first = Self.trimmed(Self.firstSentence(plain))
            let sentence = Self.reads(first) ? plain : first
            (answer, strength) = (sentence, sentence.contains { $0.isLetter || $0.isNumber || $0 == "\\" } ? .text : .none)
        }
    }

    private static func value(of plain: String, bold: [String], whole: String) -> String? {
        let lower = plain.lowercased()
        if isNegated(lower) {
            guard let but = ["but ", "rather ", "instead "].compactMap({ lower.firstRange(of: $0)?.upperBound }).min() else { return nil }
            let rest = String(lower[but...])
            return isNegated(rest) ? nil : value(of: trimmed(rest), bold: bold, whole: rest)
        }
        if reads(plain) { return withoutStop(plain) }
        if let bold = bold.last { return bold }
        let leading = leading(plain)
        if leading.answer != nil || leading.isDoubted || doubted(lower) { return leading.answer }
        return LoneQuantity.last(in: firstSentence(plain))
    }

    private static func withoutStop(_ text: String) -> String {
        let text = trimmed(text)
        return text.hasSuffix(".") && !text.hasSuffix("..") ? String(text.dropLast()) : text
    }

    private static func reads(_ text: String) -> Bool {
        let answer = Answer(text)
        return answer.isReadable && !answer.isWords
    }

    private static func isNegated(_ lower: String) -> Bool {
        ["not ", "never ", "no longer ", "neither ", "definitely not ", "certainly not "].contains { lower.hasPrefix($0) }
    }

    /// Whether it takes back what it says.
    private static func doubted(_ lower: String) -> Bool { ["wrong", "incorrect", "n't ", "n’t "].contains { lower.contains($0) } }

    // MARK: The quantity in front

    private static let breaks: Set<String> = [
        "because", "since", "as", "so", "which", "that", "in", "for", "when", "after", "of", "if", "with", "from", "at", "who", "where", "is",
        "are", "by", "on", "will", "was", "were", "has", "have", "we", "left", "per",
    ]
    /// What says that the quantity before it was not the last word.
    private static let doubts: Set<String> = ["maybe", "perhaps", "or", "possibly", "but", "no", "wait", "actually", "and", "to", "hmm"]

    /// The longest beginning that can be read and that ends where a clause ends, unless what follows goes on with it.
    private static func leading(_ text: String) -> (answer: String?, isDoubted: Bool) {
        let characters = Array(text)
        var found: String?
        var (tries, hasEnded) = (0, false)
        for index in characters.indices.dropLast() where tries < 24 {
            let endsSentence = ".!?".contains(characters[index]) && characters[index + 1].isWhitespace
            defer { hasEnded = hasEnded || endsSentence }
            if hasEnded { break }
            let isMark = ".,;!?:".contains(characters[index]) && characters[index + 1].isWhitespace || "—–".contains(characters[index])
            var word = ""
            if characters[index].isWhitespace {
                word = String(characters[(index + 1)...].prefix { $0.isLetter }).lowercased()
                let isDash = characters[index + 1] == "-" && index + 2 < characters.count && characters[index + 2].isWhitespace
                guard breaks.contains(word) || characters[index + 1] == "(" || isDash else { continue }
            } else if !isMark {
                continue
            }
            tries += 1
            let head = String(characters[..<index])
            guard reads(head) else { continue }
            let rest = String(characters[(index + 1)...]).drop { $0.isWhitespace || ".,;:".contains($0) }
            let next = rest.prefix { $0.isLetter }.lowercased()
            let second = rest.dropFirst(next.count).drop { $0.isWhitespace }
            // 12 of 30 is a share, "5, 6" goes on.
            if doubts.contains(next) || characters[index] == "?" || rest.first?.isNumber == true && !endsSentence { return (nil, true) }
            if word == "of", second.first?.isNumber == true { return (nil, true) }
            found = trimmed(head)
        }
        return (found, false)
    }

    // MARK: Marks and labels

    /// What stands in bold and is a value, unless "not" or a number of a list stands there.
    static func bold(in line: String) -> [String] {
        let parts = line.components(between: "**")
        guard parts.count > 2 else { return [] }
        return stride(from: 1, to: parts.count - 1, by: 2).compactMap { index in
            let before = parts[index - 1].lowercased()
            let isNegated = ["not ", "n't ", "n’t ", "or ", "to ", "than "].contains { before.hasSuffix($0) }
            let isDoubted = index + 1 < parts.count && ["or ", "to "].contains { parts[index + 1].drop { $0.isWhitespace }.hasPrefix($0) }
            let text = trimmed(unlabelled(parts[index]))
            return isNegated || isDoubted || !reads(text) ? nil : text
        }
    }

    /// Without an aside in brackets at the end: `12 (rounded)`. `(1, 2)` and `5 (x+1)` are none.
    private static func withoutAside(_ line: String) -> String {
        let text = trimmed(line)
        guard text.last == ")", let open = text.lastIndex(of: "("), open > text.startIndex, text[text.index(before: open)].isWhitespace
        else { return text }
        let words = text[open...].split { !$0.isLetter }
        return words.contains { $0.count > 1 } ? trimmed(String(text[..<open])) : text
    }

    private static let labels = [
        "the final answer is", "the answer is", "final answer is", "final answer", "answer is", "answer", "therefore", "thus", "hence", "so",
        "result", "ans", "option", "choice", "approximately", "about", "exactly", "simply", "just", "equal to", "that",
    ]

    /// Without "Final answer:", "≈" and the like in front.
    static func unlabelled(_ line: String) -> String {
        var text = trimmed(String(line.drop { $0.isWhitespace || ":*_≈~=`".contains($0) }))
        var isLabelled = true
        while isLabelled {
            isLabelled = false
            let lower = text.lowercased()
            for label in labels where lower.hasPrefix(label) {
                let rest = text.dropFirst(label.count)
                if rest.isEmpty { return "" }
                guard rest.first?.isLetter == false else { continue }
                text = String(rest.drop { $0.isWhitespace || ":*_≈~=,".contains($0) })
                isLabelled = true
                break
            }
        }
        return text
    }

    static func firstSentence(_ text: String) -> String {
        let characters = Array(text)
        let end = characters.indices.dropLast().first { ".!?".contains(characters[$0]) && characters[$0 + 1].isWhitespace }
        return end.map { String(characters[..<$0]) } ?? text
    }

    static func trimmed(_ text: String) -> String {
        var text = text.drop { $0.isWhitespace }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}

extension String {
    /// The parts between occurrences of a mark.
    fileprivate func components(between mark: String) -> [String] {
        var (parts, rest): ([String], Substring) = ([], self[...])
        while let range = rest.firstRange(of: mark) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
