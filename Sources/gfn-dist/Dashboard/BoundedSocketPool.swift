internal import FlyingSocks
internal import Foundation
internal import Synchronization

/// The server's pool of sockets within bounds: so many connections wait at once, and none longer than `patience`. Whoever can reach the
/// port could otherwise use up the files that this process may open, which the run needs.
final class BoundedSocketPool: AsyncSocketPool {
    private let base: any AsyncSocketPool
    private let limit: Int
    private let patience: Duration
    private let waiting = Mutex(0)

    init(_ base: any AsyncSocketPool, limit: Int = 64, patience: Duration = .seconds(30)) {
        (self.base, self.limit, self.patience) = (base, limit, patience)
    }

    func prepare() async throws { try await base.prepare() }
    func run() async throws { try await base.run() }

    func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {
        if Self.isListening(socket) { return try await base.suspendSocket(socket, untilReadyFor: events) }
        let isIn = waiting.withLock { waiting in
            guard waiting < limit else { return false }
            waiting += 1
            return true
        }
        guard isIn else { throw SocketError.disconnected }
        defer { waiting.withLock { $0 -= 1 } }
        let (base, patience) = (base, patience)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await base.suspendSocket(socket, untilReadyFor: events) }
            group.addTask {
                try await Task.sleep(for: patience)
                throw SocketError.disconnected
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Whether it is the one that takes connections in.
    private static func isListening(_ socket: Socket) -> Bool {
        var (value, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        return getsockopt(socket.file.rawValue, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0
    }
}
