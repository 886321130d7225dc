internal import Collective
internal import Learner
internal import Rollout

/// What one rollout rank hands to a learner in one step: its groups, whole or in outline, what they took, and whether a signal asks for
/// something.
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
    /// Of groups that the learner does not need as a whole.
    var outlines: [GroupOutline] = []

    /// The batch for a learner that needs only some of the groups as a whole.
    func outlined(except isNeeded: (TrajectoryGroup) -> Bool) -> RolloutBatch {
        var batch = self
        batch.outlines += groups.filter { !isNeeded($0) }.map(GroupOutline.init)
        batch.groups = groups.filter(isNeeded)
        return batch
    }

    /// The groups as the learner has them, by slot.
    var stepGroups: [(slot: Int, group: StepGroup)] {
        groups.map { ($0.address.slot, .whole($0)) } + outlines.map { ($0.slot, .outline($0)) }
    }

    /// What there was to do, and how long it took.
    var work: HandOut.Work { .init(groups: groups.count + outlines.count, seconds: secondsSampling + secondsScoring) }

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
        writer.write(outlines.count)
        for outline in outlines {
            writer.write(outline.slot)
            writer.write(outline.actionCounts)
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
        for _ in 0..<(try reader.readCount(in: 0...1_000_000)) {
            outlines.append(GroupOutline(slot: try reader.readCount(in: 0...Int(UInt32.max)), actionCounts: try reader.readArray()))
        }
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
        groups: [TrajectoryGroup], seeds: [TrajectoryGroup] = [], outlines: [GroupOutline] = []
    ) {
        self.step = step
        self.stopRequested = stopRequested
        self.saveRequested = saveRequested
        self.secondsSampling = secondsSampling
        self.secondsScoring = secondsScoring
        self.groups = groups
        self.seeds = seeds
        self.outlines = outlines
    }
}
