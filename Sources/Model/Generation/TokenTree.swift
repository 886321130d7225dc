internal import Tensor

/// All responses that are legal behind one prompt, as a tree of their tokens: a node is a state s_i, node 0 the prompt's end s_0.
///
/// A policy that is given one has probability on these responses only: at each state its softmax goes over the tokens that lead on
/// and, where a response may end, ⊤. A token that is the only one has probability 1, as if the environment had written it.
package struct TokenTree: Sendable, Equatable {
    package typealias Node = Int

    /// Of each node; those behind it follow it, in the order of tokens.
    private var tokens: [[Int32]] = [[]]
    private var nodes: [[Node]] = [[]]
    private var ends: [Bool] = [false]
    /// The length of the longest response.
    package private(set) var longest = 0

    /// The tree of some responses without ⊤: at least one, the empty one may be among them.
    package init(_ responses: [[Int32]]) {
        precondition(!responses.isEmpty, "a tree of no responses")
        for response in responses { insert(response) }
    }

    private mutating func insert(_ response: [Int32]) {
        var node = 0
        for token in response {
            let place = tokens[node].firstIndex { $0 >= token } ?? tokens[node].count
            if place == tokens[node].count || tokens[node][place] != token {
                tokens[node].insert(token, at: place)
                nodes[node].insert(tokens.count, at: place)
                tokens.append([])
                nodes.append([])
                ends.append(false)
            }
            node = nodes[node][place]
        }
        ends[node] = true
        longest = max(longest, response.count)
    }

    package var nodeCount: Int { tokens.count }
    package var root: Node { 0 }

    /// Where a token leads; nil where it is not legal.
    package func node(after node: Node, _ token: Int32) -> Node? {
        tokens[node].firstIndex(of: token).map { nodes[node][$0] }
    }

    /// The state that some tokens lead to from the root; nil where one of them is not legal.
    package func node(at response: some Sequence<Int32>) -> Node? {
        var node = root
        for token in response {
            guard let next = self.node(after: node, token) else { return nil }
            node = next
        }
        return node
    }

    /// Whether a response may end here.
    package func isEnd(_ node: Node) -> Bool { ends[node] }

    /// The tokens that lead on, ascending.
    package func nextTokens(at node: Node) -> [Int32] { tokens[node] }

    /// Gives the logits [V] of what is not legal the value −∞.
    func mask(_ logits: UnsafeMutablePointer<Float>, vocabulary: Int, at node: Node, stopTokens: StopTokens) {
        let legal = tokens[node] + (ends[node] ? stopTokens.ids : [])
        let kept = legal.map { logits[Int($0)] }
        logits.update(repeating: -.infinity, count: vocabulary)
        for (token, logit) in zip(legal, kept) { logits[Int(token)] = logit }
    }
}
