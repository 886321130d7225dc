package import Collective
internal import Model
internal import Problems

/// Why the bytes of another rank are not a trajectory group.
package enum TrajectoryCodingError: Error, Equatable, Sendable, CustomStringConvertible {
    case frame(MessageFrameError)
    case payload(ByteReaderError)
    case trajectory(GroupAddress, index: Int, problems: [String])

    package var description: String {
        switch self {
        case .frame(let error): "trajectory group: \(error)"
        case .payload(let error): "trajectory group: \(error)"
        case .trajectory(let address, let index, let problems):
            "trajectory \(index) of step \(address.step), slot \(address.slot) has \(problems.joined(separator: " and ")); "
                + "all ranks need the same build"
        }
    }
}

/// A trajectory group as a message: the frame of Collective around counts, token ids and log-probabilities.
package enum TrajectoryCoding {
    package static let kind: UInt16 = 20
    package static let version: UInt16 = 3

    package static func encode(_ group: TrajectoryGroup) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(group.address.step)
        writer.write(group.address.slot)
        writer.write(group.promptID)
        writer.write(group.sampledWith)
        writer.write(group.temperature)
        writer.write(group.prompt)
        writer.write(group.trajectories.count)
        for trajectory in group.trajectories {
            writer.write(trajectory.stop.rawValue)
            writer.write(trajectory.response)
            writer.write(trajectory.tokenLogProbabilities)
            writer.write(trajectory.stopLogProbabilities)
            writer.write(trajectory.referenceTokenLogProbabilities)
            writer.write(trajectory.referenceStopLogProbabilities)
            writer.write(trajectory.states.map { Int32($0.index) })
            writer.write(trajectory.states.map(\.process))
            writer.write(trajectory.states.map { state in UInt8((state.isFinished ? 1 : 0) | (state.isCorrect ? 2 : 0)) })
            writer.write(trajectory.stepRewards)
        }
        return MessageFrame(kind: kind, version: version, payload: writer.bytes).encoded()
    }

    package static func decode(_ bytes: [UInt8]) throws(TrajectoryCodingError) -> TrajectoryGroup {
        let payload: [UInt8]
        do { payload = try MessageFrame.payload(of: bytes, kind: kind, version: version) } catch { throw .frame(error) }
        let group: TrajectoryGroup
        do { group = try read(payload) } catch { throw .payload(error) }
        for (index, trajectory) in group.trajectories.enumerated() {
            let problems = trajectory.problems()
            guard problems.isEmpty else { throw .trajectory(group.address, index: index, problems: problems) }
        }
        return group
    }

    /// What a random stream can be addressed with, so that every group that is read can be replayed.
    private static let steps = 0...(1 << 28) - 1, slots = 0...Int(UInt32.max)

    /// The bit patterns of the finite numbers above 0.
    private static let temperatures = 1...Int(Float.greatestFiniteMagnitude.bitPattern)

    /// Token ids, none of them negative; whether the vocabulary has them, who knows the model must check.
    private static func readTokens(from reader: inout ByteReader) throws(ByteReaderError) -> [Int32] {
        let start = reader.offset
        let tokens = try reader.readArray(of: Int32.self)
        if let token = tokens.first(where: { $0 < 0 }) { throw .value(Int(token), expected: 0...Int(Int32.max), offset: start) }
        return tokens
    }

    private static func read(_ payload: [UInt8]) throws(ByteReaderError) -> TrajectoryGroup {
        var reader = ByteReader(payload)
        let address = GroupAddress(step: try reader.readCount(in: Self.steps), slot: try reader.readCount(in: Self.slots))
        let promptID = try reader.readInt()
        let sampledWith = try reader.readCount(in: Self.steps)
        let start = reader.offset
        let temperature = try reader.read(UInt32.self)
        guard Self.temperatures.contains(Int(temperature)) else {
            throw .value(Int(temperature), expected: Self.temperatures, offset: start)
        }
        let prompt = try readTokens(from: &reader)
        // A trajectory takes more than one byte, so that no count can ask for more memory than the message has.
        let count = try reader.readCount(in: 0...reader.remaining)
        var trajectories: [Trajectory] = []
        for _ in 0..<count { trajectories.append(try readTrajectory(from: &reader)) }
        try reader.finish()
        return TrajectoryGroup(
            address: address, promptID: promptID, prompt: prompt, trajectories: trajectories, sampledWith: sampledWith,
            temperature: Float(bitPattern: temperature))
    }

    private static func readTrajectory(from reader: inout ByteReader) throws(ByteReaderError) -> Trajectory {
        let start = reader.offset
        let code = try reader.read(UInt8.self)
        guard let stop = StopReason(rawValue: code) else { throw .value(Int(code), expected: 0...1, offset: start) }
        var trajectory = Trajectory(
            response: try readTokens(from: &reader), stop: stop, tokenLogProbabilities: try reader.readArray(),
            stopLogProbabilities: try reader.readArray(), referenceTokenLogProbabilities: try reader.readArray(),
            referenceStopLogProbabilities: try reader.readArray(), states: [])
        let indices = try reader.readArray(of: Int32.self)
        let processes = try reader.readArray(of: Float.self)
        let flagsStart = reader.offset
        let flags = try reader.readArray(of: UInt8.self)
        for other in [processes.count, flags.count] where other != indices.count {
            throw .value(other, expected: indices.count...indices.count, offset: flagsStart)
        }
        for (position, flag) in flags.enumerated() {
            guard flag <= 3 else { throw .value(Int(flag), expected: 0...3, offset: flagsStart) }
            trajectory.states.append(
                TerminableState(
                    index: Int(indices[position]), process: processes[position], isFinished: flag & 1 != 0,
                    isCorrect: flag & 2 != 0))
        }
        trajectory.stepRewards = try reader.readArray()
        return trajectory
    }
}
