internal import Collective

/// What rank 0 hands to rollouts with each version: the weights as they are encoded, and who samples what in the first step that is sampled
/// with them; where rollouts run free, how much each may sample.
struct PublishedWeights {
    /// What goes with a version.
    enum Shares {
        /// The rollout of each slot, by its place among the rollouts.
        case slots(Int, rollouts: Int)
        /// The limit of each rollout (`FreeSchedule`): none less than it was before, nor more than all groups of the run.
        case limits(atLeast: [Int], total: Int)

        func areValid(_ numbers: [Int]) -> Bool {
            switch self {
            case .slots(let count, let rollouts): numbers.count == count && numbers.allSatisfy { $0 < rollouts }
            case .limits(let least, let total):
                numbers.count == least.count && zip(numbers, least).allSatisfy { $0 >= $1 } && numbers.allSatisfy { $0 <= total }
            }
        }

        /// What goes with the versions after one that these went with.
        func after(_ numbers: [Int]) -> Shares {
            if case .limits(_, let total) = self { .limits(atLeast: numbers, total: total) } else { self }
        }
    }

    let shares: [Int]
    /// As `WeightCoding` has them.
    let weights: [UInt8]

    init(shares: [Int], weights: [UInt8]) { (self.shares, self.weights) = (shares, weights) }

    func frame(isLast: Bool) -> MessageFrame {
        var writer = ByteWriter(reserving: 8 + 4 * shares.count + weights.count)
        writer.write(shares.map { UInt32($0) })
        writer.writeRaw(weights)
        return MessageFrame(kind: isLast ? FrameKind.lastWeights : FrameKind.weights, version: FrameKind.version, payload: writer.bytes)
    }

    /// Throws `MessageFrameError` where the frame has no weights, and `WeightCodingError` where its shares are none of those expected.
    init(_ frame: MessageFrame, expecting expected: Shares) throws {
        let kind = frame.kind == FrameKind.lastWeights ? frame.kind : FrameKind.weights
        var reader = ByteReader(try frame.payload(kind: kind, version: FrameKind.version))
        do {
            shares = try reader.readArray(of: UInt32.self).map { Int($0) }
            weights = try reader.readRaw(reader.remaining)
        } catch {
            throw WeightCodingError.damaged("\(error)")
        }
        guard expected.areValid(shares) else {
            throw WeightCodingError.damaged(
                "they come with \(shares.count) shares up to \(shares.max() ?? 0), expected \(expected)")
        }
    }
}
