/// Many sets, or many parts of one, a line each: the accuracy with its interval, and the main figures without theirs.
struct CompactTable {
    private let thresholds: [Double]
    private var grid: TextGrid

    /// `count` is nil where the lines are of different counts of samples.
    init(keys: [String], samplesPerProblem count: Int?, thresholds: [Double]) {
        self.thresholds = thresholds
        let n = count.map { "\($0)" } ?? "n"
        grid = TextGrid(
            header: keys + ["accuracy", "pass@\(n)", "maj@\(n)", "exact"] + thresholds.map { "R-L \($0)" }, keys: keys.count)
    }

    mutating func add(_ keys: [String], _ summary: TemperatureSummary, samplesPerProblem n: Int) {
        func short(_ figure: Figure, _ digits: Int) -> String? { summary[figure].map { fixed($0.value, digits) } }
        grid.rows.append(
            keys + [
                summary[.accuracy]?.text(3), short(.pass(n), 3), short(.majority(n), 3), short(.distinct(.exact), 2),
            ] + thresholds.map { short(.distinct(.rougeL($0)), 2) })
    }

    /// Of solutions without chance there is one of each problem: they have an accuracy only.
    mutating func addGreedy(_ keys: [String], _ summary: TemperatureSummary) {
        grid.rows.append(keys + [summary[.accuracy]?.text(3), nil, nil, nil] + thresholds.map { _ in nil })
    }

    var lines: [String] { grid.lines }

    /// The sets of samples on one data set below each other.
    static func comparison(of summaries: [EvaluationSummary]) -> [String] {
        let counts = Set(summaries.map(\.samplesPerProblem))
        var table = CompactTable(
            keys: ["set", "temp."], samplesPerProblem: counts.count == 1 ? counts.first : nil,
            thresholds: Set(summaries.flatMap(\.thresholds)).sorted())
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
        let thresholds = FigureRow.thresholds(of: parts.values.flatMap { $0.temperatures[temperature]?.figures.keys.map { $0 } ?? [] })
        var table = CompactTable(keys: [field.singleLine.cut(to: 26), "problems"], samplesPerProblem: n, thresholds: thresholds)
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
