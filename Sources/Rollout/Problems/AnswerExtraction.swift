internal import Foundation

/// Finds the final answer in a solution.
package enum AnswerExtraction {
    /// First match of `#### (\-?[0-9\.\,]+)` without its commas: GSM8K's own rule. Nil when there is none.
    package static func gsm8k(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        let mark = Array("#### ".utf8)
        guard bytes.count > mark.count else { return nil }
        for start in 0..<(bytes.count - mark.count) where bytes[start] == mark[0] {
            guard bytes[start..<start + mark.count].elementsEqual(mark) else { continue }
            var end = start + mark.count
            let hasSign = bytes[end] == UInt8(ascii: "-")
            if hasSign { end += 1 }
            let digits = bytes[end...].prefix { (0x30...0x39).contains($0) || $0 == 0x2E || $0 == 0x2C }
            if digits.isEmpty { continue }
            return (hasSign ? "-" : "") + String(decoding: digits.filter { $0 != 0x2C }, as: UTF8.self)
        }
        return nil
    }

    /// Content of the last `\boxed{…}` or `\fbox{…}` with balanced braces; for `\boxed x`, the text up to the next `$` or the
    /// end. Nil when there is none or its braces do not close.
    package static func lastBoxed(_ text: String) -> String? {
        let boxes = ["\\boxed", "\\fbox"].compactMap { text.range(of: $0, options: [.backwards, .literal]) }
        guard let box = boxes.max(by: { $0.lowerBound < $1.lowerBound }) else { return nil }
        let rest = text[box.upperBound...]
        let content = rest.drop { $0.isWhitespace }
        guard content.first == "{" else {
            return rest.first == " " ? String(content.prefix { $0 != "$" }).trimmingCharacters(in: .whitespaces) : nil
        }
        var depth = 0
        for index in content.indices {
            switch content[index] {
            case "{": depth += 1
            case "}":
                depth -= 1
                if depth == 0 { return String(content[content.index(after: content.startIndex)..<index]) }
            default: break
            }
        }
        return nil
    }

    /// An answer that the text marks as such: after `####`, in a box, or after "answer is" or "Answer:".
    package static func stated(_ text: String) -> String? {
        if let mark = text.range(of: "####", options: .backwards) {
            return firstLine(text[mark.upperBound...])
        }
        if let boxed = lastBoxed(text) { return boxed }
        let marks = ["answer is", "answer:"].compactMap { text.range(of: $0, options: [.backwards, .caseInsensitive]) }
        guard let mark = marks.max(by: { $0.upperBound < $1.upperBound }) else { return nil }
        return firstLine(text[mark.upperBound...].drop { ":* ".contains($0) })
    }

    /// The stated answer, else the text itself where it is one number, else its last number (the "flexible" rule of
    /// evaluation harnesses).
    package static func flexible(_ text: String) -> String? {
        if let stated = stated(text) { return stated }
        return Answer(text).value == nil ? lastNumber(text) : text
    }

    /// The last number of the text, with a sign that does not belong to a subtraction.
    package static func lastNumber(_ text: String) -> String? {
        let characters = Array(text)
        guard var end = characters.lastIndex(where: \.isASCIIDigit) else { return nil }
        var start = end
        end += 1
        while start > 0 {
            let before = characters[start - 1]
            let joins = before == "." || before == "," || before == "/"
            guard before.isASCIIDigit || (joins && start > 1 && characters[start - 2].isASCIIDigit) || before == "." else { break }
            start -= 1
        }
        if start > 0, "$".contains(characters[start - 1]) { start -= 1 }
        if start > 0, "-−".contains(characters[start - 1]), start == 1 || !characters[start - 2].isASCIIDigit { start -= 1 }
        if end < characters.count, characters[end] == "%" { end += 1 }
        return String(characters[start..<end])
    }

    private static func firstLine(_ text: Substring) -> String? {
        let line = text.drop { $0.isWhitespace }.prefix { !$0.isNewline }
        let trimmed = line.trimmingCharacters(in: .whitespaces)
        return trimmed.isEmpty ? nil : trimmed
    }
}

extension Character {
    var isASCIIDigit: Bool { isASCII && isNumber }
}
