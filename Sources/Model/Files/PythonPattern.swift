internal import Foundation

/// A regular expression as PEFT's configuration has it, which gives the matches that Python's `re` gives.
///
/// ICU's engine matches. What ICU and `re` read differently is refused, and so is a match that would take very long.
struct PythonPattern {
    private let expression: NSRegularExpression
    private let source: String
    private let path, field: String

    /// In bytes, and in groups that capture: far beyond any of PEFT's, and small enough for ICU to match without running out of
    /// memory, which it would not report.
    private static let (longest, mostGroups) = (1 << 14, 64)
    /// ICU reports progress every few thousand steps of backtracking; names of modules take a few dozen steps.
    private static let mostReports = 5

    /// An expression that has to match a name as a whole: `re.fullmatch(source, name)`.
    init(wholeName source: String, path: String, field: String) throws(ModelFileError) {
        // Checked by itself first, so that the parentheses around it can't complete it.
        let checked = try PythonPattern(source, source: source, path: path, field: field)
        try self.init(icu: "\\A(?:\(checked.expression.pattern))\\z", source: source, path: path, field: field)
    }

    /// An expression that has to match from the beginning of a name: `re.match(text, name)`.
    /// - Parameter source: the part of it that stands in the file.
    init(_ text: String, source: String, path: String, field: String) throws(ModelFileError) {
        guard source.utf8.count <= Self.longest else {
            throw .unsupported(
                path: path, field: field, supported: "expressions of up to \(Self.longest) bytes",
                found: "a regular expression of \(source.utf8.count)")
        }
        var dialect = PythonDialect(text)
        guard let translated = dialect.translated() else {
            throw Self.unsupported(source, "\(dialect.refused) in it", path, field)
        }
        try self.init(icu: translated, source: source, path: path, field: field)
    }

    private init(icu: String, source: String, path: String, field: String) throws(ModelFileError) {
        do { expression = try NSRegularExpression(pattern: icu) } catch {
            throw .malformed(
                path: path, field: field, expected: "a regular expression as Python and ICU read it",
                found: "\"\(source.prefix(60))\"")
        }
        guard expression.numberOfCaptureGroups <= Self.mostGroups else {
            throw .unsupported(
                path: path, field: field, supported: "up to \(Self.mostGroups) groups",
                found: "a regular expression with \(expression.numberOfCaptureGroups) groups")
        }
        (self.source, self.path, self.field) = (source, path, field)
    }

    func matches(_ name: String) throws(ModelFileError) -> Bool { try match(name) != nil }

    /// What the last group captured: nil when there is no match, "" when the group took no part in it.
    func lastGroup(in name: String) throws(ModelFileError) -> String? {
        guard let match = try match(name) else { return nil }
        guard let range = Range(match.range(at: match.numberOfRanges - 1), in: name) else { return "" }
        return String(name[range])
    }

    private func match(_ name: String) throws(ModelFileError) -> NSTextCheckingResult? {
        var found: NSTextCheckingResult?
        var reports = 0
        expression.enumerateMatches(
            in: name, options: [.anchored, .reportProgress], range: NSRange(name.startIndex..., in: name)
        ) { result, _, stop in
            if let result { found = result } else { reports += 1 }
            if result != nil || reports > Self.mostReports { stop.pointee = true }
        }
        guard reports <= Self.mostReports else {
            throw .unsupported(
                path: path, field: field, supported: "expressions that are quick to match; list the modules' names instead",
                found: "\"\(source.prefix(60))\"")
        }
        return found
    }

    private static func unsupported(_ source: String, _ what: String, _ path: String, _ field: String) -> ModelFileError {
        .unsupported(
            path: path, field: field, supported: "what Python's and ICU's regular expressions have in common; or list the modules' names",
            found: "\"\(source.prefix(60))\" with \(what)")
    }
}

/// Walks an expression of Python's `re` and rewrites it for ICU, up to the first thing that the two read differently.
private struct PythonDialect {
    private let characters: [Character]
    private var position = 0
    private var output = ""
    /// What stopped the translation.
    private(set) var refused = ""

    init(_ text: String) { characters = Array(text) }

    /// The expression for ICU; nil with `refused` set when it has none.
    mutating func translated() -> String? {
        while position < characters.count {
            let isUnderstood =
                switch characters[position] {
                case "\\": escape(inSet: false)
                case "[": set()
                case "(" where next(1) == "?": extendedGroup()
                default: copy(1)
                }
            guard isUnderstood else { return nil }
        }
        return output
    }

    private func next(_ distance: Int) -> Character? {
        position + distance < characters.count ? characters[position + distance] : nil
    }

    private func follows(_ text: String) -> Bool { characters[position...].starts(with: text) }

    private mutating func copy(_ count: Int) -> Bool {
        output += String(characters[position..<min(characters.count, position + count)])
        position += count
        return true
    }

    private mutating func refuse(_ what: String) -> Bool {
        refused = what
        return false
    }

    private mutating func escape(inSet: Bool) -> Bool {
        guard let letter = next(1) else { return refuse("\"\\\" at its end") }
        if !inSet, letter == "Z" {
            // Python's \Z is the very end, which ICU calls \z.
            output += "\\z"
            position += 2
            return true
        }
        let meaningAlike = inSet ? "dDsSwWnrtfxu" : "dDsSwWnrtfxuAbB"
        guard !letter.isLetter || meaningAlike.contains(letter) else { return refuse("\"\\\(letter)\"") }
        return copy(2)
    }

    /// A set up to its "]". ICU has sets within sets and operators between them, which `re` has not.
    private mutating func set() -> Bool {
        guard copy(1) else { return false }
        if next(0) == "^" { _ = copy(1) }
        if next(0) == "]" { _ = copy(1) }
        while let character = next(0), character != "]" {
            if character == "[" || follows("&&") || follows("--") { return refuse("\"\(character)\" within a set") }
            guard character == "\\" ? escape(inSet: true) : copy(1) else { return false }
        }
        return copy(1)
    }

    /// A group that begins with "(?".
    private mutating func extendedGroup() -> Bool {
        for start in ["(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?s:", "(?m:"] where follows(start) {
            return copy(start.count)
        }
        // Python takes flags for the whole expression at its beginning only.
        for flag in ["(?i)", "(?s)", "(?m)"] where position == 0 && follows(flag) { return copy(flag.count) }
        if follows("(?P<"), let end = characters[position...].firstIndex(of: ">") {
            // The number of the group stays; nothing can refer to its name, since "(?P=" is refused.
            output += "("
            position = end + 1
            return true
        }
        return refuse("\"(?\(next(2).map(String.init) ?? "")\"")
    }
}
