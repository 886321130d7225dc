internal import Foundation

/// Repeated samples of one figure of one case.
struct Measurement {
    /// What a value says, as it is printed.
    enum Metric: String {
        case tokensPerSecond = "tok/s"
        case gigaflops = "GFLOP/s"
        case millisecondsPerToken = "ms/tok"
        /// One time divided by another: the lower, the better.
        case timeRatio = "ratio"

        /// Whether less is better.
        var isTime: Bool { self == .timeRatio || self == .millisecondsPerToken }
    }

    let suite: String
    let caseName: String
    let variant: String
    let threads: Int
    let metric: Metric
    var values: [Double] = []
    var foreign: [Double] = []
    var cores: [Double] = []

    mutating func add(_ value: Double, _ load: LoadMeter.Reading) {
        values.append(value)
        foreign.append(load.foreign)
        cores.append(load.cores)
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
        line.add("metric", metric.rawValue)
        line.add("values", values)
        line.add("foreign", foreign)
        line.add("cores", cores)
        return line.text
    }

    static let tableHeading =
        row("suite", "case", "variant", "threads", "metric", "median", "best", "per core-s", "others")

    /// "Per core-second" divides by the CPU time that was got, so that it says something on a busy machine too.
    var tableRow: String {
        let known = foreign.filter { $0 >= 0 }
        let best = metric.isTime ? values.min() : values.max()
        return Self.row(
            suite, caseName, variant, "\(threads)", metric.rawValue, text(Self.median(values)), text(best ?? 0),
            metric.isTime ? "-" : text(Self.median(zip(values, cores).map { $0 / max($1, 1e-9) })),
            known.isEmpty ? "?" : "\(Int((100 * Self.median(known)).rounded())) %")
    }

    private static func row(_ cells: String...) -> String {
        let widths = [8, 32, 21, 8, 7, 9, 9, 11, 7]
        return zip(cells.indices, cells).map { index, cell in
            let padding = String(repeating: " ", count: max(0, widths[index] - cell.count))
            return index >= 5 ? padding + cell : cell + padding
        }.joined(separator: " ")
    }

    private func text(_ value: Double) -> String {
        String(format: metric.isTime ? "%.3f" : value < 100 ? "%.1f" : "%.0f", value)
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted(), middle = sorted.count / 2
        if sorted.isEmpty { return .nan }
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
