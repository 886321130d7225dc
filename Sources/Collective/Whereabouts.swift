internal import Glibc
internal import Synchronization

/// Where a rank is in its work: written by the thread that works, read by whoever asks why the others wait.
///
/// Cheap enough for every poll: relaxed stores, no lock.
package final class Whereabouts: Sendable {
    /// What a rank does, in the words of logs.
    package enum Phase: UInt8, Sendable, CaseIterable {
        case load, sample, score, backward, reduce, broadcast, evaluate, save, work

        var name: String { "\(self)" }
    }

    /// A moment of it.
    struct Moment: Equatable, Sendable {
        var phase: Phase
        var step: Int
        var role: Role
        /// Counts whatever goes on.
        var progress: UInt64
        /// What this rank waits in, and for which rank; nil while it works.
        var wait: Wait?

        struct Wait: Equatable, Sendable {
            var operation: CollectiveError.Operation
            var peer: Int?
        }
    }

    /// As logs call it.
    enum Role: UInt8, Sendable {
        case none, learner, rollout, both

        var name: String {
            switch self {
            case .none: "no role yet"
            case .learner: "learner"
            case .rollout: "rollout"
            case .both: "learner and rollout"
            }
        }
    }

    private let phase = Atomic<UInt8>(0)
    private let role = Atomic<UInt8>(0)
    private let step = Atomic<Int>(0)
    private let progress = Atomic<UInt64>(0)
    /// 0: none; else one more than the operation's place.
    private let operation = Atomic<UInt8>(0)
    /// -1: none.
    private let peer = Atomic<Int>(-1)

    /// Where this process is to stop itself, as a rank that stalls: `GFN_STALL=save:3` in its environment, the phase and the step. For
    /// whoever wants to see what a cluster makes of it.
    private let rehearsal: (phase: Phase, step: Int)?

    package init() {
        let words = getenv("GFN_STALL").map { String(cString: $0).split(separator: ":") } ?? []
        let phase = Phase.allCases.first { $0.name == words.first.map(String.init) }
        rehearsal = phase.map { ($0, words.count > 1 ? Int(words[1]) ?? 0 : 0) }
    }

    /// Says what begins now; the step stays where none is given.
    package func enter(_ phase: Phase, step: Int? = nil) {
        self.phase.store(phase.rawValue, ordering: .relaxed)
        if let step { self.step.store(step, ordering: .relaxed) }
        goOn()
        guard let rehearsal, rehearsal.phase == phase, rehearsal.step == self.step.load(ordering: .relaxed) else { return }
        // Until it was surely heard of here.
        usleep(1_200_000)
        raise(SIGSTOP)
    }

    package func take(_ isLearner: Bool, _ isRollout: Bool) {
        let role: Role = isLearner ? (isRollout ? .both : .learner) : isRollout ? .rollout : .none
        self.role.store(role.rawValue, ordering: .relaxed)
    }

    /// Says that something went on.
    func goOn() { progress.wrappingAdd(1, ordering: .relaxed) }

    func beginWaiting(in operation: CollectiveError.Operation, for peer: Int?) {
        self.peer.store(peer ?? -1, ordering: .relaxed)
        self.operation.store(operation.place + 1, ordering: .relaxed)
    }

    func endWaiting() {
        operation.store(0, ordering: .relaxed)
        goOn()
    }

    var now: Moment {
        let operation = operation.load(ordering: .relaxed), peer = peer.load(ordering: .relaxed)
        let wait = operation == 0
            ? nil : CollectiveError.Operation(place: operation - 1).map { Moment.Wait(operation: $0, peer: peer < 0 ? nil : peer) }
        return Moment(
            phase: Phase(rawValue: phase.load(ordering: .relaxed)) ?? .work, step: step.load(ordering: .relaxed),
            role: Role(rawValue: role.load(ordering: .relaxed)) ?? .none, progress: progress.load(ordering: .relaxed), wait: wait)
    }
}

extension CollectiveError.Operation {
    var place: UInt8 { UInt8(Self.allCases.firstIndex(of: self) ?? 0) }

    init?(place: UInt8) {
        guard place < Self.allCases.count else { return nil }
        self = Self.allCases[Int(place)]
    }
}

extension Whereabouts.Moment {
    /// As a peer reads it: "rollout, phase sample of step 3, waits in receive from rank 1".
    var words: String {
        var text = "\(role.name), phase \(phase.name)" + (step > 0 ? " of step \(step)" : "")
        if let wait {
            text += ", waits in \(wait.operation.rawValue)" + (wait.peer.map { " with rank \($0)" } ?? "")
        }
        return text
    }

    func write(to writer: inout ByteWriter) {
        for byte in [phase.rawValue, role.rawValue, wait.map { $0.operation.place + 1 } ?? 0] { writer.write(byte) }
        writer.write(step)
        writer.write(wait?.peer ?? -1)
        writer.write(progress)
    }

    init(from reader: inout ByteReader) throws(ByteReaderError) {
        let phase = try reader.read(UInt8.self), role = try reader.read(UInt8.self), operation = try reader.read(UInt8.self)
        let step = try reader.readInt(), peer = try reader.readInt()
        let wait = operation == 0 ? nil : CollectiveError.Operation(place: operation - 1)
        self.init(
            phase: Whereabouts.Phase(rawValue: phase) ?? .work, step: step, role: Whereabouts.Role(rawValue: role) ?? .none,
            progress: try reader.read(UInt64.self),
            wait: wait.map { Wait(operation: $0, peer: peer < 0 ? nil : peer) })
    }
}
