internal import Dispatch

/// The one way to split work over this rank's threads.
///
/// Results never depend on the number of threads: a body computes whatever its indices stand for alone.
package struct Parallel: Sendable {
    package let threads: Int

    package init(threads: Int) {
        precondition(threads >= 1, "a rank has at least one thread, not \(threads)")
        self.threads = threads
    }

    /// Everything on the calling thread.
    package static let serial = Parallel(threads: 1)

    /// Calls the body with contiguous ranges that make up `0..<count`, at most one per thread and none shorter than `grain`
    /// unless it is the only one. Returns when all are done. With one range the body runs inline.
    package func forEach(_ count: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) {
        guard count > 0 else { return }
        let parts = min(threads, max(1, count / max(1, grain)))
        if parts == 1 { return body(0..<count) }
        // Bodies capture pointers, which are not Sendable; each works on its own range of what they point to.
        withoutActuallyEscaping(body) { body in
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: parts) { part in
                body(part * count / parts..<(part + 1) * count / parts)
            }
        }
    }
}
