/// Finds the final answer in a solution. Every rule is one pass over the text's bytes.
package enum AnswerExtraction {
    /// First match of `#### (\-?[0-9\.\,]+)` without its commas: GSM8K's own rule. Nil when there is none.
    package static func gsm8k(_ text: String) -> String? {
        HarnessRule.firstMarked(Array(text.utf8)).map { String(decoding: $0.filter { $0 != UInt8(ascii: ",") }, as: UTF8.self) }
    }

    /// Content of the last `\boxed{…}` or `\fbox{…}` with balanced braces; for `\boxed x`, the text up to the next `$` or the
    /// end. Nil when there is none or its braces do not close.
    package static func lastBoxed(_ text: String) -> String? { lastBoxed(Array(text.utf8)) }

    private static func lastBoxed(_ bytes: [UInt8]) -> String? {
        guard let end = ["\\boxed", "\\fbox"].compactMap({ endOfLast($0, in: bytes) }).max() else { return nil }
        let rest = bytes[end...]
        let content = rest.drop(while: isSpace)
        guard content.first == UInt8(ascii: "{") else {
            return rest.first == UInt8(ascii: " ") ? trimmed(content.prefix { $0 != UInt8(ascii: "$") }) : nil
        }
        var depth = 0
        for index in content.indices {
            if content[index] == UInt8(ascii: "{") { depth += 1 }
            guard content[index] == UInt8(ascii: "}") else { continue }
            depth -= 1
            if depth == 0 { return String(decoding: content[(content.startIndex + 1)..<index], as: UTF8.self) }
        }
        return nil
    }

    /// An answer that the text marks as such: after the last `####`, in the last box, or after "answer is" or "answer:".
    package static func stated(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        if let end = endOfLast("####", in: bytes) { return firstLine(bytes[end...]) }
        if let boxed = lastBoxed(bytes) { return boxed }
        let lower = bytes.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        guard let end = ["answer is", "answer:"].compactMap({ endOfLast($0, in: lower) }).max() else { return nil }
        return firstLine(bytes[end...].drop { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: " ") }).map(firstSentence)
    }

    /// Texts longer than this are not an answer alone.
    private static let longestBareAnswer = 256

    /// The stated answer, else the text itself where it can be read as one answer, else its last number.
    package static func flexible(_ text: String) -> String? {
        if let stated = stated(text) { return stated }
        guard text.utf8.count <= longestBareAnswer, Answer(text).value != nil else { return lastNumber(text) }
        return text
    }

    /// The last number of the text, with a sign that does not belong to a subtraction. Nil when it is a part of something
    /// larger, as the 2 of `\frac{1}{2}` and of x^2 is.
    package static func lastNumber(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard var end = bytes.lastIndex(where: isDigit) else { return nil }
        var start = end
        end += 1
        while start > 0 {
            let before = bytes[start - 1]
            let joins = before == UInt8(ascii: ",") || before == UInt8(ascii: "/")
            guard isDigit(before) || before == UInt8(ascii: ".") || (joins && start > 1 && isDigit(bytes[start - 2])) else { break }
            start -= 1
        }
        if end < bytes.count, bytes[end] == UInt8(ascii: "}") { return nil }
        if start > 0, "{^_\\".utf8.contains(bytes[start - 1]) { return nil }
        if start > 0, bytes[start - 1] == UInt8(ascii: "$") { start -= 1 }
        let minus = Array("−".utf8)
        let sign = bytes[..<start].last == UInt8(ascii: "-") ? 1 : bytes[..<start].suffix(minus.count).elementsEqual(minus) ? minus.count : 0
        if sign > 0, start == sign || !isDigit(bytes[start - sign - 1]) { start -= sign }
        if end < bytes.count, bytes[end] == UInt8(ascii: "%") { end += 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

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

    private static func firstLine(_ bytes: ArraySlice<UInt8>) -> String? {
        let line = trimmed(bytes.drop(while: isSpace).prefix { $0 != 0x0A && $0 != 0x0D })
        return line.isEmpty ? nil : line
    }

    /// "18. So she has" is 18: up to a point that white space follows.
    private static func firstSentence(_ line: String) -> String {
        let bytes = Array(line.utf8)
        let end = bytes.indices.dropLast().first { bytes[$0] == UInt8(ascii: ".") && isSpace(bytes[$0 + 1]) }
        return end.map { String(decoding: bytes[..<$0], as: UTF8.self) } ?? line
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        var text = bytes.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(decoding: text, as: UTF8.self)
    }
}
