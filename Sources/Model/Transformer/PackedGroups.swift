internal import Tensor

/// Prompts and responses as rows, without padding: per group the prompt once, then its responses one after another.
///
/// Response rows attend to the prompt's keys and to their own. State s_0 of every response of a group is the prompt's last row;
/// s_i is the row of the response's token i. So the rows whose logits are needed are consecutive in each group: from the
/// prompt's last row on.
struct PackedGroups: AttentionContext {
    struct Group {
        /// The prompt's rows.
        let prompt: Range<Int>
        /// Each response's rows; empty for an empty response.
        let responses: [Range<Int>]
        /// Where the group begins among the rows whose logits are needed ("state rows").
        let stateStart: Int

        /// Rows from the prompt's last one to the end of the last response.
        var stateRows: Range<Int> { prompt.upperBound - 1..<(responses.last?.upperBound ?? prompt.upperBound) }
        /// The row of state s_i of a response.
        func row(_ i: Int, of response: Int) -> Int { i == 0 ? prompt.upperBound - 1 : responses[response].lowerBound + i - 1 }
        /// The index among all state rows of state s_i of a response.
        func state(_ i: Int, of response: Int) -> Int {
            i == 0 ? stateStart : stateStart + responses[response].lowerBound - prompt.upperBound + i
        }
    }
    let tokens: [Int32]
    let positions: [Int32]
    let groups: [Group]
    let stateCount: Int
    /// What is legal at each state row; nil: anything. Empty where no group has a tree.
    let legalStates: [LegalState?]
    let network: Network

    var rows: Int { tokens.count }

    init(_ groups: [TokenGroup], network: Network) {
        var tokens: [Int32] = [], positions: [Int32] = [], packed: [Group] = []
        var stateCount = 0
        for group in groups {
            precondition(!group.prompt.isEmpty, "a prompt has at least one token")
            let prompt = tokens.count..<tokens.count + group.prompt.count
            tokens += group.prompt
            positions += group.prompt.indices.map(Int32.init)
            var responses: [Range<Int>] = []
            for response in group.responses {
                responses.append(tokens.count..<tokens.count + response.count)
                tokens += response
                positions += response.indices.map { Int32(prompt.count + $0) }
            }
            packed.append(Group(prompt: prompt, responses: responses, stateStart: stateCount))
            stateCount += packed[packed.count - 1].stateRows.count
        }
        let vocabulary = network.configuration.vocabularySize
        for token in tokens {
            precondition(token >= 0 && token < vocabulary, "token \(token) is outside of the vocabulary of \(vocabulary)")
        }
        self.tokens = tokens
        self.positions = positions
        self.groups = packed
        self.stateCount = stateCount
        self.network = network
        legalStates = groups.contains { $0.legal != nil } ? zip(groups, packed).flatMap { Self.legalStates(of: $0, $1) } : []
    }

    private static func legalStates(of group: TokenGroup, _ packed: Group) -> [LegalState?] {
        guard let tree = group.legal else { return packed.stateRows.map { _ in nil } }
        return [LegalState(tree: tree, node: tree.root)] + group.responses.flatMap { response in
            var node = tree.root
            return response.map { token in
                guard let next = tree.node(after: node, token) else {
                    preconditionFailure("response \(response) is scored, which is not among the legal ones")
                }
                node = next
                return LegalState(tree: tree, node: node)
            }
        }
    }

    /// The token that follows each state row; −1 where there is none or, at a prompt's last row, one per response.
    var nextTokens: [Int32] {
        var next = [Int32](repeating: -1, count: stateCount)
        for group in groups {
            for (k, response) in group.responses.enumerated() {
                for i in 1..<max(1, response.count) { next[group.state(i, of: k)] = tokens[response.lowerBound + i] }
            }
        }
        return next
    }

    func segments(layer: Int, _ a: LayerActivations) -> [AttentionSegment] {
        segments(a, gradients: nil)
    }

    /// The segments, with the memory of their gradients when there is a backward to do.
    func segments(_ a: LayerActivations, gradients: AttentionGradients?) -> [AttentionSegment] {
        let (q, e, heads) = (network.queryWidth, network.keyWidth, network.configuration.headCount)
        func segment(_ rows: Range<Int>, prefix: Range<Int>?) -> AttentionSegment {
            let (atQuery, atKey) = (rows.lowerBound * q, rows.lowerBound * e)
            var segment = AttentionSegment(
                queries: a.queries.base + atQuery, queryStride: q, outputs: a.attention.base + atQuery, outputStride: q,
                rows: rows.count, start: prefix?.count ?? 0, ownKeys: a.keys.base + atKey, ownValues: a.values.base + atKey,
                ownStride: e, logSumExp: a.logSumExp.base + rows.lowerBound * heads)
            if let prefix {
                segment.prefixKeys = UnsafeRawPointer(a.keys.base + prefix.lowerBound * e)
                segment.prefixValues = UnsafeRawPointer(a.values.base + prefix.lowerBound * e)
                segment.prefixLength = prefix.count
                segment.prefixStride = e
            }
            if let gradients {
                segment.dOutputs = UnsafePointer(gradients.outputs.base + atQuery)
                segment.dQueries = gradients.queries.base + atQuery
                segment.dOwnKeys = gradients.keys.base + atKey
                segment.dOwnValues = gradients.values.base + atKey
                if let prefix {
                    segment.dPrefixKeys = gradients.keys.base + prefix.lowerBound * e
                    segment.dPrefixValues = gradients.values.base + prefix.lowerBound * e
                }
            }
            return segment
        }
        return groups.flatMap { group in
            [segment(group.prompt, prefix: nil)]
                + group.responses.filter { !$0.isEmpty }.map { segment($0, prefix: group.prompt) }
        }
    }
}

/// A state of a tree of legal responses.
struct LegalState {
    let tree: TokenTree
    let node: TokenTree.Node
}

/// Gradients on both sides of attention: of its outputs and of queries [M, Q], of keys and values [M, E].
struct AttentionGradients {
    let outputs, queries, keys, values: FloatTensor
}
