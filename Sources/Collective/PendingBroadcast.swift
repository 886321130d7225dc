/// A broadcast under way, on the root as on the receivers; waited for at most once.
///
/// One that is dropped without being waited for still completes, so an error thrown in between loses nothing.
package final class PendingBroadcast {
    private let advance: () throws(CollectiveError) -> Bool
    private let finish: () throws(CollectiveError) -> [UInt8]
    private var isTaken = false

    init(
        advance: @escaping () throws(CollectiveError) -> Bool, finish: @escaping () throws(CollectiveError) -> [UInt8]
    ) {
        self.advance = advance
        self.finish = finish
    }

    /// Lets the transfer advance and tells whether `wait` would return at once.
    package func isComplete() throws(CollectiveError) -> Bool { try advance() }

    /// Returns the root's bytes when they are here; on the root, when its buffers are free again.
    package func wait() throws(CollectiveError) -> [UInt8] {
        precondition(!isTaken, "a broadcast is waited for once")
        isTaken = true
        return try finish()
    }
}
