import Glibc

/// How a rank waits when it shares its cores with others: it looks again at once, then yields, then sleeps for a
/// sixteenth of the time it has waited, up to a millisecond.
///
/// So a wait is lengthened by a few per cent at most, and a rank that waits for long takes no core from one that works.
struct Patience {
    private var looks = 0
    private var start: UInt64 = 0

    mutating func pause() {
        looks += 1
        if looks == 1 { start = Self.nanoseconds() }
        guard looks > Self.yields else {
            sched_yield()
            return
        }
        let waited = Self.nanoseconds() - start
        var pause = timespec(tv_sec: 0, tv_nsec: Int(min(max(waited / 16, 10_000), 1_000_000)))
        nanosleep(&pause, nil)
    }

    private static let yields = 40

    private static func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
