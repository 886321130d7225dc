/// The sets of samples on one data set in the shape of a paper's table (Takase et al. 2024, arXiv 2410.20147): a row per set; for each
/// temperature the accuracy in % and the distinct correct solutions at each threshold of ROUGE-L.
struct PaperTable {
    /// Columns of one temperature.
    struct Group {
        var temperature: Temperature
        /// Empty for solutions without chance, of which there is one of each problem.
        var thresholds: [Double]

        var columnCount: Int { 1 + thresholds.count }
    }

    struct Cell {
        /// Of all values in a cell's column.
        var digits: Int
        var estimate: Estimate

        var value: String { fixed(estimate.value, digits) }
        var interval: (low: String, high: String) { (fixed(estimate.low, digits), fixed(estimate.high, digits)) }
    }

    var dataset: String
    var groups: [Group]
    /// A cell of nil was not measured.
    var rows: [(label: String, cells: [Cell?])]
    /// How many problems and samples there are, where all sets have as many.
    var facts: String?

    /// One for each data set, in the order in which they first occur.
    static func tables(of summaries: [EvaluationSummary]) -> [PaperTable] {
        EvaluationSummary.byDataset(summaries).map { PaperTable(dataset: $0.dataset, $0.summaries) }
    }

    private init(dataset: String, _ summaries: [EvaluationSummary]) {
        self.dataset = dataset
        var groups: [Group] = summaries.contains { $0.all.greedy != nil } ? [Group(temperature: Temperature(0), thresholds: [])] : []
        let thresholds = Set(summaries.flatMap(\.thresholds)).sorted()
        groups += Set(summaries.flatMap(\.all.temperatures.keys)).sorted().map { Group(temperature: $0, thresholds: thresholds) }
        self.groups = groups
        rows = summaries.map { summary in
            let cells = groups.flatMap { group -> [Cell?] in
                let figures = group.temperature.isGreedy ? summary.all.greedy : summary.all.temperatures[group.temperature]
                let accuracy = figures?[.accuracy].map { Cell(digits: 1, estimate: $0.inPercent) }
                return [accuracy] + group.thresholds.map { figures?[.distinct(.rougeL($0))].map { Cell(digits: 2, estimate: $0) } }
            }
            return (summary.label, cells)
        }
        let sizes = Set(summaries.map(\.size))
        facts = sizes.count == 1 ? sizes.first : nil
    }
}

extension Estimate {
    var inPercent: Estimate { Estimate(value: value * 100, low: low * 100, high: high * 100, problems: problems) }
}
