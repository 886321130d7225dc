internal import Model
package import Problems

/// A trajectory in one piece of memory, as the replay buffer keeps it: a third of what its arrays take, each of which has a header and room
/// of its own. What is packed comes out again to the last bit.
package struct PackedTrajectory: Sendable, Equatable {
    /// The stop reason; how many numbers each part has, in the order of `Part`; then the parts.
    private let words: [UInt32]

    private enum Part: Int {
        case response, tokens, stops, referenceTokens, referenceStops, stepRewards
        /// The last, as a state takes several words.
        case states
    }

    private static let headerCount = 1 + 7, stateWidth = 3
    private static let isFinished: UInt32 = 1, isCorrect: UInt32 = 2

    package init(_ trajectory: Trajectory) {
        let counts = [
            trajectory.response.count, trajectory.tokenLogProbabilities.count, trajectory.stopLogProbabilities.count,
            trajectory.referenceTokenLogProbabilities.count, trajectory.referenceStopLogProbabilities.count,
            trajectory.stepRewards.count, trajectory.states.count,
        ]
        var words: [UInt32] = []
        words.reserveCapacity(Self.headerCount + counts.reduce(0, +) + (Self.stateWidth - 1) * trajectory.states.count)
        words.append(UInt32(trajectory.stop.rawValue))
        for count in counts { words.append(UInt32(count)) }
        for token in trajectory.response { words.append(UInt32(bitPattern: token)) }
        for values in [
            trajectory.tokenLogProbabilities, trajectory.stopLogProbabilities, trajectory.referenceTokenLogProbabilities,
            trajectory.referenceStopLogProbabilities, trajectory.stepRewards,
        ] {
            for value in values { words.append(value.bitPattern) }
        }
        for state in trajectory.states {
            words.append(UInt32(state.index))
            words.append(state.process.bitPattern)
            words.append((state.isFinished ? Self.isFinished : 0) | (state.isCorrect ? Self.isCorrect : 0))
        }
        self.words = words
    }

    package var trajectory: Trajectory {
        Trajectory(
            response: response, stop: stop, tokenLogProbabilities: values(.tokens), stopLogProbabilities: values(.stops),
            referenceTokenLogProbabilities: values(.referenceTokens), referenceStopLogProbabilities: values(.referenceStops),
            states: (0..<count(.states)).map(state), stepRewards: values(.stepRewards))
    }

    package var response: [Int32] { words[range(.response)].map(Int32.init(bitPattern:)) }

    package func isResponse(_ response: [Int32]) -> Bool {
        count(.response) == response.count
            && zip(words[range(.response)], response).allSatisfy { $0 == UInt32(bitPattern: $1) }
    }

    /// `Trajectory.isCorrect`.
    package var isCorrect: Bool { stop == .stopToken && (lastState?.isCorrect ?? false) }

    package var lastState: TerminableState? { count(.states) == 0 ? nil : state(count(.states) - 1) }

    /// What one takes of memory, in bytes.
    /// - Parameters:
    ///   - tokens: n, of its response.
    ///   - hasReference: whether it has log-probabilities of the reference.
    package static func byteCount(tokens: Int, states: Int, stepRewards: Int, hasReference: Bool) -> Int {
        let numbers = tokens + (hasReference ? 2 : 1) * (2 * tokens + 1) + stepRewards + stateWidth * states
        // An array's header is 32 bytes, and the allocator gives multiples of 16, of which it has 8 itself.
        return (32 + 4 * (headerCount + numbers) + 8 + 15) / 16 * 16
    }

    /// Of its numbers.
    package var byteCount: Int { 4 * words.count }

    private var stop: StopReason {
        guard let stop = StopReason(rawValue: UInt8(truncatingIfNeeded: words[0])) else { preconditionFailure("stop reason \(words[0])") }
        return stop
    }

    private func count(_ part: Part) -> Int { Int(words[1 + part.rawValue]) }

    private func range(_ part: Part) -> Range<Int> {
        var start = Self.headerCount
        for earlier in 0..<part.rawValue { start += Int(words[1 + earlier]) }
        return start..<start + count(part) * (part == .states ? Self.stateWidth : 1)
    }

    private func values(_ part: Part) -> [Float] { words[range(part)].map(Float.init(bitPattern:)) }

    private func state(_ position: Int) -> TerminableState {
        let start = range(.states).lowerBound + Self.stateWidth * position
        return TerminableState(
            index: Int(words[start]), process: Float(bitPattern: words[start + 1]), isFinished: words[start + 2] & Self.isFinished != 0,
            isCorrect: words[start + 2] & Self.isCorrect != 0)
    }
}
