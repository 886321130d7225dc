internal import Collective

/// What a rollout that runs free tells rank 0 before it samples: how many groups it begins, with which version.
struct BegunGroups: Equatable {
    let version, count: Int

    init(version: Int, count: Int) { (self.version, self.count) = (version, count) }

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(version)
        writer.write(count)
        return MessageFrame(kind: FrameKind.begins, version: FrameKind.version, payload: writer.bytes).encoded()
    }

    /// Throws `MessageFrameError` or `ByteReaderError` when the frame says nothing of the kind.
    init(_ frame: MessageFrame) throws {
        var reader = ByteReader(try frame.payload(kind: FrameKind.begins, version: FrameKind.version))
        (version, count) = (try reader.readInt(), try reader.readInt())
        try reader.finish()
    }
}

/// Whose groups a step has, in its order, by the places of the rollouts: what rank 0 tells the other learners where rollouts run free.
struct StepOrder: Equatable {
    let places: [Int]

    init(_ places: [Int]) { self.places = places }

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(places.map { UInt32($0) })
        return MessageFrame(kind: FrameKind.stepOrder, version: FrameKind.version, payload: writer.bytes).encoded()
    }

    /// Throws `MessageFrameError` or `ByteReaderError` when the frame is no such order.
    init(_ frame: MessageFrame) throws {
        var reader = ByteReader(try frame.payload(kind: FrameKind.stepOrder, version: FrameKind.version))
        places = try reader.readArray(of: UInt32.self).map { Int($0) }
        try reader.finish()
    }
}
