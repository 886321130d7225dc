/// Seconds between laps.
package struct StopWatch: Sendable {
    private var last = ContinuousClock.now

    /// Starts.
    package init() {}

    /// Seconds since the last lap, or since the start.
    package mutating func lap() -> Double {
        let now = ContinuousClock.now
        defer { last = now }
        return (now - last) / .seconds(1)
    }
}
