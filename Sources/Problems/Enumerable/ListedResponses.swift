internal import Model

/// The legal responses to one problem as tokens, found by their states.
struct ListedResponses: Sendable {
    let prompt: [Int32]
    let tree: TokenTree
    /// Of each end, in the order of the problem's list.
    let tokens: [[Int32]]
    let rewards: [Float]
    let areCorrect: [Bool]
    /// Of each node of the tree, which end it is; nil where a response may not end.
    private let endOfNode: [Int?]

    /// - Parameter correctAt: ends with at least this log reward count as correct; nil: all.
    init(_ problem: EnumerableProblem, place: String, correctAt: Double?, _ encoding: ListEncoding) throws(EnumerableTaskError) {
        guard !problem.prompt.isEmpty else {
            throw EnumerableTaskError(place, "the prompt is empty, expected a text that the responses continue")
        }
        guard !problem.ends.isEmpty else {
            throw EnumerableTaskError(place, "there are no ends, expected each legal response with its log reward")
        }
        prompt = try encoding.tokens(ofPrompt: problem.prompt, place: place)
        var (tokens, rewards): ([[Int32]], [Float]) = ([], [])
        var textOfTokens: [[Int32]: String] = [:]
        for (text, logReward) in problem.ends {
            // A sum of rewards is made of floats, so that 1e300 is no reward either.
            let reward = Float(logReward)
            guard reward.isFinite else {
                throw EnumerableTaskError(place, "the end \(text.quoted) has log reward \(logReward), expected a finite number of nats")
            }
            let response = try encoding.tokens(ofEnd: text, behind: prompt, place: place)
            if let other = textOfTokens.updateValue(text, forKey: response) {
                let both =
                    other == text ? "the end \(text.quoted) is listed twice"
                    : "the ends \(other.quoted) and \(text.quoted) have the same tokens"
                throw EnumerableTaskError(place, "\(both), expected each response once; leave one of them out")
            }
            tokens.append(response)
            rewards.append(reward)
        }
        let tree = TokenTree(tokens)
        guard prompt.count + tree.longest <= encoding.contextLength else {
            throw EnumerableTaskError(
                place,
                "the prompt has \(prompt.count) tokens and its longest end \(tree.longest), expected at most \(encoding.contextLength) "
                    + "together, the model's context; shorten them or take a model with a longer context")
        }
        var endOfNode = [Int?](repeating: nil, count: tree.nodeCount)
        for (end, response) in tokens.enumerated() {
            guard let node = tree.node(at: response) else { preconditionFailure("a tree without one of its responses") }
            endOfNode[node] = end
        }
        (self.tree, self.tokens, self.rewards, self.endOfNode) = (tree, tokens, rewards, endOfNode)
        areCorrect = problem.ends.map { end in correctAt.map { end.logReward >= $0 } ?? true }
    }

    /// The ends that `response` goes through, with how many of its tokens precede each, ascending; nil when it is not legal.
    func ends(along response: [Int32]) -> [(index: Int, end: Int)]? {
        var node = tree.root
        var ends = endOfNode[node].map { [(index: 0, end: $0)] } ?? []
        for (position, token) in response.enumerated() {
            guard let next = tree.node(after: node, token) else { return nil }
            node = next
            if let end = endOfNode[node] { ends.append((position + 1, end)) }
        }
        return endOfNode[node] == nil ? nil : ends
    }
}
