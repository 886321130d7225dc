/// Finds the final answer in a solution. Marked answers are in ``AnswerMarks``, unmarked ones in ``LoneQuantity``.
package enum AnswerExtraction {
    /// First match of `#### (\-?[0-9\.\,]+)` without its commas: GSM8K's own rule. Nil when there is none.
    package static func gsm8k(_ text: String) -> String? {
        HarnessRule.firstMarked(Array(text.utf8)).map { String(decoding: $0.filter { $0 != UInt8(ascii: ",") }, as: UTF8.self) }
    }

    /// Content of the last `\boxed{…}` or `\fbox{…}` with balanced braces; for `\boxed x`, the text up to the next `$` or the
    /// end. Nil when there is none or its braces do not close.
    package static func lastBoxed(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard let end = ["\\boxed", "\\fbox"].compactMap({ endOfLast($0, in: bytes) }).max(), let content = boxed(bytes[end...])
        else { return nil }
        return bytes[end...].drop(while: isSpace).first == UInt8(ascii: "{") ? String(decoding: content, as: UTF8.self) : trimmed(content)
    }

    /// What the command in front boxes; nil when its braces do not close.
    static func boxed(_ rest: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let content = rest.drop(while: isSpace)
        guard content.first == UInt8(ascii: "{") else {
            return rest.first == UInt8(ascii: " ") ? content.prefix { $0 != UInt8(ascii: "$") } : nil
        }
        var depth = 0
        for index in content.indices.prefix(longestBox) {
            if content[index] == UInt8(ascii: "{") { depth += 1 }
            guard content[index] == UInt8(ascii: "}") else { continue }
            depth -= 1
            if depth == 0 { return content[(content.startIndex + 1)..<index] }
        }
        return nil
    }

    /// Boxes are looked for in texts that hold thousands of them without an end.
    private static let longestBox = 4096

    /// An answer that the text marks as such: after `####`, in a box, or after "answer is" or "answer:".
    package static func stated(_ text: String) -> String? { AnswerMarks(Array(text.utf8)).answer }

    /// Texts longer than this are not an answer alone.
    private static let longestBareAnswer = 256

    /// The stated answer, else the text itself where it can be read as one answer, else what its last line has in bold, else its
    /// last number.
    package static func flexible(_ text: String) -> String? {
        if let stated = stated(text) ?? bare(text) { return stated }
        return boldInLastLine(text) ?? LoneQuantity.last(in: withoutHeadings(text))
    }

    /// The gold answer that a data file gives: bare as it is, and what is marked in a worked answer.
    package static func gold(_ text: String) -> String {
        let isWorked = text.firstRange(of: "####") != nil || text.firstRange(of: "\\boxed") != nil || text.firstRange(of: "\\fbox") != nil
        return isWorked ? stated(text) ?? "" : text
    }

    /// The gold answer of a worked solution: what it marks, or the whole of it where that is an answer. Nil when there is none.
    package static func gold(ofWorked solution: String) -> String? { stated(solution) ?? bare(solution) }

    /// The text itself where it is an answer and nothing else: mathematics, or up to three words.
    private static func bare(_ text: String) -> String? {
        guard text.utf8.count <= longestBareAnswer, !isListItem(text) else { return nil }
        let plain = AnswerPhrase.unlabelled(text)
        let answer = Answer(plain)
        guard answer.isReadable, !answer.isWords || text.split(whereSeparator: \.isWhitespace).count <= 3 else { return nil }
        return plain
    }

    /// "6. Compare them" numbers a step; "6." and "6. 5" may be answers.
    private static func isListItem(_ text: String) -> Bool {
        let behind = text.drop { $0.isWhitespace }.drop { $0.isNumber }
        guard behind.first == "." || behind.first == ")", behind.dropFirst().first?.isWhitespace == true else { return false }
        return text.contains { $0.isNumber } && behind.dropFirst().first { !$0.isWhitespace && $0 != "*" }?.isLetter == true
    }

    private static func withoutHeadings(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "#")) else { return text }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return lines.filter { !$0.hasPrefix("#") }.joined(separator: "\n")
    }

    private static func boldInLastLine(_ text: String) -> String? {
        let lines = text.split(whereSeparator: \.isNewline)
        guard let line = lines.last(where: { !$0.allSatisfy(\.isWhitespace) }), line.firstRange(of: "**") != nil else { return nil }
        return AnswerPhrase.bold(in: String(line)).last
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Where the last occurrence of a mark ends.
    private static func endOfLast(_ mark: String, in bytes: [UInt8]) -> Int? {
        let mark = Array(mark.utf8)
        var end = bytes.count
        while end >= mark.count {
            if bytes[end - 1] == mark[mark.count - 1], bytes[(end - mark.count)..<end].elementsEqual(mark) { return end }
            end -= 1
        }
        return nil
    }

    static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        var text = bytes.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(decoding: text, as: UTF8.self)
    }
}
