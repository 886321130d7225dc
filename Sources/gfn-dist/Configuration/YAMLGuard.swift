/// What of YAML a file of settings may not use, found before the parser sees it.
///
/// References (`&a`, `*a`) let a few lines stand for billions of values, and the parser expands them while it compares
/// keys; nesting costs it stack. Settings need neither, and the parser cannot be told so.
///
/// Quotes are not followed: a guard that can be talked into believing that it is within them guards nothing.
struct YAMLGuard {
    /// Settings nest two deep.
    private static let deepest = 16

    /// Behind an indicator, to the parser: it takes NUL for the end of a line.
    private static let blanks: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "\t"), 0]

    /// The first line that is refused, counted from 1; nil when there is none.
    private(set) var refusedLine: (number: Int, reason: String)?

    init(_ text: String) {
        // Brackets that are open, over all lines.
        var depth = 0
        let separators: Set<Unicode.Scalar> = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]
        var number = 1
        for line in text.unicodeScalars.split(omittingEmptySubsequences: false, whereSeparator: { separators.contains($0) }) {
            if let reason = Self.reason(String(Substring(line)), depth: &depth) {
                refusedLine = (number, reason)
                return
            }
            number += 1
        }
    }

    private static func reason(_ line: String, depth: inout Int) -> String? {
        // A remark, unless a quote in it ends a text that began above.
        if line.drop(while: { $0 == " " || $0 == "\t" }).first == "#", !line.contains(where: { $0 == "\"" || $0 == "'" }) { return nil }
        // A token begins at the beginning of a line, after an indicator and after a tag; elsewhere '&' is a letter.
        var (isStart, isTag) = (true, false)
        // Marks of lists and keys before the first token: each begins one more level.
        var marks = 0
        var previous = UInt8(ascii: " ")
        let bytes = Array(line.utf8)
        for (place, byte) in bytes.enumerated() {
            defer { previous = byte }
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"):
                if isTag || [UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "?")].contains(previous) { (isStart, isTag) = (true, false) }
            case UInt8(ascii: "&") where isStart, UInt8(ascii: "*") where isStart:
                return "references (&name, *name) are not supported in a configuration; write the values out, or put quotes around the text"
            case UInt8(ascii: "["), UInt8(ascii: "{"): (depth, isStart) = (depth + 1, true)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): (depth, isStart) = (max(0, depth - 1), false)
            case UInt8(ascii: ","): isStart = true
            case UInt8(ascii: "!") where isStart: (isStart, isTag) = (false, true)
            // The sign of a number is no mark: one has a blank behind it, or nothing.
            case UInt8(ascii: "-") where isStart && place + 1 < bytes.count && !Self.blanks.contains(bytes[place + 1]): break
            case UInt8(ascii: "-") where isStart, UInt8(ascii: "?") where isStart, UInt8(ascii: ":") where isStart: marks += 1
            default: if !isTag { isStart = false }
            }
            if depth + marks > deepest {
                return "more than \(deepest) levels of nesting, expected settings as 'key: value' below at most one heading"
            }
        }
        return nil
    }
}
