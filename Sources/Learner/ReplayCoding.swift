internal import Collective
internal import Rollout

/// Why bytes are not a replay buffer.
enum ReplayCodingError: Error, CustomStringConvertible {
    case bytes(ByteReaderError)
    case group(TrajectoryCodingError)
    case duplicate(prompt: Int)

    var description: String {
        switch self {
        case .bytes(let error): "\(error)"
        case .group(let error): "\(error)"
        case .duplicate(let prompt): "prompt \(prompt) is there twice"
        }
    }
}

extension ReplayBuffer {
    /// The content by prompt; equal buffers give equal bytes. A prompt's trajectories travel as a trajectory group does,
    /// with the versions that sampled each of them.
    func encoded() -> [UInt8] {
        // In one piece from the beginning: one that grows lies in memory twice when it does.
        var writer = ByteWriter(reserving: shelves.values.reduce(64) { $0 + Self.mostBytes(of: $1) })
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

    /// Room for a shelf: numbers, their counts, and what stands around them.
    private static func mostBytes(of shelf: Shelf) -> Int {
        shelf.entries.reduce(256 + 4 * shelf.prompt.count) { $0 + $1.packed.byteCount + 96 }
    }

    /// - Parameter newest: the version of the policy; nothing was sampled with a later one.
    init(decoding bytes: [UInt8], settings: Settings, newest: Int) throws(ReplayCodingError) {
        var reader = ByteReader(bytes)
        var shelves: [Int: Shelf] = [:]
        // One shelf after the other, so that no more than one lies in memory twice.
        for _ in 0..<(try Self.bytes { () throws(ByteReaderError) in try reader.readCount(in: 0...bytes.count) }) {
            let start = reader.offset
            let versions = try Self.bytes { () throws(ByteReaderError) in try reader.readArray(of: Int64.self) }
            let frame = try Self.bytes { () throws(ByteReaderError) in try reader.readArray(of: UInt8.self) }
            let group: TrajectoryGroup
            do { group = try TrajectoryCoding.decode(frame) } catch { throw .group(error) }
            guard versions.count == group.trajectories.count else {
                throw .bytes(.value(versions.count, expected: group.trajectories.count...group.trajectories.count, offset: start))
            }
            if let version = versions.first(where: { !(0...Int64(newest)).contains($0) }) {
                throw .bytes(.value(Int(version), expected: 0...newest, offset: start))
            }
            let entries = zip(group.trajectories, versions).map { Entry($0, sampledWith: Int($1)) }
            guard shelves.updateValue(Shelf(prompt: group.prompt, entries: entries), forKey: group.promptID) == nil else {
                throw .duplicate(prompt: group.promptID)
            }
        }
        try Self.bytes { () throws(ByteReaderError) in try reader.finish() }
        self.init(settings, shelves: shelves)
    }

    /// Gives an error of the bytes the type of this file's.
    private static func bytes<Value>(_ read: () throws(ByteReaderError) -> Value) throws(ReplayCodingError) -> Value {
        do { return try read() } catch { throw .bytes(error) }
    }
}
