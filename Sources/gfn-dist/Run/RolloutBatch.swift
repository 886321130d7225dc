internal import Collective
internal import Rollout

/// What one rollout rank hands to every learner in one step: its groups, what they took, and whether a signal asks for something.
struct RolloutBatch {
    static let tag = 1

    var step: Int
    var stopRequested: Bool
    var saveRequested: Bool
    var secondsSampling: Double
    var secondsScoring: Double
    var groups: [TrajectoryGroup]
    /// Worked solutions of problems that come up for the first time, for the replay buffer only.
    var seeds: [TrajectoryGroup] = []

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(step)
        writer.write(stopRequested)
        writer.write(saveRequested)
        writer.write(secondsSampling)
        writer.write(secondsScoring)
        for list in [groups, seeds] {
            writer.write(list.count)
            for group in list { writer.write(TrajectoryCoding.encode(group)) }
        }
        return MessageFrame(kind: FrameKind.rolloutBatch, version: FrameKind.version, payload: writer.bytes).encoded()
    }

    /// Throws `MessageFrameError`, `ByteReaderError` or the coding's own error when the frame is not such a batch.
    init(_ frame: MessageFrame) throws {
        var reader = ByteReader(try frame.payload(kind: FrameKind.rolloutBatch, version: FrameKind.version))
        step = try reader.readInt()
        stopRequested = try reader.readFlag()
        saveRequested = try reader.readFlag()
        secondsSampling = try reader.read()
        secondsScoring = try reader.read()
        groups = try Self.readGroups(from: &reader)
        seeds = try Self.readGroups(from: &reader)
        try reader.finish()
    }

    private static func readGroups(from reader: inout ByteReader) throws -> [TrajectoryGroup] {
        var groups: [TrajectoryGroup] = []
        for _ in 0..<(try reader.readCount(in: 0...1_000_000)) {
            groups.append(try TrajectoryCoding.decode(try reader.readArray()))
        }
        return groups
    }

    init(
        step: Int, stopRequested: Bool, saveRequested: Bool, secondsSampling: Double, secondsScoring: Double,
        groups: [TrajectoryGroup], seeds: [TrajectoryGroup] = []
    ) {
        self.step = step
        self.stopRequested = stopRequested
        self.saveRequested = saveRequested
        self.secondsSampling = secondsSampling
        self.secondsScoring = secondsScoring
        self.groups = groups
        self.seeds = seeds
    }
}
