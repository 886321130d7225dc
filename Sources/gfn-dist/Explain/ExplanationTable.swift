internal import Evaluation

/// The rows of an explanation as cells, with the columns that the objective has something to say in.
struct ExplanationTable {
    struct Column {
        let title: String
        let isNumber: Bool
        fileprivate let cell: (Line) -> String?
    }

    /// A token with the state that it leads to, or ⊤ by itself where the policy chose it and no state shows it.
    fileprivate struct Line {
        let row: ExplanationRow
        let isStop: Bool
        var action: ExplanationRow.Action? { isStop ? row.stop : row.token?.action }
        /// Where ⊤ and its residual are shown.
        var state: ExplanationRow.State? { isStop ? nil : row.state }
    }

    let columns: [Column]
    /// A cell of nil is one that has nothing to say.
    let cells: [[String?]]

    init(_ explanation: Explanation) {
        let isBalance = explanation.objective.isBalance, logPartition = explanation.group.logPartition
        var lines = explanation.rows.map { Line(row: $0, isStop: false) }
        if !isBalance, !explanation.end.isForced { lines.append(Line(row: explanation.end, isStop: true)) }
        // The prompt is a line where a response may be empty, and so may end there.
        lines.removeAll { $0.row.token == nil && $0.row.state == nil && !$0.isStop }
        func number(_ title: String, _ digits: Int = 4, _ value: @escaping (Line) -> Double?) -> Column {
            Column(title: title, isNumber: true) { line in value(line).map { decimals($0, digits) } }
        }
        let isSame = explanation.differingLogProbabilities == 0
        var columns = [
            Column(title: "i", isNumber: true) { $0.isStop ? "" : "\($0.row.index)" },
            Column(title: "token", isNumber: false) { line in line.isStop ? "⊤" : line.row.token?.visible ?? "prompt" },
            number("log π") { $0.action?.logProbability },
            number("log π_old") { isSame ? nil : $0.action?.sampler },
            number("log π_ref") { $0.action?.reference },
        ]
        if !isBalance {
            columns += [
                number("π/π_old") { isSame ? nil : $0.action?.ratio }, number("A") { $0.action?.advantage },
                number("V") { $0.action?.value }, number("return") { $0.action?.target },
            ]
        }
        columns.append(Column(title: "push", isNumber: true) { line in line.action.map { Self.push($0.slope) } })
        if isBalance {
            columns += [
                Column(title: "state", isNumber: false) { $0.state?.mark },
                number("log π(⊤)") { line in line.state == nil || line.row.isForced ? nil : line.row.stop.logProbability },
                number("log π_ref(⊤)") { line in line.state == nil || line.row.isForced ? nil : line.row.stop.reference },
                number("steps") { line in explanation.rows.contains { ($0.state?.process ?? 0) != 0 } ? line.state?.process : nil },
                number("log R") { $0.state?.logReward }, number("H") { $0.state?.residual },
                number("H+log Z") { line in line.state.map { $0.residual + logPartition } },
                Column(title: "push ⊤", isNumber: true) { line in
                    line.state == nil || line.row.isForced ? nil : Self.push(line.row.stop.slope)
                },
            ]
        }
        let all = lines.map { line in columns.map { $0.cell(line) } }
        let kept = columns.indices.filter { column in all.contains { $0[column] != nil } }
        self.columns = kept.map { columns[$0] }
        cells = all.map { row in kept.map { row[$0] } }
    }

    /// Which way a step down the gradient moves log π, and how strongly: −dL/d log π as a sign and a number.
    static func push(_ slope: Double) -> String {
        slope == 0 ? "0" : "\(slope < 0 ? "▲" : "▼") \(ReportNumber.short(abs(slope), digits: 3))"
    }

    var text: String {
        let widths = columns.indices.map { column in
            ([columns[column].title] + cells.map { $0[column] ?? "" }).map(\.columns).max() ?? 0
        }
        let lines = [columns.map { Optional($0.title) }] + cells
        return lines.map { line in
            let padded = line.indices.map { column in
                let cell = line[column] ?? ""
                return columns[column].isNumber ? cell.paddedLeft(to: widths[column]) : cell.padded(to: widths[column])
            }
            let text = padded.joined(separator: "  ")
            return String(text.prefix(text.count - text.reversed().prefix { $0 == " " }.count))
        }.joined(separator: "\n")
    }
}
