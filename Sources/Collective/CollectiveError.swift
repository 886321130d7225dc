/// What went wrong in an exchange between ranks: which operation, on which rank, with whom, and why.
package struct CollectiveError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call that failed, in the words of `Communicator`.
    package enum Operation: String, Sendable, CaseIterable {
        case start, barrier, allReduceSum, allReduceMax, allGather, broadcast, send, receive, subgroup, poll, finish
    }

    package enum Cause: Equatable, Sendable {
        /// Another rank failed or ended, so this exchange can never complete; `reason` is what that rank said.
        case peerLost(reason: String)
        /// The ranks of a group called different operations, or the same one with different sizes.
        case mismatch(String)
        /// The exchange waits for something that no rank is left to do.
        case neverCompletes(String)
        /// The MPI library reported an error.
        case library(code: Int32, text: String)
    }

    package let operation: Operation
    package let rank: Int
    package let peer: Int?
    package let cause: Cause

    package init(_ operation: Operation, rank: Int, peer: Int? = nil, _ cause: Cause) {
        self.operation = operation
        self.rank = rank
        self.peer = peer
        self.cause = cause
    }

    /// Whether this error is only the echo of another rank's failure. The failing rank has the reason worth printing.
    package var isPeerLost: Bool {
        if case .peerLost = cause { true } else { false }
    }

    package var description: String {
        let place = "\(operation.rawValue) on rank \(rank)"
        let other = peer.map { " with rank \($0)" } ?? ""
        return switch cause {
        case .peerLost(let reason): "\(place)\(other) was given up because a peer is lost: \(reason)"
        case .mismatch(let detail): "\(place)\(other) does not match what the other ranks called: \(detail)"
        case .neverCompletes(let detail): "\(place)\(other) would wait forever: \(detail)"
        case .library(let code, let text): "\(place)\(other) failed in the MPI library with code \(code): \(text)"
        }
    }
}
