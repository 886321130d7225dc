internal import Collective
internal import Foundation
internal import Model

/// `score` on one rank.
///
///     rank 0                                         every other rank
///     reads lines, a batch for each rank ── order ──▶ scores its batch
///     scores its own, writes all in order ◀─ answer ─
///
/// in rounds, until rank 0 has read its input to the end. A line's numbers do not depend on the batch that it is scored in,
/// so neither ranks nor threads nor the size of a batch change a byte of what is written.
struct ScoreRun {
    let scorer: LineScorer
    let files: ModelFiles
    let communicator: any Communicator
    /// Tokens of one forward pass: bounds the memory of a rank.
    let batchTokens: Int

    /// Rank 0: from the first line to the last. Returns how many lines and tokens there were.
    ///
    /// An error of the input ends all ranks: it is theirs as well.
    func lead(from path: String?, to output: String?) throws -> (lines: Int, tokens: Int) {
        do {
            let count = try leadRounds(from: path, to: output)
            try tellOthers(.end)
            return count
        } catch let error as CollectiveError {
            throw error
        } catch {
            let failure = Launch.SharedFailure(code: ExitCode.of(error), text: "\(error)")
            try tellOthers(.fail(failure))
            throw failure
        }
    }

    /// The other ranks: as rank 0 says.
    func follow() throws {
        while true {
            switch try ScoreOrder(communicator.receive(from: 0, tag: ScoreOrder.tag)) {
            case .score(let batch): try communicator.send(ScoreAnswer(scorer.scores(of: batch)).encoded(), to: 0, tag: ScoreAnswer.tag)
            case .end: return
            case .fail(let failure): throw failure
            }
        }
    }

    private func leadRounds(from path: String?, to output: String?) throws -> (lines: Int, tokens: Int) {
        var reader = try LineReader(path)
        let writer = try LineWriter(output)
        var waiting = Result { try nextRequest(&reader) }
        var (lines, tokens) = (0, 0)
        // A bad line ends the run when those before it are written, so that it is always the same lines.
        while case .success(_?) = waiting {
            var batches = [ScoreBatch](repeating: ScoreBatch(), count: communicator.size)
            var requests: [ScoreRequest] = []
            for rank in batches.indices {
                while case .success(let request?) = waiting, batches[rank].take(request, limit: batchTokens) {
                    requests.append(request)
                    waiting = Result { try nextRequest(&reader) }
                }
            }
            let scores = try round(batches)
            for (request, scores) in zip(requests, scores) {
                guard scores.isFinite else {
                    throw RunError.nonFinite(
                        "\(reader.name):\(request.line): a log-probability or a score is not finite; the weights of the model, of the adapter or of the reward model are damaged or diverged")
                }
                try writer.write(JSONLine(request, scores, scorer.steps?.scoring))
            }
            try writer.flush()
            lines += requests.count
            tokens += batches.reduce(0) { $0 + $1.tokenCount }
        }
        _ = try waiting.get()
        try writer.finish()
        return (lines, tokens)
    }

    /// All answers are here when this returns or throws for a reason of the input: nobody is left with an unread message.
    private func round(_ batches: [ScoreBatch]) throws -> [LineScores] {
        for rank in batches.indices.dropFirst() {
            try communicator.send(ScoreOrder.score(batches[rank]).encoded(), to: rank, tag: ScoreOrder.tag)
        }
        var scores = scorer.scores(of: batches[0])
        for rank in batches.indices.dropFirst() {
            let answer = try ScoreAnswer(communicator.receive(from: rank, tag: ScoreAnswer.tag))
            let expected = batches[rank].groups.reduce(0) { $0 + $1.responses.count }
            guard answer.scores.count == expected else {
                throw ByteReaderError.value(answer.scores.count, expected: expected...expected, offset: 0)
            }
            scores += answer.scores
        }
        return scores
    }

    private func nextRequest(_ reader: inout LineReader) throws -> ScoreRequest? {
        guard let line = try reader.next() else { return nil }
        return try ScoreRequest(line, line: reader.number, of: reader.name, for: files)
    }

    private func tellOthers(_ order: ScoreOrder) throws(CollectiveError) {
        let bytes = order.encoded()
        for rank in 0..<communicator.size where rank != 0 { try communicator.send(bytes, to: rank, tag: ScoreOrder.tag) }
    }
}
