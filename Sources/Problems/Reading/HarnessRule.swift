/// The two rules by which lm-evaluation-harness judges GSM8K (task `gsm8k`), so that figures can be compared with published ones.
///
/// Both compare texts, not numbers, after the task's `regexes_to_ignore` and without regard to case. The reward has a more
/// lenient rule of its own, ``Answer``.
package enum HarnessRule: String, Sendable, CaseIterable {
    /// The first match of `#### (\-?[0-9\.\,]+)`.
    case strict = "strict-match"
    /// The last match of `(-?[$0-9.,]{2,})|(-?[0-9]+)`.
    case flexible = "flexible-extract"

    /// What the harness says where a rule finds nothing.
    package static let invalid = "[invalid]"

    /// Whether a response counts as right. The gold answer may be bare or GSM8K's whole solution.
    package func isCorrect(_ response: String, gold: String) -> Bool {
        Self.normalized(Array(extracted(from: response).utf8)) == Self.normalized(Array(gold.utf8))
    }

    /// What the rule takes as the answer; `[invalid]` where it finds none, as the harness says it.
    package func extracted(from response: String) -> String {
        let bytes = Array(response.utf8)
        let match = self == .strict ? Self.firstMarked(bytes) : Self.lastNumeral(bytes)
        return match.map { String(decoding: $0, as: UTF8.self) } ?? Self.invalid
    }

    private static let mark = Array("#### ".utf8)

    static func firstMarked(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
        var start = 0
        while start + mark.count < bytes.count {
            defer { start += 1 }
            guard bytes[start] == mark[0], bytes[start..<start + mark.count].elementsEqual(mark) else { continue }
            let content = bytes[(start + mark.count)...]
            let digits = content.dropFirst(content.first == UInt8(ascii: "-") ? 1 : 0).prefix { isDigit($0) || $0 == 0x2E || $0 == 0x2C }
            if !digits.isEmpty { return bytes[content.startIndex..<digits.endIndex] }
        }
        return nil
    }

    private static func lastNumeral(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
        var (last, start): (ArraySlice<UInt8>?, Int) = (nil, 0)
        while start < bytes.count {
            let first = bytes[start] == UInt8(ascii: "-") ? start + 1 : start
            let run = bytes[first...].prefix { isDigit($0) || $0 == 0x24 || $0 == 0x2E || $0 == 0x2C }
            let isMatch = run.count >= 2 || run.first.map(isDigit) == true
            if isMatch { last = bytes[start..<run.endIndex] }
            start = isMatch ? run.endIndex : start + 1
        }
        return last
    }

    /// Without commas, dollars, all up to the last `#### `, and a point at the end; lower case.
    private static func normalized(_ bytes: [UInt8]) -> [UInt8] {
        var rest = bytes.filter { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "$") }[...]
        var end = rest.count
        while end >= mark.count {
            if rest[(end - mark.count)..<end].elementsEqual(mark) { break }
            end -= 1
        }
        if end >= mark.count { rest = rest[end...] }
        // Python's $ also stands before a newline at the end.
        if rest.last == UInt8(ascii: ".") { rest.removeLast() } else if rest.suffix(2).elementsEqual(Array(".\n".utf8)) {
            rest = rest.dropLast(2) + [0x0A]
        }
        return rest.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
