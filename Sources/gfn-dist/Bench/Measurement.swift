internal import Foundation

/// Repeated samples of one figure of one case.
struct Measurement {
    /// What a value says, as it is printed: a unit, or what was measured and its unit.
    struct Metric: Equatable {
        let text: String
        /// Whether less is better.
        let isCost: Bool

        static let tokensPerSecond = Metric(text: "tok/s", isCost: false)
        static let newTokensPerSecond = Metric(text: "new tok/s", isCost: false)
        static let gigaflops = Metric(text: "GFLOP/s", isCost: false)
        static let gigabytesPerSecond = Metric(text: "GB/s", isCost: false)
        static let megabytesPerSecond = Metric(text: "MB/s", isCost: false)
        static let millisecondsPerToken = Metric(text: "ms/tok", isCost: true)
        /// One time, or one size, divided by another.
        static let ratio = Metric(text: "ratio", isCost: true)
        static let peakMemory = Metric(text: "peak_MiB", isCost: true)
        static func seconds(_ phase: String) -> Metric { Metric(text: "\(phase)_s", isCost: true) }
        /// Of the speed that the machine's arithmetic allows.
        static func share(_ phase: String) -> Metric { Metric(text: "\(phase)_share", isCost: false) }
        /// Operations that a phase needs, in billions.
        static func neededWork(_ phase: String) -> Metric { Metric(text: "\(phase)_GFLOP", isCost: true) }
        /// Those that ran.
        static func doneWork(_ phase: String) -> Metric { Metric(text: "\(phase)_ran_GFLOP", isCost: true) }
    }

    let suite: String
    let caseName: String
    let variant: String
    let threads: Int
    let metric: Metric
    var values: [Double] = []
    var foreign: [Double] = []
    var cores: [Double] = []
    /// What else is to be known, for people.
    var note = ""

    mutating func add(_ value: Double, _ load: LoadMeter.Reading) {
        values.append(value)
        foreign.append(load.foreign)
        cores.append(load.cores)
    }

    /// Adds what no time belongs to.
    mutating func add(_ value: Double) { add(value, LoadMeter.Reading(seconds: 0, foreign: -1, cores: 0)) }

    /// Adds samples of `work` units a second, or where less is better of seconds a unit, each of `calls` calls of the body, after one that
    /// is not counted: until as many as are asked for were taken while others did little, but at most twice as many.
    mutating func sample(
        _ settings: BenchSettings, atLeast least: Int = 1, calls: Int = 1, work: Double, _ body: () throws -> Void
    ) rethrows {
        try body()
        let repetitions = max(least, settings.repetitions)
        var (taken, clean) = (0, 0)
        while taken < 2 * repetitions, clean < repetitions {
            settings.quiet.wait()
            let meter = LoadMeter()
            for _ in 0..<calls { try body() }
            let reading = meter.read(), units = work * Double(calls)
            add(metric.isCost ? reading.seconds / units : units / max(1e-9, reading.seconds), reading)
            taken += 1
            if (0..<settings.cleanShare).contains(reading.foreign) { clean += 1 }
        }
    }

    /// How many calls of a body last `seconds`, by doubling: for what is too short to be timed alone.
    static func calls(lasting seconds: Double, _ body: () throws -> Void) rethrows -> Int {
        var calls = 1
        while true {
            let meter = LoadMeter()
            for _ in 0..<calls { try body() }
            let taken = meter.read().seconds
            if taken > seconds / 4 || calls >= 1 << 20 { return max(1, Int(Double(calls) * seconds / max(taken, 1e-9))) }
            calls *= 2
        }
    }

    /// Leaves out the first sample.
    mutating func dropFirst() {
        values.removeFirst()
        foreign.removeFirst()
        cores.removeFirst()
    }

    /// One line in the format that the scripts measuring other tools print.
    var json: String {
        var line = JSONLine()
        line.add("suite", suite)
        line.add("case", caseName)
        line.add("tool", "gfn-dist")
        line.add("variant", variant)
        line.add("threads", threads)
        line.add("metric", metric.text)
        line.add("values", values)
        line.add("foreign", foreign)
        line.add("cores", cores)
        if !note.isEmpty { line.add("note", note) }
        return line.text
    }

    static let tableHeading =
        row("suite", "case", "variant", "threads", "metric", "median", "best", "per core-s", "others", "")

    /// "Per core-second" divides by the CPU time that was got, so that it says something on a busy machine too.
    var tableRow: String {
        let known = foreign.filter { $0 >= 0 }
        let best = metric.isCost ? values.min() : values.max()
        return Self.row(
            suite, caseName, variant, "\(threads)", metric.text, text(Self.median(values)), text(best ?? 0),
            metric.isCost ? "-" : text(Self.median(zip(values, cores).map { $0 / max($1, 1e-9) })),
            known.isEmpty ? "?" : "\(Int((100 * Self.median(known)).rounded())) %", note)
    }

    private static func row(_ cells: String...) -> String {
        let widths = [8, 40, 26, 8, 19, 9, 9, 11, 7, 0]
        return zip(cells.indices, cells).filter { $0 < cells.count - 1 || !$1.isEmpty }.map { index, cell in
            let padding = String(repeating: " ", count: max(0, widths[index] - cell.count))
            return index >= 5 && index < 9 ? padding + cell : cell + padding
        }.joined(separator: " ")
    }

    private func text(_ value: Double) -> String {
        String(format: value < 10 ? "%.3f" : value < 100 ? "%.1f" : "%.0f", value)
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted(), middle = sorted.count / 2
        if sorted.isEmpty { return .nan }
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
