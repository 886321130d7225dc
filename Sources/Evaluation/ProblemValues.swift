/// The figures of one set of samples by problem, for another set to be compared with. Eight bytes a figure.
package struct ProblemValues: Sendable {
    /// Which column a figure has.
    private var columns: [Figure: Int] = [:]
    /// Not a number where a problem does not have a figure.
    private var rows: [Temperature: [Int: [Double]]] = [:]

    package init() {}

    package mutating func add(_ values: [Figure: Double], at temperature: Temperature, of problem: Int) {
        for figure in values.keys where columns[figure] == nil { columns[figure] = columns.count }
        var row = [Double](repeating: .nan, count: columns.count)
        for (figure, value) in values {
            if let column = columns[figure] { row[column] = value }
        }
        rows[temperature, default: [:]][problem] = row
    }

    /// What another set's values have over these, of the figures that both have; nil where this set does not have the problem.
    package func difference(of values: [Figure: Double], at temperature: Temperature, of problem: Int) -> [Figure: Double]? {
        guard let row = rows[temperature]?[problem] else { return nil }
        var differences: [Figure: Double] = [:]
        for (figure, value) in values {
            guard let column = columns[figure], column < row.count, !row[column].isNaN else { continue }
            differences[figure] = value - row[column]
        }
        return differences
    }
}
