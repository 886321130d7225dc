internal import Collective

/// What rank 0 sends to each of the others in every round.
enum ScoreOrder {
    static let tag = 2

    /// Score this and answer; the batch may be empty.
    case score(ScoreBatch)
    /// There is nothing more.
    case end
    /// The run failed at rank 0; everybody ends with this.
    case fail(Launch.SharedFailure)

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .score(let batch):
            writer.write(0 as UInt8)
            batch.write(to: &writer)
        case .end: writer.write(1 as UInt8)
        case .fail(let failure):
            writer.write(2 as UInt8)
            writer.write(failure.code)
            writer.write(failure.text)
        }
        return MessageFrame(kind: FrameKind.scoreOrder, version: FrameKind.version, payload: writer.bytes).encoded()
    }

    /// Throws `MessageFrameError` or `ByteReaderError` when the bytes are no order.
    init(_ bytes: [UInt8]) throws {
        var reader = ByteReader(try MessageFrame.payload(of: bytes, kind: FrameKind.scoreOrder, version: FrameKind.version))
        let kind = try reader.read(UInt8.self)
        switch kind {
        case 0: self = .score(try ScoreBatch(&reader))
        case 1: self = .end
        case 2: self = .fail(Launch.SharedFailure(code: try reader.read(), text: try reader.readText()))
        default: throw ByteReaderError.value(Int(kind), expected: 0...2, offset: 0)
        }
        try reader.finish()
    }
}

/// What the others answer: the scores of their batch, line by line.
struct ScoreAnswer {
    static let tag = 3

    let scores: [LineScores]

    init(_ scores: [LineScores]) { self.scores = scores }

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(scores.count)
        for line in scores { line.write(to: &writer) }
        return MessageFrame(kind: FrameKind.scoreAnswer, version: FrameKind.version, payload: writer.bytes).encoded()
    }

    /// Throws `MessageFrameError` or `ByteReaderError` when the bytes are no answer.
    init(_ bytes: [UInt8]) throws {
        var reader = ByteReader(try MessageFrame.payload(of: bytes, kind: FrameKind.scoreAnswer, version: FrameKind.version))
        var scores: [LineScores] = []
        for _ in 0..<(try reader.readCount(in: 0...1_000_000_000)) { scores.append(try LineScores(&reader)) }
        try reader.finish()
        self.scores = scores
    }
}
