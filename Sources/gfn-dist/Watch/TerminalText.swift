internal import Foundation

/// How text may look where it is shown.
struct TerminalStyle: Sendable {
    var isUnicode = true
    var hasColor = false

    /// As the environment says it: a locale other than UTF-8 has no blocks, and NO_COLOR or a file no colours.
    static func found(_ environment: [String: String], isTerminal: Bool, ascii: Bool) -> TerminalStyle {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let isUTF8 = locale.lowercased().replacing("-", with: "").contains("utf8")
        return TerminalStyle(isUnicode: isUTF8 && !ascii, hasColor: isTerminal && environment["NO_COLOR", default: ""].isEmpty)
    }
}

/// A line of a terminal: pieces of text in a tone each.
struct TerminalLine: Sendable, ExpressibleByStringLiteral {
    enum Tone: String, Sendable {
        case plain = "", strong = "1", faint = "2", good = "32", warning = "33", bad = "31"
    }

    private var pieces: [(text: String, tone: Tone)] = []

    init() {}
    init(_ text: String, _ tone: Tone = .plain) { pieces = [(text, tone)] }
    init(stringLiteral text: String) { self.init(text) }

    static func + (left: TerminalLine, right: TerminalLine) -> TerminalLine {
        var line = left
        line.pieces += right.pieces
        return line
    }

    /// Columns that it takes.
    var width: Int { pieces.reduce(0) { $0 + Self.width($1.text) } }

    /// As it is written, cut to so many columns.
    func text(columns: Int, _ style: TerminalStyle) -> String {
        var (left, text) = (columns, "")
        for piece in pieces where left > 0 {
            let shown = Self.cut(style.isUnicode ? piece.text : Self.plain(piece.text), to: left)
            left -= Self.width(shown)
            text += style.hasColor && piece.tone != .plain ? "\u{1B}[\(piece.tone.rawValue)m\(shown)\u{1B}[0m" : shown
        }
        return text
    }

    private static func cut(_ text: String, to columns: Int) -> String {
        var (width, end) = (0, text.startIndex)
        while end < text.endIndex {
            width += Self.width(of: text[end])
            if width > columns { break }
            end = text.index(after: end)
        }
        return String(text[..<end])
    }

    private static func width(_ text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    /// East Asian characters and pictures take two columns.
    private static func width(of character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
            0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return scalar.properties.generalCategory == .nonspacingMark ? 0 : 1
        }
    }

    private static func plain(_ text: String) -> String {
        String(text.map { character -> Character in
            switch character {
            case "·": "|"
            case "…": "~"
            case "⊤": "T"
            default: character.isASCII ? character : "?"
            }
        })
    }
}
