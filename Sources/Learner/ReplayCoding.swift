internal import Collective
internal import Rollout

/// Why bytes are not a replay buffer.
enum ReplayCodingError: Error, CustomStringConvertible {
    case bytes(ByteReaderError)
    case group(TrajectoryCodingError)

    var description: String {
        switch self {
        case .bytes(let error): "\(error)"
        case .group(let error): "\(error)"
        }
    }
}

extension ReplayBuffer {
    /// The content by prompt; equal buffers give equal bytes. A prompt's trajectories travel as a trajectory group does,
    /// with the versions that sampled each of them.
    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(shelves.count)
        for (promptID, shelf) in shelves.sorted(by: { $0.key < $1.key }) {
            writer.write(shelf.entries.map { Int64($0.sampledWith) })
            writer.write(
                TrajectoryCoding.encode(
                    TrajectoryGroup(
                        address: GroupAddress(step: 0, slot: 0), promptID: promptID, prompt: shelf.prompt,
                        trajectories: shelf.entries.map(\.trajectory), sampledWith: 0)))
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8], settings: Settings) throws(ReplayCodingError) {
        let parts: [(versions: [Int64], frame: [UInt8])]
        do { parts = try Self.split(bytes) } catch { throw .bytes(error) }
        var shelves: [Int: Shelf] = [:]
        for (versions, frame) in parts {
            let group: TrajectoryGroup
            do { group = try TrajectoryCoding.decode(frame) } catch { throw .group(error) }
            guard versions.count == group.trajectories.count else {
                throw .bytes(.value(versions.count, expected: group.trajectories.count...group.trajectories.count, offset: 0))
            }
            let entries = zip(group.trajectories, versions).map { Entry(trajectory: $0, sampledWith: Int($1)) }
            shelves[group.promptID] = Shelf(prompt: group.prompt, entries: entries)
        }
        self.init(settings, shelves: shelves)
    }

    private static func split(_ bytes: [UInt8]) throws(ByteReaderError) -> [(versions: [Int64], frame: [UInt8])] {
        var reader = ByteReader(bytes)
        var parts: [(versions: [Int64], frame: [UInt8])] = []
        for _ in 0..<(try reader.readCount(in: 0...bytes.count)) {
            parts.append((try reader.readArray(), try reader.readArray()))
        }
        try reader.finish()
        return parts
    }
}
