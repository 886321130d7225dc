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
    /// The field by whose values rows divide the problems; nil: each row is of all.
    var field: String?
    var meaning = Meaning.distinct
    var groups: [Group]
    /// A cell of nil was not measured.
    var rows: [(label: String, cells: [Cell?])]
    /// How many problems and samples there are, where all sets have as many.
    var facts: String?

    /// A row to be: a set of samples, on all problems or those with one value of a field.
    private struct Row {
        var label: String
        var part: EvaluationSummary.Part
        /// The name of the set that it is compared with.
        var base: String?
    }

    /// One for each data set, in the order in which they first occur, and where that was asked for one at equal accuracies, and one of
    /// how many times as many solutions there are as in another set. After them the same by each field that divides the problems, with
    /// a row for each of its values and each set.
    static func tables(of summaries: [EvaluationSummary]) -> [PaperTable] {
        EvaluationSummary.byDataset(summaries).flatMap { dataset, summaries in
            let thresholds = Set(summaries.flatMap(\.thresholds)).sorted(), facts = facts(of: summaries)
            let whole = summaries.map { Row(label: $0.label, part: $0.all, base: $0.difference?.name) }
            return tables(dataset: dataset, field: nil, whole, thresholds: thresholds, facts: facts)
                + Set(summaries.flatMap(\.groups.keys)).sorted().flatMap { field in
                    let values = Set(summaries.flatMap { $0.groups[field, default: [:]].keys }).sorted()
                    let rows = values.flatMap { value in
                        summaries.compactMap { summary in
                            summary.groups[field]?[value].map { part in
                                let label = "\(value) (\(part.problems)), \(summary.label)"
                                return Row(label: label, part: part, base: summary.difference?.name)
                            }
                        }
                    }
                    return tables(dataset: dataset, field: field, rows, thresholds: thresholds, facts: facts)
                }
        }
    }

    private static func tables(dataset: String, field: String?, _ rows: [Row], thresholds: [Double], facts: String?) -> [PaperTable] {
        var tables = [PaperTable(dataset: dataset, field, rows, thresholds: thresholds, facts: facts)]
        if rows.contains(where: { !$0.part.atAccuracy.isEmpty }) {
            tables.append(PaperTable(dataset: dataset, field, rows, .distinct, facts: facts) { $0.atAccuracy })
        }
        let compared = rows.filter { !$0.part.ratiosAtAccuracy.isEmpty }
        if let other = compared.first?.base {
            tables.append(PaperTable(dataset: dataset, field, compared, .ratio(to: other), facts: facts) { $0.ratiosAtAccuracy })
        }
        return tables
    }

    private init(dataset: String, _ field: String?, _ parts: [Row], thresholds: [Double], facts: String?) {
        let temperatures = (parts.contains { $0.part.greedy != nil } ? [Temperature(0)] : [])
            + Set(parts.flatMap(\.part.temperatures.keys)).sorted()
        let groups = temperatures.map { Group(heading: .temperature($0), thresholds: $0.isGreedy ? [] : thresholds) }
        self.init(
            dataset: dataset, field: field, groups: groups,
            rows: parts.map { row in
                let cells = zip(temperatures, groups).flatMap { temperature, group -> [Cell?] in
                    let figures = temperature.isGreedy ? row.part.greedy : row.part.temperatures[temperature]
                    let accuracy = figures?[.accuracy].map { Cell(digits: 1, estimate: $0.inPercent) }
                    return [accuracy] + group.thresholds.map { figures?[.distinct(.rougeL($0))].map { Cell(digits: 2, estimate: $0) } }
                }
                return (row.label, cells)
            }, facts: facts)
    }

    /// - Parameter atAccuracy: a part's figures by accuracy.
    private init(
        dataset: String, _ field: String?, _ parts: [Row], _ meaning: Meaning, facts: String?,
        atAccuracy: (EvaluationSummary.Part) -> [Double: [Figure: Estimate]]
    ) {
        let figures = parts.flatMap { atAccuracy($0.part).values.flatMap(\.keys) }
        let accuracies = Set(parts.flatMap { atAccuracy($0.part).keys }).sorted()
        let groups = accuracies.map { Group(heading: .accuracy($0), thresholds: FigureRow.thresholds(of: figures)) }
        self.init(
            dataset: dataset, field: field, groups: groups,
            rows: parts.map { row in
                let cells = zip(accuracies, groups).flatMap { accuracy, group -> [Cell?] in
                    group.thresholds.map { atAccuracy(row.part)[accuracy]?[.distinct(.rougeL($0))].map { Cell(digits: 2, estimate: $0) } }
                }
                return (row.label, cells)
            }, facts: facts)
        self.meaning = meaning
    }

    private init(dataset: String, field: String?, groups: [Group], rows: [(label: String, cells: [Cell?])], facts: String?) {
        (self.dataset, self.field, self.groups, self.rows, self.facts) = (dataset, field, groups, rows, facts)
    }

    private static func facts(of summaries: [EvaluationSummary]) -> String? {
        let sizes = Set(summaries.map(\.size))
        return sizes.count == 1 ? sizes.first : nil
    }
}

extension Estimate {
    var inPercent: Estimate { Estimate(value: value * 100, low: low * 100, high: high * 100, problems: problems) }
}
