extension EvaluationSummary {
    /// `tabular` environments for LaTeX with the package booktabs, one for each data set: as ``markdown(_:)``, with each interval in small
    /// type below its value. Ends with a newline.
    package static func latex(_ summaries: [EvaluationSummary]) -> String {
        PaperTable.tables(of: summaries).map(\.latex).joined(separator: "\n")
    }
}

extension PaperTable {
    fileprivate var latex: String {
        let columnCount = 1 + groups.map(\.columnCount).reduce(0, +)
        var title = "\\textbf{\(dataset.escapedForLatex)}" + (field.map { ", by \($0.escapedForLatex)" } ?? "")
            + (facts.map { ": \($0)" } ?? "")
        if case .ratio(let other) = meaning { title += ", in multiples of \(other.escapedForLatex)" }
        var (tops, rules, names): ([String], [String], [String]) = (
            [""], [], [field.map { "\($0.escapedForLatex) (problems), samples" } ?? "Samples"]
        )
        var column = 2
        for group in groups {
            tops.append("\\multicolumn{\(group.columnCount)}{c}{\(group.heading.latex)}")
            rules.append("\\cmidrule(lr){\(column)-\(column + group.columnCount - 1)}")
            names += (group.hasAccuracy ? ["Acc.\\,\\%"] : []) + group.thresholds.map { "\($0)" }
            column += group.columnCount
        }
        var lines = [
            "% \\usepackage{booktabs}; the numbers above the columns are thresholds of ROUGE-L; below each value is its 95 % interval",
            "\\begin{tabular}{l" + groups.map { " " + String(repeating: "r", count: $0.columnCount) }.joined() + "}",
            "\\toprule",
            "\\multicolumn{\(columnCount)}{l}{\(title)} \\\\",
            "\\midrule",
        ]
        if !groups.isEmpty { lines += [tops.joined(separator: " & ") + " \\\\", rules.joined(separator: " ")] }
        lines += [names.joined(separator: " & ") + " \\\\", "\\midrule"]
        for row in rows {
            let values = [row.label.escapedForLatex] + row.cells.map { $0.map { "$\($0.value)$" } ?? "--" }
            lines.append(values.joined(separator: " & ") + " \\\\")
            let intervals = row.cells.map { $0.map { "{\\scriptsize $[\($0.interval.low), \($0.interval.high)]$}" } ?? "" }
            if !intervals.isEmpty { lines.append(([""] + intervals).joined(separator: " & ") + " \\\\") }
        }
        return (lines + ["\\bottomrule", "\\end{tabular}"]).joined(separator: "\n") + "\n"
    }
}

extension PaperTable.Heading {
    fileprivate var latex: String {
        switch self {
        case .temperature(let temperature): temperature.isGreedy ? "greedy" : temperature.value.map { "$T = \($0)$" } ?? "$T$ unknown"
        case .accuracy(let accuracy): "accuracy $\\ge \(accuracy)$"
        }
    }
}

extension String {
    /// As text that has no meaning to LaTeX, on one line. Brackets are in braces, since `\\` and `\midrule` would take them for arguments.
    var escapedForLatex: String {
        var text = ""
        for character in singleLine {
            switch character {
            case "\\": text += "\\textbackslash{}"
            case "~": text += "\\textasciitilde{}"
            case "^": text += "\\textasciicircum{}"
            case "<": text += "\\textless{}"
            case ">": text += "\\textgreater{}"
            case "|": text += "\\textbar{}"
            case "#", "$", "%", "&", "_", "{", "}": text += "\\\(character)"
            case "[", "]": text += "{\(character)}"
            default: text.append(character)
            }
        }
        return text
    }
}
