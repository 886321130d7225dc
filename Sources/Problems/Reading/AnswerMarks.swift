/// The places of a text that are marked as its answer: `#### …`, `\boxed{…}`, "the answer is …", "Answer: …", "the correct option is …",
/// `<answer>…</answer>`.
///
/// The last one that says a value counts, wherever the others stand; of those that say words, the last one counts where no
/// value is marked. Markdown headings (`#### Step 1: …`) are no answers.
struct AnswerMarks {
    private enum Kind { case hashes, sentence, box }

    private struct Mark {
        let kind: Kind
        /// Where its content begins, and where a box ends.
        let start: Int, end: Int
    }

    private let bytes: [UInt8]
    private var marks: [Mark] = []
    /// Marks that are looked at, from the last one.
    private static let limit = 24
    private static let tag = "<answer>", endTag = "</answer>"
    private static let nouns = ["answer", "correct option", "correct choice", "correct answer choice"]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "#") where begins("####", at: index) && (index == 0 || bytes[index - 1] != UInt8(ascii: "#")):
                let start = bytes[index...].firstIndex { $0 != UInt8(ascii: "#") } ?? bytes.count
                marks.append(Mark(kind: .hashes, start: start, end: start))
            case UInt8(ascii: "\\"):
                if let box = box(at: index) { marks.append(box) }
            case UInt8(ascii: "<") where lower(index..<(index + Self.tag.count)) == Self.tag:
                marks.append(Mark(kind: .sentence, start: index + Self.tag.count, end: index + Self.tag.count))
            case UInt8(ascii: "a"), UInt8(ascii: "A"), UInt8(ascii: "c"), UInt8(ascii: "C"):
                if let start = sentence(at: index) { marks.append(Mark(kind: .sentence, start: start, end: start)) }
            default: break
            }
        }
    }

    /// The marked answer; nil when nothing is marked.
    var answer: String? {
        var words: String?
        var index = marks.count
        while index > 0, index > marks.count - Self.limit {
            index -= 1
            let mark = marks[index]
            if mark.kind == .box {
                let (first, text) = boxes(endingWith: index)
                if isNegated(before: marks[first].start) || text.isEmpty { continue }
                return text
            }
            guard let line = line(from: mark.start), mark.kind != .hashes || !isHeading(line, mark.start) else { continue }
            let phrase = AnswerPhrase(line)
            if phrase.strength == .value { return phrase.answer }
            if phrase.strength == .text, words == nil { words = phrase.answer }
        }
        return words
    }

    // MARK: Finding marks

    private func begins(_ text: StaticString, at index: Int) -> Bool {
        guard index + text.utf8CodeUnitCount <= bytes.count else { return false }
        return text.withUTF8Buffer { text in text.indices.allSatisfy { bytes[index + $0] == text[$0] } }
    }

    /// The same of lower-case letters and spaces, whatever the case of the bytes.
    private func begins(_ text: String, inAnyCaseAt index: Int) -> Bool {
        var place = index
        for byte in text.utf8 {
            guard place < bytes.count else { return false }
            let lower = (0x41...0x5A).contains(bytes[place]) ? bytes[place] | 0x20 : bytes[place]
            if lower != byte { return false }
            place += 1
        }
        return true
    }

    private func lower(_ range: Range<Int>) -> String {
        String(decoding: bytes[range.clamped(to: bytes.indices)].map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// Where the content of "answer is", "**Answer:**" and the like begins.
    private func sentence(at index: Int) -> Int? {
        guard index == 0 || !Self.isLetter(bytes[index - 1]), let noun = Self.nouns.first(where: { begins($0, inAnyCaseAt: index) })
        else { return nil }
        var place = index + noun.utf8.count
        if place < bytes.count, bytes[place] | 0x20 == UInt8(ascii: "s") { place += 1 }
        while place < bytes.count, [0x20, UInt8(ascii: "*"), UInt8(ascii: "_")].contains(bytes[place]) { place += 1 }
        guard place < bytes.count, !lower(max(0, index - 12)..<index).contains("if ") else { return nil }
        if bytes[place] == UInt8(ascii: ":") || bytes[place] == UInt8(ascii: "=") { return place + 1 }
        let verbs = ["is", "are", "would be", "must be", "should be", "will be"]
        return verbs.first { lower(place..<(place + $0.count)) == $0 }.flatMap { verb in
            let end = place + verb.count
            return end < bytes.count && Self.isLetter(bytes[end]) ? nil : end
        }
    }

    /// A box whose braces close.
    private func box(at index: Int) -> Mark? {
        guard begins("\\boxed", at: index) || begins("\\fbox", at: index) else { return nil }
        let content = AnswerExtraction.boxed(bytes[(index + (bytes[index + 1] == UInt8(ascii: "b") ? 6 : 5))...])
        return content.map { Mark(kind: .box, start: index, end: $0.endIndex) }
    }

    // MARK: Reading marks

    private func text(of box: Mark) -> String {
        let skipped = bytes[box.start + 1] == UInt8(ascii: "b") ? 6 : 5
        return AnswerExtraction.boxed(bytes[(box.start + skipped)...]).map(AnswerExtraction.trimmed) ?? ""
    }

    /// Boxes that are joined by a comma or "and" are one answer: `\boxed{2} and $y=\boxed{3}$`.
    private func boxes(endingWith last: Int) -> (first: Int, text: String) {
        var (first, texts) = (last, [text(of: marks[last])])
        while first > 0, marks[first - 1].kind == .box, let joint = joint(marks[first - 1].end, marks[first].start) {
            first -= 1
            let other = text(of: marks[first])
            if !texts.contains(other) { texts.insert(joint == "or" ? other + " or" : other + ",", at: 0) }
        }
        return (first, texts.joined(separator: " "))
    }

    /// What joins two boxes; nil when it is more than that.
    private func joint(_ start: Int, _ end: Int) -> String? {
        guard start <= end, end - start <= 32 else { return nil }
        let gap = lower(start..<end)
        let spacing: Set<Substring> = ["quad", "qquad", "text"]
        let words: [Substring] = gap.split { !$0.isLetter }.filter { !spacing.contains($0) }
        let isNamed = gap.contains("=") || gap.contains("≈")
        let joints = words.filter { $0 == "and" || $0 == "or" }
        let others = words.filter { $0 != "and" && $0 != "or" }
        guard others.count <= (isNamed ? 1 : 0), others.allSatisfy({ $0.count == 1 }), !gap.contains(".") else { return nil }
        guard !joints.isEmpty || gap.contains(",") || gap.contains(";") else { return nil }
        return joints.contains("or") ? "or" : "and"
    }

    private func isNegated(before index: Int) -> Bool {
        let before = lower(max(0, index - 8)..<index).split { $0.isWhitespace || $0 == "$" || $0 == "*" }.last.map(String.init)
        return before == "not" || before == "never" || before?.hasSuffix("n't") == true
    }

    private func line(from start: Int) -> String? {
        var rest = bytes[start...]
        while let first = rest.first {
            // A bold mark before a space closes what stands before the answer.
            let bold = rest.starts(with: [0x2A, 0x2A]) ? rest.dropFirst(2) : nil
            let closes = bold.map { $0.first.map(AnswerExtraction.isSpace) ?? true } ?? false
            guard closes || first == UInt8(ascii: ":") || AnswerExtraction.isSpace(first) else { break }
            rest = rest.dropFirst(closes ? 2 : 1)
        }
        var line = AnswerExtraction.trimmed(rest.prefix { $0 != 0x0A && $0 != 0x0D })
        if let tag = line.firstRange(of: Self.endTag) { line = String(line[..<tag.lowerBound]) }
        guard !line.isEmpty else { return nil }
        // "#### Final answer" has it on the next line.
        let isLabel = AnswerPhrase.unlabelled(line.replacing("**", with: "")).isEmpty
        guard isLabel, let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) else { return line }
        return self.line(from: end + 1)
    }

    // MARK: Headings

    private static let headings: Set<String> = [
        "step", "steps", "part", "case", "explanation", "verification", "verify", "check", "checking", "method", "approach", "note", "notes",
        "reasoning", "section", "problem", "question", "example", "calculation", "calculations", "analysis", "given", "understanding", "understand",
        "setup", "equation", "stage", "phase", "day", "proof", "hint", "lemma", "exercise", "task", "round", "work", "working", "first",
        "second", "third", "next", "interpretation", "justification", "breakdown", "details", "background", "introduction", "summary", "theorem",
        "definition", "figure", "table",
    ]
    /// Headings that do have an answer behind a colon.
    private static let titles: Set<String> = [
        "solution", "conclusion", "finding", "find", "compute", "computing", "calculate", "calculating", "determine", "let",
    ]

    /// Whether a line behind `####` is a heading: it begins with a heading's word, or it is the k-th one and begins with "k.".
    private func isHeading(_ line: String, _ start: Int) -> Bool {
        let text = line.drop { !$0.isLetter && !$0.isNumber && $0 != "\\" && $0 != "$" && $0 != "(" && $0 != "-" }
        let word = text.prefix { $0.isLetter }.lowercased()
        if Self.headings.contains(word) { return true }
        let behind = bytes[start...].drop { AnswerExtraction.isSpace($0) }.drop { $0 != 0x0A }
        let isFollowed = behind.contains { !AnswerExtraction.isSpace($0) }
        if Self.titles.contains(word) {
            guard let colon = text.firstIndex(of: ":") else { return true }
            return !Answer(String(text[text.index(after: colon)...])).isReadable
        }
        let digits = text.prefix { $0.isNumber }
        let rest = text.dropFirst(digits.count)
        if !digits.isEmpty, let sign = rest.first, sign == "." || sign == ")", rest.dropFirst().first == " ",
            rest.dropFirst(2).first(where: { $0 != "*" })?.isLetter == true
        {
            return isFollowed && Int(digits) == marks.count { $0.kind == .hashes && $0.start <= start }
        }
        // Words with something behind them, and no number: a title.
        return isFollowed && !word.isEmpty && !line.contains { $0.isNumber || $0 == "\\" } && text.split(separator: " ").count > 2
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
}
