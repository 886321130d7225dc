internal import Collective

/// What rank 0 sends to each of the others.
enum SampleOrder: Equatable {
    static let tag = 4

    /// Sample these problems and report.
    case sample(Range<Int>)
    /// There is nothing more.
    case end
    /// The run ended at rank 0; everybody ends with this, also in the middle of an order.
    case fail(Launch.SharedFailure)

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .sample(let problems):
            writer.write(0 as UInt8)
            writer.write(problems.lowerBound)
            writer.write(problems.count)
        case .end: writer.write(1 as UInt8)
        case .fail(let failure):
            writer.write(2 as UInt8)
            writer.write(failure.code)
            writer.write(failure.text)
        }
        return MessageFrame(kind: FrameKind.sampleOrder, version: FrameKind.version, payload: writer.bytes).encoded()
    }

    /// Throws `MessageFrameError` or `ByteReaderError` when the bytes are no order.
    init(_ bytes: [UInt8]) throws {
        var reader = ByteReader(try MessageFrame.payload(of: bytes, kind: FrameKind.sampleOrder, version: FrameKind.version))
        let kind = try reader.read(UInt8.self)
        switch kind {
        case 0:
            let first = try reader.readCount(in: 0...1_000_000_000)
            self = .sample(first..<first + (try reader.readCount(in: 1...1_000_000_000)))
        case 1: self = .end
        case 2: self = .fail(Launch.SharedFailure(code: try reader.read(), text: try reader.readText()))
        default: throw ByteReaderError.value(Int(kind), expected: 0...2, offset: 0)
        }
        try reader.finish()
    }
}

/// What the others report, once for every order to sample.
enum SampleReport<Lines: ProblemLines>: Equatable {
    static var tag: Int { 5 }

    /// The problems of the order, in its order.
    case done([Lines])
    /// This rank cannot go on.
    case failed(Launch.SharedFailure)
    /// A signal asked the rank to stop.
    case interrupted
    /// The order was given up because rank 0 said that the run ended.
    case givenUp

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .done(let problems):
            writer.write(0 as UInt8)
            writer.write(problems.count)
            for problem in problems { problem.write(to: &writer) }
        case .failed(let failure):
            writer.write(1 as UInt8)
            writer.write(failure.code)
            writer.write(failure.text)
        case .interrupted: writer.write(2 as UInt8)
        case .givenUp: writer.write(3 as UInt8)
        }
        return MessageFrame(kind: FrameKind.sampleReport, version: FrameKind.version, payload: writer.bytes).encoded()
    }

    /// Throws `MessageFrameError` or `ByteReaderError` when the bytes are no report.
    init(_ bytes: [UInt8]) throws {
        var reader = ByteReader(try MessageFrame.payload(of: bytes, kind: FrameKind.sampleReport, version: FrameKind.version))
        let kind = try reader.read(UInt8.self)
        switch kind {
        case 0:
            var problems: [Lines] = []
            for _ in 0..<(try reader.readCount(in: 0...1_000_000_000)) { problems.append(try Lines(&reader)) }
            self = .done(problems)
        case 1: self = .failed(Launch.SharedFailure(code: try reader.read(), text: try reader.readText()))
        case 2: self = .interrupted
        case 3: self = .givenUp
        default: throw ByteReaderError.value(Int(kind), expected: 0...3, offset: 0)
        }
        try reader.finish()
    }
}
