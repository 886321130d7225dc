import Glibc

/// Runs `body` once for each of `count` virtual ranks, each on a thread of its own, and returns the results by rank.
///
/// When a body throws, the blocked and later calls of the other ranks throw `peerLost`, and the error of the lowest rank
/// that failed for a reason of its own is thrown here.
@discardableResult
package func runInProcess<Result: Sendable>(
    ranks count: Int, body: @escaping @Sendable (any Communicator) throws -> Result
) throws -> [Result] {
    precondition(count >= 1, "runInProcess: \(count) ranks")
    let threads = InProcessCommunicator.ranks(count).map { communicator in
        RankThread {
            defer { communicator.depart() }
            do { return .success(try body(communicator)) } catch {
                communicator.abort("rank \(communicator.rank): \(error)", code: 0)
                return .failure(error)
            }
        }
    }
    let outcomes = threads.map { $0.join() }
    let failures = outcomes.compactMap { outcome -> (any Error)? in
        if case .failure(let error) = outcome { error } else { nil }
    }
    if let cause = failures.first(where: { !(($0 as? CollectiveError)?.isPeerLost ?? false) }) ?? failures.first {
        throw cause
    }
    return try outcomes.map { try $0.get() }
}

/// A thread with room for deep recursion; the default of a secondary thread is an eighth of the main thread's or less.
private final class RankThread<Value: Sendable>: @unchecked Sendable {
    private var thread = pthread_t()
    private let work: Work

    /// The thread's end of it: what to do, and where the outcome goes.
    final class Work: AnyWork, @unchecked Sendable {
        let body: @Sendable () -> Result<Value, any Error>
        var outcome: Result<Value, any Error>?
        init(_ body: @escaping @Sendable () -> Result<Value, any Error>) { self.body = body }
        override func run() { outcome = body() }
    }

    init(_ body: @escaping @Sendable () -> Result<Value, any Error>) {
        work = Work(body)
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 64 << 20)
        let status = pthread_create(&thread, &attributes, runWork, Unmanaged<AnyWork>.passRetained(work).toOpaque())
        pthread_attr_destroy(&attributes)
        precondition(status == 0, "the system refused a thread for a virtual rank: error \(status)")
    }

    func join() -> Result<Value, any Error> {
        pthread_join(thread, nil)
        guard let outcome = work.outcome else { preconditionFailure("a rank's thread ended without an outcome") }
        return outcome
    }
}

private class AnyWork: @unchecked Sendable {
    func run() {}
}

/// At file level because a closure literal made on the main actor traps on other threads.
private func runWork(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<AnyWork>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}
