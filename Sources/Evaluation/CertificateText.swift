internal import Foundation

extension Certificate {
    /// For people: what was trained, a line per figure, what was missed, and last the verdict. Fixed width, below 100 columns.
    package var text: String {
        (heading + [""] + table + [""] + misses.map { "missed: \($0)" } + [verdict]).joined(separator: "\n")
    }

    private var heading: [String] {
        let facts = (lag.map { ", lag \($0)" } ?? "") + (steps.map { ", \($0) steps" } ?? "")
        let count = problems.count == 1 ? "\"\(problems[0].name.singleLine.cut(to: 60))\"" : "\(problems.count)"
        let rows = [
            ("task", task.singleLine.cut(to: 80)), ("objective", objective.singleLine.cut(to: 40) + facts),
            ("start", start.singleLine.cut(to: 80)), (problems.count == 1 ? "problem" : "problems", "\(count), \(ends) ends"),
        ]
        return rows.map { $0.0.padded(to: 11) + $0.1 }
    }

    private var table: [String] {
        let hasOne = problems.count == 1
        var grid = TextGrid(header: ["figure", "bound"] + (hasOne ? ["value"] : ["worst", "mean"]))
        func add(_ label: String, bound: Double? = nil, _ values: [Double?]) {
            grid.rows.append([label, bound.map { "\($0)" } ?? ""] + values.map { value in value.map { figureText($0, 4) } })
        }
        for figure in ProportionalityFigure.allCases {
            let spread = figure.spread(over: figures)
            // Most methods have no learned log Z; what the line lacks is worth a dash.
            if spread == nil, figure == .learnedGap { continue }
            add(figure.label, bound: bound(of: figure), hasOne ? [spread?.worst] : [spread?.worst, spread?.mean])
        }
        // Of several problems they have nothing in common.
        if hasOne {
            add("log Z", [figures[0].logPartition])
            if let learned = figures[0].learnedLogPartition { add("log Z, learned", [learned]) }
            add("log Z, implied by π", [figures[0].impliedLogPartition])
        }
        let lines = grid.lines
        let rule = String(repeating: "─", count: lines.map(\.columns).max() ?? 0)
        return [lines[0], rule] + lines.dropFirst()
    }

    private var verdict: String {
        let names = missedFigures.map(\.figure.label)
        guard let last = names.last else {
            return "PROPORTIONAL: total variation and log Z are within their bounds"
                + (problems.count == 1 ? "" : " on all \(problems.count) problems")
        }
        let list = names.count == 1 ? last : names.dropLast().joined(separator: ", ") + " and \(last)"
        return "NOT PROPORTIONAL: \(list) \(names.count == 1 ? "is beyond its bound" : "are beyond their bounds")"
    }
}

/// A number with so many digits after the point, or in scientific notation where it is very large; "inf" and "nan" as they are.
func figureText(_ value: Double, _ digits: Int) -> String {
    value.isFinite && abs(value) >= 1e6 ? String(format: "%.\(digits)e", value) : fixed(value, digits)
}
