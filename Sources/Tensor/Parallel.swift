internal import CKernels

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

    /// Calls the body with contiguous ranges that make up `0..<count`, none shorter than `grain` unless it is the only one, and
    /// returns when all are done. There are more ranges than threads, so that a late thread delays nobody. With one thread, or
    /// work for only one range, the body runs inline.
    package func forEach(_ count: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) {
        guard count > 0 else { return }
        let parts = threads == 1 ? 1 : min(4 * threads, max(1, count / max(1, grain)))
        if parts == 1 { return body(0..<count) }
        withoutActuallyEscaping(body) { body in
            var region = Region(count: count, parts: parts, body: body)
            withUnsafeMutablePointer(to: &region) { gfn_parallel(Int32(threads), parts, runPart, $0) }
        }
    }
}

private struct Region {
    let count: Int
    let parts: Int
    let body: (Range<Int>) -> Void
}

/// A function of the file, because a closure that became a C function would carry its actor's check to foreign threads.
private func runPart(_ context: UnsafeMutableRawPointer?, _ part: Int) {
    guard let region = context?.assumingMemoryBound(to: Region.self).pointee else { return }
    region.body(part * region.count / region.parts..<(part + 1) * region.count / region.parts)
}
