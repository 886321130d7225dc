import Foundation

/// Rank 0's word to people, on standard error: one line that is rewritten on a terminal, plain lines otherwise.
struct ProgressLine {
    /// What is counted: a step, a problem.
    private let unit: String
    private let isTerminal: Bool
    private let isQuiet: Bool
    private let total: Int
    private let first: Int
    private var start = ContinuousClock.now
    private var lastPrinted: ContinuousClock.Instant?

    init(of unit: String, total: Int, startingAt first: Int, quiet: Bool) {
        self.unit = unit
        self.total = total
        self.first = first
        isQuiet = quiet
        isTerminal = isatty(2) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// Counting begins now: what came before does not count towards the time that is left.
    mutating func begin() { start = .now }

    /// Shows how far it is; without a terminal at most one line in five seconds, and always the last.
    mutating func show(_ done: Int, _ fields: [(String, String)]) {
        guard !isQuiet else { return }
        let now = ContinuousClock.now
        let interval: Duration = isTerminal ? .milliseconds(100) : .seconds(5)
        if done != total, let lastPrinted, now - lastPrinted < interval { return }
        lastPrinted = now
        let elapsed = start.duration(to: now).seconds
        let left = done > first ? elapsed / Double(done - first) * Double(total - done) : 0
        let body = (["\(unit) \(done)/\(total)"] + fields.map { "\($0) \($1)" } + ["left \(Self.clock(left))"]).joined(separator: "  ")
        write(isTerminal ? "\r\u{1B}[2K" + body + (done == total ? "\n" : "") : body + "\n")
    }

    /// A line that stays.
    func say(_ text: String) {
        guard !isQuiet else { return }
        write((isTerminal ? "\r\u{1B}[2K" : "") + text + "\n")
    }

    private func write(_ text: String) { writeToStandardError(text) }

    static func clock(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        return whole >= 3600
            ? "\(whole / 3600)h\((whole / 60) % 60)m" : whole >= 60 ? "\(whole / 60)m\(whole % 60)s" : "\(whole)s"
    }
}

extension Duration {
    /// The whole duration in seconds.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

/// A number with so many digits after the point, without the locale.
func decimals(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "\(value)" }
    return String(format: "%.\(digits)f", value)
}

/// Bytes for people.
func bytes(_ count: Int) -> String {
    count >= 1 << 20 ? decimals(Double(count) / 1_048_576, 1) + " MB" : count >= 1024 ? decimals(Double(count) / 1024, 1) + " kB" : "\(count) B"
}
