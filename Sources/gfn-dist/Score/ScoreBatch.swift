internal import Collective
internal import Model

/// Lines that one rank scores in one forward pass: neighbours with the same prompt share its computation, as a group does.
struct ScoreBatch: Sendable {
    private(set) var groups: [TokenGroup] = []
    /// Rows of the forward pass, about.
    private(set) var tokenCount = 0

    /// Takes a request after those that are there, unless the batch would have more than `limit` tokens by it. A batch takes at
    /// least one, however long.
    mutating func take(_ request: ScoreRequest, limit: Int) -> Bool {
        let continues = groups.last?.prompt == request.prompt
        // An empty completion counts as well: it has scores to keep.
        let added = (continues ? 0 : request.prompt.count) + max(1, request.completion.count)
        guard groups.isEmpty || tokenCount + added <= limit else { return false }
        tokenCount += added
        let responses = (continues ? groups.removeLast().responses : []) + [request.completion]
        groups.append(TokenGroup(prompt: request.prompt, responses: responses))
        return true
    }

    // MARK: As a message

    init() {}

    func write(to writer: inout ByteWriter) {
        writer.write(groups.count)
        for group in groups {
            writer.write(group.prompt)
            writer.write(group.responses.count)
            for response in group.responses { writer.write(response) }
        }
    }

    init(_ reader: inout ByteReader) throws(ByteReaderError) {
        for _ in 0..<(try reader.readCount(in: 0...1_000_000_000)) {
            let prompt = try reader.readArray(of: Int32.self)
            var responses: [[Int32]] = []
            for _ in 0..<(try reader.readCount(in: 0...1_000_000_000)) { responses.append(try reader.readArray()) }
            groups.append(TokenGroup(prompt: prompt, responses: responses))
        }
    }
}

/// What `score` says of one line: log π of each token, of the stop token at every state, and what a reward model says of its steps.
struct LineScores: Sendable, Equatable {
    let tokens, stops: [Float]
    /// p of each step; empty without a reward model.
    let steps: [Float]

    init(_ scores: ResponseScores, steps: [Float]) {
        (tokens, stops, self.steps) = (scores.tokenLogProbabilities, scores.stopLogProbabilities, steps)
    }

    func write(to writer: inout ByteWriter) {
        for numbers in [tokens, stops, steps] { writer.write(numbers) }
    }

    init(_ reader: inout ByteReader) throws(ByteReaderError) {
        tokens = try reader.readArray()
        stops = try reader.readArray()
        steps = try reader.readArray()
    }

    var isFinite: Bool { [tokens, stops, steps].allSatisfy { $0.allSatisfy(\.isFinite) } }
}
