/// Which problems of a file have prompts, or examples of a solution after its prompt, that are longer than allowed.
package struct LongPrompts: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case prompts = "prompt"
        case examples = "example"
    }

    private let kind: Kind
    /// Tokens that one may have.
    package let limit: Int
    package private(set) var count = 0
    /// Of the longest one left out.
    package private(set) var longest = 0
    /// The first few.
    package private(set) var lines: [Int] = []

    private static let shownLines = 8

    package init(limit: Int, of kind: Kind = .prompts) { (self.limit, self.kind) = (limit, kind) }

    package mutating func add(_ length: Int, line: Int) {
        count += 1
        longest = max(longest, length)
        if lines.count < Self.shownLines { lines.append(line) }
    }

    /// "3 prompts of train.jsonl are longer than 512 tokens (lines 4, 7, 9; the longest has 702)".
    package func sentence(of name: String) -> String {
        let places = lines.map(String.init).joined(separator: ", ") + (count > lines.count ? ", …" : "")
        return "\(count) \(kind.rawValue)\(count == 1 ? "" : "s") of \(name) \(count == 1 ? "is" : "are") longer than \(limit) tokens "
            + "(line\(count == 1 ? "" : "s") \(places); the longest has \(longest))"
    }
}
