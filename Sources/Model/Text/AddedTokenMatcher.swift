/// Finds added tokens in text: the leftmost, and of those that begin there the longest.
struct AddedTokenMatcher: Sendable {
    enum Part {
        case token(Int32)
        /// A part of the text that is not empty.
        case text(Range<Int>)
    }

    /// A node of the tree of the tokens' bytes; children are a list, of which few are long.
    private struct Node: Sendable {
        let byte: UInt8
        var firstChild: Int32 = -1
        var nextSibling: Int32 = -1
        /// Index of the token that ends here; -1 for none.
        var token: Int32 = -1
    }

    private let tokens: [Vocabulary.AddedToken]
    private var nodes: [Node] = []
    /// The node of each first byte; -1 for none.
    private var roots = [Int32](repeating: -1, count: 256)

    init(_ tokens: [Vocabulary.AddedToken]) {
        self.tokens = tokens
        for (index, token) in tokens.enumerated() {
            guard let first = token.content.bytes.first else { continue }
            if roots[Int(first)] < 0 {
                roots[Int(first)] = Int32(nodes.count)
                nodes.append(Node(byte: first))
            }
            var node = Int(roots[Int(first)])
            for byte in token.content.bytes.dropFirst() { node = childOrNew(of: node, byte) }
            if nodes[node].token < 0 { nodes[node].token = Int32(index) }
        }
    }

    var isEmpty: Bool { tokens.isEmpty }

    private func child(of node: Int, _ byte: UInt8) -> Int? {
        var child = nodes[node].firstChild
        while child >= 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].nextSibling }
        return child >= 0 ? Int(child) : nil
    }

    private mutating func childOrNew(of node: Int, _ byte: UInt8) -> Int {
        if let child = child(of: node, byte) { return child }
        nodes.append(Node(byte: byte, nextSibling: nodes[node].firstChild))
        nodes[node].firstChild = Int32(nodes.count - 1)
        return nodes.count - 1
    }

    /// The longest token that begins at `position`.
    private func match(_ text: UnsafeBufferPointer<UInt8>, at position: Int) -> Vocabulary.AddedToken? {
        var node = Int(roots[Int(text[position])])
        guard node >= 0 else { return nil }
        var longest = nodes[node].token
        var next = position + 1
        while next < text.count, let child = child(of: node, text[next]) {
            node = child
            next += 1
            if nodes[node].token >= 0 { longest = nodes[node].token }
        }
        return longest >= 0 ? tokens[Int(longest)] : nil
    }

    /// Calls `body` with the tokens and the text between them, in order. Special tokens are text unless included.
    ///
    /// As in Hugging Face's library, a special token that is not included hides others that begin within it, and a token
    /// that strips takes the white space beside it, unless the token before took it.
    func split(_ text: UnsafeBufferPointer<UInt8>, includingSpecial: Bool, _ body: (Part) -> Void) {
        guard !tokens.isEmpty else {
            if !text.isEmpty { body(.text(0..<text.count)) }
            return
        }
        var start = 0
        var position = 0
        while position < text.count {
            guard let token = match(text, at: position) else {
                position += 1
                continue
            }
            let end = position + token.content.bytes.count
            defer { position = end }
            guard includingSpecial || !token.isSpecial else { continue }
            let from = token.stripsLeft ? max(start, text.startOfSpaces(before: position)) : position
            if from > start { body(.text(start..<from)) }
            body(.token(token.id))
            start = token.stripsRight ? text.endOfSpaces(from: end) : end
        }
        if start < text.count { body(.text(start..<text.count)) }
    }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate func endOfSpaces(from start: Int) -> Int {
        var position = start
        while position < count {
            let (kind, length) = character(at: position)
            guard kind.isSpace else { break }
            position += length
        }
        return position
    }

    fileprivate func startOfSpaces(before end: Int) -> Int {
        var position = end
        while position > 0 {
            var previous = position - 1
            while previous > 0, self[previous] & 0xC0 == 0x80 { previous -= 1 }
            guard character(at: previous).kind.isSpace else { break }
            position = previous
        }
        return position
    }
}
