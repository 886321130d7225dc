internal import FlyingFox
internal import FlyingSocks
internal import Synchronization

/// A server-sent event as bytes. `data` is one line.
func serverSentEvent(_ name: String, _ data: String) -> [UInt8] { Array("event: \(name)\ndata: \(data)\n\n".utf8) }

/// The events of one client as the body of a response that has no end of its own.
struct EventStream: AsyncBufferedSequence {
    typealias Element = UInt8

    let events: AsyncStream<[UInt8]>

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(events: events.makeAsyncIterator()) }

    struct AsyncIterator: AsyncBufferedIteratorProtocol {
        var events: AsyncStream<[UInt8]>.Iterator
        private var rest: ArraySlice<UInt8> = []

        init(events: AsyncStream<[UInt8]>.Iterator) { self.events = events }

        mutating func next() async throws -> UInt8? {
            while rest.isEmpty {
                guard let event = await events.next() else { return nil }
                rest = event[...]
            }
            return rest.popFirst()
        }

        /// A whole event at once, or what is left of one.
        mutating func nextBuffer(suggested count: Int) async throws -> ArraySlice<UInt8>? {
            while rest.isEmpty {
                guard let event = await events.next() else { return nil }
                rest = event[...]
            }
            defer { rest = [] }
            return rest
        }
    }
}

/// Those who listen to events. Each has a queue of its own, which keeps the newest: a client that is slow or stuck loses the oldest,
/// and nobody waits for it.
final class EventClients: Sendable {
    /// How many may listen at once.
    static let limit = 16
    /// How many events wait for one client.
    static let depth = 8

    private struct State {
        var number = 0
        var clients: [Int: AsyncStream<[UInt8]>.Continuation] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.clients.count } }

    /// A new client, whose first events are these. Nil: there are as many as may be, or the run has ended.
    func join(_ first: [[UInt8]]) -> EventStream? {
        let (events, continuation) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .bufferingNewest(Self.depth))
        for event in first { continuation.yield(event) }
        let isIn = state.withLock { state in
            guard !state.isClosed, state.clients.count < Self.limit else { return false }
            state.number += 1
            state.clients[state.number] = continuation
            return true
        }
        return isIn ? EventStream(events: events) : nil
    }

    /// Puts an event into every queue; clients that have gone are forgotten.
    func send(_ event: [UInt8]) {
        // Not under the lock: a yield runs what waits for it.
        let clients = state.withLock { $0.clients }
        let gone = clients.filter { _, continuation in
            if case .terminated = continuation.yield(event) { true } else { false }
        }
        guard !gone.isEmpty else { return }
        state.withLock { state in for number in gone.keys { state.clients[number] = nil } }
    }

    /// The last event of all.
    func finish(_ event: [UInt8]) {
        let clients = state.withLock { state in
            state.isClosed = true
            defer { state.clients = [:] }
            return state.clients
        }
        for continuation in clients.values {
            continuation.yield(event)
            continuation.finish()
        }
    }
}
