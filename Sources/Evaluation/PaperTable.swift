/// The sets of samples on one data set in the shape of a paper's table (Takase et al. 2024, arXiv 2410.20147): a row per set; for each
/// temperature the accuracy in % and the distinct correct solutions at each threshold of ROUGE-L. Or the latter at each of some accuracies.
struct PaperTable {
    enum Heading {
        case temperature(Temperature)
        case accuracy(Double)
    }

    /// What the cells without an accuracy of their own say.
    enum Meaning: Equatable {
        case distinct
        /// Distinct correct solutions in multiples of those of the set with this name.
        case ratio(to: String)
    }

    /// Columns under one heading.
    struct Group {
        var heading: Heading
        /// Empty for solutions without chance, of which there is one of each problem.
        var thresholds: [Double]

        var hasAccuracy: Bool { if case .temperature = heading { true } else { false } }
        var columnCount: Int { (hasAccuracy ? 1 : 0) + thresholds.count }
    }

    struct Cell {
        /// Of all values in a cell's column.
        var digits: Int
        var estimate: Estimate

        var value: String { fixed(estimate.value, digits) }
        var interval: (low: String, high: String) { (fixed(estimate.low, digits), fixed(estimate.high, digits)) }
    }

    var dataset: String
    var meaning = Meaning.distinct
    var groups: [Group]
    /// A cell of nil was not measured.
    var rows: [(label: String, cells: [Cell?])]
    /// How many problems and samples there are, where all sets have as many.
    var facts: String?

    /// One for each data set, in the order in which they first occur, and where that was asked for one at equal accuracies, and one of
    /// how many times as many solutions there are as in another set.
    static func tables(of summaries: [EvaluationSummary]) -> [PaperTable] {
        EvaluationSummary.byDataset(summaries).flatMap { dataset, summaries in
            var tables = [PaperTable(dataset: dataset, summaries)]
            if summaries.contains(where: { !$0.atAccuracy.isEmpty }) {
                tables.append(PaperTable(dataset: dataset, summaries, .distinct) { $0.atAccuracy })
            }
            let compared = summaries.filter { $0.difference?.ratiosAtAccuracy.isEmpty == false }
            if let other = compared.first?.difference?.name {
                tables.append(PaperTable(dataset: dataset, compared, .ratio(to: other)) { $0.difference?.ratiosAtAccuracy ?? [:] })
            }
            return tables
        }
    }

    private init(dataset: String, _ summaries: [EvaluationSummary]) {
        let thresholds = Set(summaries.flatMap(\.thresholds)).sorted()
        let temperatures = (summaries.contains { $0.all.greedy != nil } ? [Temperature(0)] : [])
            + Set(summaries.flatMap(\.all.temperatures.keys)).sorted()
        let groups = temperatures.map { Group(heading: .temperature($0), thresholds: $0.isGreedy ? [] : thresholds) }
        self.init(
            dataset: dataset, groups: groups,
            rows: summaries.map { summary in
                let cells = zip(temperatures, groups).flatMap { temperature, group -> [Cell?] in
                    let figures = temperature.isGreedy ? summary.all.greedy : summary.all.temperatures[temperature]
                    let accuracy = figures?[.accuracy].map { Cell(digits: 1, estimate: $0.inPercent) }
                    return [accuracy] + group.thresholds.map { figures?[.distinct(.rougeL($0))].map { Cell(digits: 2, estimate: $0) } }
                }
                return (summary.label, cells)
            }, facts: Self.facts(of: summaries))
    }

    /// - Parameter atAccuracy: a set's figures by accuracy.
    private init(
        dataset: String, _ summaries: [EvaluationSummary], _ meaning: Meaning,
        atAccuracy: (EvaluationSummary) -> [Double: [Figure: Estimate]]
    ) {
        let figures = summaries.flatMap { atAccuracy($0).values.flatMap(\.keys) }
        let accuracies = Set(summaries.flatMap { atAccuracy($0).keys }).sorted()
        let groups = accuracies.map { Group(heading: .accuracy($0), thresholds: FigureRow.thresholds(of: figures)) }
        self.init(
            dataset: dataset, groups: groups,
            rows: summaries.map { summary in
                let cells = zip(accuracies, groups).flatMap { accuracy, group -> [Cell?] in
                    group.thresholds.map { atAccuracy(summary)[accuracy]?[.distinct(.rougeL($0))].map { Cell(digits: 2, estimate: $0) } }
                }
                return (summary.label, cells)
            }, facts: Self.facts(of: summaries))
        self.meaning = meaning
    }

    private init(dataset: String, groups: [Group], rows: [(label: String, cells: [Cell?])], facts: String?) {
        (self.dataset, self.groups, self.rows, self.facts) = (dataset, groups, rows, facts)
    }

    private static func facts(of summaries: [EvaluationSummary]) -> String? {
        let sizes = Set(summaries.map(\.size))
        return sizes.count == 1 ? sizes.first : nil
    }
}

extension Estimate {
    var inPercent: Estimate { Estimate(value: value * 100, low: low * 100, high: high * 100, problems: problems) }
}
