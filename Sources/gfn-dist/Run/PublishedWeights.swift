internal import Collective

/// What rank 0 hands to rollouts with each version: the weights as they are encoded, and who samples what in the first step that is sampled
/// with them.
struct PublishedWeights {
    /// The rollout of each slot, by its place among the rollouts.
    let assignment: [Int]
    /// As `WeightCoding` has them.
    let weights: [UInt8]

    init(assignment: [Int], weights: [UInt8]) { (self.assignment, self.weights) = (assignment, weights) }

    func frame(isLast: Bool) -> MessageFrame {
        var writer = ByteWriter(reserving: 8 + 2 * assignment.count + weights.count)
        writer.write(assignment.map { UInt16($0) })
        writer.writeRaw(weights)
        return MessageFrame(kind: isLast ? FrameKind.lastWeights : FrameKind.weights, version: FrameKind.version, payload: writer.bytes)
    }

    /// Throws `MessageFrameError` where the frame has no weights, and `WeightCodingError` where its assignment is none of so many slots.
    init(_ frame: MessageFrame, slots: Int, rollouts: Int) throws {
        let kind = frame.kind == FrameKind.lastWeights ? frame.kind : FrameKind.weights
        var reader = ByteReader(try frame.payload(kind: kind, version: FrameKind.version))
        do {
            assignment = try reader.readArray(of: UInt16.self).map { Int($0) }
            weights = try reader.readRaw(reader.remaining)
        } catch {
            throw WeightCodingError.damaged("\(error)")
        }
        guard assignment.count == slots, assignment.allSatisfy({ $0 < rollouts }) else {
            throw WeightCodingError.damaged(
                "they come with \(assignment.count) slots for rollouts up to \(assignment.max() ?? 0), expected \(slots) slots for "
                    + "rollouts up to \(rollouts - 1)")
        }
    }
}
