/// Which problems of a file have no gold answer, or one that cannot be read.
package struct UnreadGolds: Sendable, Equatable {
    /// Places in the file; the first few lines, and how many there are.
    private struct Lines: Equatable {
        var count = 0
        var shown: [String] = []

        mutating func add(_ place: String) {
            count += 1
            if shown.count < 8 { shown.append(place) }
        }

        var text: String { "line\(count == 1 ? "" : "s") \(shown.joined(separator: ", "))\(count > shown.count ? ", …" : "")" }
    }

    private let problemCount: Int
    private var missing = Lines(), unread = Lines()

    package init(_ problems: [Problem], _ golds: [Answer?]) {
        problemCount = problems.count
        for (problem, gold) in zip(problems, golds) {
            guard let gold, let text = problem.answer else {
                missing.add("\(problem.line)")
                continue
            }
            if !gold.isReadable { unread.add("\(problem.line): \(text.prefix(40))") }
        }
    }

    /// Whether no response to any problem can be right.
    package var areAllMissing: Bool { missing.count == problemCount }

    /// "2 problems of train.jsonl have no gold answer (lines 4, 7)"; nil when all have one.
    package func missing(of name: String) -> String? {
        guard missing.count > 0 else { return nil }
        let subject = missing.count == 1 ? "1 problem of \(name) has" : "\(missing.count) problems of \(name) have"
        return "\(subject) no gold answer (\(missing.text))"
    }

    /// The same for gold answers that are neither mathematics nor words.
    package func unread(of name: String) -> String? {
        guard unread.count > 0 else { return nil }
        return "\(unread.count) gold answer\(unread.count == 1 ? "" : "s") of \(name) cannot be read (\(unread.text))"
    }
}
