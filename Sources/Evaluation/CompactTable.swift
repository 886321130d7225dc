/// Many sets, or many parts of one, a line each: the accuracy with its interval, and the main figures without theirs.
struct CompactTable {
    /// A figure without its interval, and what stands above it.
    private struct Column {
        var title: String
        var digits: Int
        /// Of how many samples there are of each problem.
        var figure: (Int) -> Figure
    }

    private let columns: [Column]
    private var grid: TextGrid

    /// - Parameters:
    ///   - summaries: all that will be added: what none of them has gets no column.
    ///   - count: nil where the lines are of different counts of samples.
    private init(keys: [String], of summaries: [TemperatureSummary], samplesPerProblem count: Int?) {
        let n = count.map { "\($0)" } ?? "n"
        let figures = Set(summaries.flatMap(\.figures.keys))
        let hasProcessRewards = figures.contains { if case .bestOf = $0 { true } else { false } }
        columns =
            [Column(title: "pass@\(n)", digits: 3) { .pass($0) }, Column(title: "maj@\(n)", digits: 3) { .majority($0) }]
            + (hasProcessRewards
                ? [Column(title: "best@\(n)", digits: 3) { .bestOf($0) }, Column(title: "w. maj@\(n)", digits: 3) { .weightedMajority($0) }]
                : [])
            + [Column(title: "exact", digits: 2) { _ in .distinct(.exact) }]
            + FigureRow.thresholds(of: figures).map { threshold in
                Column(title: "R-L \(threshold)", digits: 2) { _ in .distinct(.rougeL(threshold)) }
            }
        grid = TextGrid(header: keys + ["accuracy"] + columns.map(\.title), keys: keys.count)
    }

    mutating func add(_ keys: [String], _ summary: TemperatureSummary, samplesPerProblem n: Int) {
        grid.rows.append(
            keys + [summary[.accuracy]?.text(3)]
                + columns.map { column in summary[column.figure(n)].map { fixed($0.value, column.digits) } })
    }

    /// Of solutions without chance there is one of each problem: they have an accuracy only.
    mutating func addGreedy(_ keys: [String], _ summary: TemperatureSummary) {
        grid.rows.append(keys + [summary[.accuracy]?.text(3)] + columns.map { _ in nil })
    }

    var lines: [String] { grid.lines }

    /// The sets of samples on one data set below each other.
    static func comparison(of summaries: [EvaluationSummary]) -> [String] {
        let counts = Set(summaries.map(\.samplesPerProblem))
        var table = CompactTable(
            keys: ["set", "temp."], of: summaries.flatMap(\.all.temperatures.values),
            samplesPerProblem: counts.count == 1 ? counts.first : nil)
        for summary in summaries {
            let name = summary.label.singleLine.cut(to: 27)
            if let greedy = summary.all.greedy { table.addGreedy([name, "greedy"], greedy) }
            for (temperature, figures) in summary.all.temperatures.sorted(by: { $0.key < $1.key }) {
                table.add([name, "\(temperature)"], figures, samplesPerProblem: summary.samplesPerProblem)
            }
        }
        return table.lines
    }

    /// The parts of the problems by a field, at one temperature.
    static func parts(_ parts: [String: EvaluationSummary.Part], by field: String, at temperature: Temperature, of n: Int) -> [String] {
        var table = CompactTable(
            keys: [field.singleLine.cut(to: 26), "problems"], of: parts.values.compactMap { $0.temperatures[temperature] },
            samplesPerProblem: n)
        for value in sortedValues(parts.keys) {
            guard let part = parts[value], let figures = part.temperatures[temperature] else { continue }
            table.add([value.singleLine.cut(to: 26), "\(figures.problems)"], figures, samplesPerProblem: n)
        }
        return table.lines
    }

    /// Numbers by size, where all are numbers.
    static func sortedValues(_ values: some Sequence<String>) -> [String] {
        let texts = values.sorted()
        let numbers = texts.compactMap { text in Double(text).map { (number: $0, text: text) } }
        return numbers.count == texts.count ? numbers.sorted { ($0.number, $0.text) < ($1.number, $1.text) }.map(\.text) : texts
    }
}
