package import Model

/// Where the steps of a response in words end: behind each line that is not blank.
package struct StepEnds: Sendable {
    /// By token id: whether its text ends in a newline, and whether it is nothing but white space.
    private let endsLine: [Bool]
    private let isBlank: [Bool]
    /// A newline that continues a text.
    package let lineEnd: [Int32]

    package init(_ tokenizer: Tokenizer) {
        let texts = (0..<Int32(tokenizer.vocabularySize)).map { tokenizer.decode([$0]) }
        endsLine = texts.map { $0.utf8.last == 0x0A }
        isBlank = texts.map { text in text.allSatisfy(\.isWhitespace) }
        lineEnd = tokenizer.encode("\n", place: .continuation)
    }

    /// Whether a line ends with this token.
    package func isLineEnd(_ token: Int32) -> Bool { endsLine.indices.contains(Int(token)) && endsLine[Int(token)] }

    /// How many tokens precede each end, ascending; the last one is the response's own end.
    package func indices(in response: [Int32]) -> [Int] {
        var (indices, hasText) = ([Int](), false)
        for (position, token) in response.dropLast().enumerated() {
            hasText = hasText || !(isBlank.indices.contains(Int(token)) && isBlank[Int(token)])
            guard hasText, isLineEnd(token) else { continue }
            hasText = false
            indices.append(position + 1)
        }
        return indices + [response.count]
    }
}
