internal import Foundation
internal import Synchronization

/// The report of a run that goes on, made again from its files when somebody looks and something has changed.
///
/// It is made by a thread of the lowest priority, whose own time bounds how often: at most a twentieth of one core goes into it.
final class LivePage: Sendable {
    struct Page: Sendable {
        /// Counts the pages that were made, from 1.
        let number: Int
        let bytes: Data
    }

    private struct State {
        var page: Page?
        /// What the run had changed when the page was begun.
        var changes = -1
        var isBeingMade = false
        var mayBeMadeAt = ContinuousClock.now
        /// How often the newest page was asked for.
        var takers = 0
        var waiting: [CheckedContinuation<Page, Never>] = []
    }

    private let state = Mutex(State())
    private let make: @Sendable (_ number: Int) -> Data
    private let pause: Duration

    /// - Parameters:
    ///   - pause: the least time between two pages.
    ///   - make: a whole page, which has its number in it.
    init(pause: Duration = .seconds(2), make: @escaping @Sendable (_ number: Int) -> Data) { (self.pause, self.make) = (pause, make) }

    /// The number of the newest page; 0: there is none.
    var number: Int { state.withLock { $0.page?.number ?? 0 } }

    /// The newest page; the first one is waited for.
    func newest(changes: Int) async -> Page {
        refresh(changes: changes)
        return await withCheckedContinuation { continuation in
            let page = state.withLock { state -> Page? in
                if state.page == nil { state.waiting.append(continuation) } else { state.takers += 1 }
                return state.page
            }
            if let page { continuation.resume(returning: page) }
        }
    }

    /// Begins a page where something has changed since the last one, and that was made long enough ago.
    func refresh(changes: Int) {
        let number = state.withLock { state -> Int? in
            guard !state.isBeingMade, state.changes != changes, .now >= state.mayBeMadeAt else { return nil }
            (state.isBeingMade, state.changes) = (true, changes)
            return (state.page?.number ?? 0) + 1
        }
        guard let number else { return }
        let thread = Thread { [self] in
            // On Linux of this thread alone.
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
            let page = Page(number: number, bytes: make(number))
            let used = Self.secondsOfThread
            let waiting = state.withLock { state in
                state.page = page
                state.takers = state.waiting.count
                state.isBeingMade = false
                state.mayBeMadeAt = .now + max(pause, .seconds(20 * used))
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume(returning: page) }
        }
        thread.name = "dashboard page"
        thread.start()
    }

    /// Makes the page anew, of files that do not change any more, whatever the time since the last one.
    /// - Returns: its number; nil where it takes longer.
    func last(changes: Int, by deadline: ContinuousClock.Instant) -> Int? {
        var last: Int?
        repeat {
            let (newest, isBeingMade) = state.withLock { state in
                // One that is being made was begun before the end.
                if last == nil, !state.isBeingMade {
                    (state.changes, state.mayBeMadeAt) = (-1, .now)
                    last = (state.page?.number ?? 0) + 1
                }
                return (state.page?.number, state.isBeingMade)
            }
            if let last, newest == last { return last }
            if !isBeingMade { refresh(changes: changes) }
            Thread.sleep(forTimeInterval: 0.005)
        } while .now < deadline
        return nil
    }

    /// Waits until the newest page was asked for so often.
    func isTaken(_ times: Int, by deadline: ContinuousClock.Instant) -> Bool {
        while state.withLock({ $0.takers }) < times {
            guard .now < deadline else { return false }
            Thread.sleep(forTimeInterval: 0.005)
        }
        return true
    }

    /// What the calling thread has used of a core so far.
    private static var secondsOfThread: Double {
        var time = timespec()
        guard clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
}
