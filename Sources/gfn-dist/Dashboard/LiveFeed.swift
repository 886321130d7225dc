internal import Synchronization

/// What a run hands to its dashboard: the newest line of `metrics.jsonl`, and that its files have changed.
///
/// The run never waits here. It takes the lock only where that is free; otherwise this line is left out, and the next one counts. Only
/// the newest line is kept: what has been is in the files.
final class LiveFeed: Sendable {
    struct Newest: Sendable {
        /// How often something has changed.
        var changes = 0
        /// Empty: no step is done yet.
        var line = ""
        /// Nil: the run is being prepared.
        var folder: RunFolder?
    }

    private let newest = Mutex(Newest())

    /// Called by the run, with a line that is in its file already.
    func put(_ line: String) {
        _ = newest.withLockIfAvailable { newest in
            newest.changes += 1
            newest.line = line
        }
    }

    /// Called by the run when another file has changed.
    func noteChange() { _ = newest.withLockIfAvailable { $0.changes += 1 } }

    /// Called once, before the first step.
    func open(_ folder: RunFolder) {
        newest.withLock { newest in
            newest.changes += 1
            newest.folder = folder
        }
    }

    /// Called by the server.
    var value: Newest { newest.withLock { $0 } }
}
