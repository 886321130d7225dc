internal import Problems

extension EvaluationSummary {
    /// A table of fixed width for people, of at most 110 columns.
    package var table: String { tableLines.joined(separator: "\n") }

    /// The tables of all. Where there are several sets of samples on one data set, a table with all of them comes first.
    package static func table(_ summaries: [EvaluationSummary]) -> String {
        var sections: [[String]] = []
        for (dataset, summaries) in byDataset(summaries) {
            if summaries.count > 1 {
                let title = "\(dataset.singleLine.cut(to: 44)): distinct correct solutions as text (exact) and by ROUGE-L (R-L)"
                sections.append([title] + CompactTable.comparison(of: summaries))
            }
            sections += summaries.map(\.tableLines)
        }
        return sections.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
    }

    private var tableLines: [String] {
        var lines = heading
        let temperatures = all.temperatures.sorted { $0.key < $1.key }
        if let greedy = all.greedy { lines.append(Self.greedyLine(greedy.figures)) }
        if !temperatures.isEmpty {
            lines += Self.figureLines(temperatures.map { ($0.key, $0.value.figures) }, of: samplesPerProblem)
        }
        lines += footnotes
        if !all.atAccuracy.isEmpty { lines += [""] + Self.accuracyLines(all.atAccuracy, "distinct correct, at accuracy") }
        if let exact { lines += [""] + Self.exactLines(exact) }
        lines += verdictLines
        for (field, parts) in groups.sorted(by: { $0.key < $1.key }) {
            for temperature in Set(parts.values.flatMap(\.temperatures.keys)).sorted() {
                lines += ["", "by \(field.singleLine.cut(to: 60)), at temperature \(temperature)"]
                lines += CompactTable.parts(parts, by: field, at: temperature, of: samplesPerProblem)
            }
        }
        if let difference { lines += [""] + differenceLines(difference) }
        return lines
    }

    /// On two lines where one is too short.
    private var heading: [String] {
        let title = (name.map { "\($0.singleLine.cut(to: 50)) on " } ?? "") + dataset.singleLine.cut(to: 50)
        var facts = size
        if let policyVersion { facts += ", policy version \(policyVersion)" }
        if problemsWithoutSamples > 0 { facts += ", \(problemsWithoutSamples) problems without samples" }
        let line = "\(title): \(facts)"
        return line.columns <= TextGrid.width ? [line] : ["\(title):", "  \(facts)"]
    }

    private static func greedyLine(_ figures: [Figure: Estimate], signed: Bool = false) -> String {
        let shown: [FigureRow] = [
            FigureRow(figure: .accuracy, label: "accuracy"), FigureRow(figure: .length, label: "length, tokens", digits: 1),
            FigureRow(figure: .unfinished, label: "unfinished"),
        ]
        let texts = shown.compactMap { row in figures[row.figure].map { "\(row.label) \($0.text(row.digits, signed: signed))" } }
        return "greedy: " + texts.joined(separator: "; ")
    }

    /// A row per figure and a column per temperature. Signed values are differences, marked where their interval excludes 0.
    private static func figureLines(
        _ columns: [(temperature: Temperature, figures: [Figure: Estimate])], of samplesPerProblem: Int, signed: Bool = false
    ) -> [String] {
        var grid = TextGrid(
            header: ["mean [95 % interval]"] + columns.map { "temperature \($0.temperature)" + (signed ? "  " : "") }, columnsPerBlock: 4)
        let rows = FigureRow.rows(for: columns.flatMap(\.figures.keys), samplesPerProblem: samplesPerProblem)
        for (index, row) in rows.enumerated() {
            let estimates = columns.map { $0.figures[row.figure] }
            grid.rows.append(
                [row.label]
                    + estimates.map { estimate in
                        estimate.map { $0.text(row.digits, signed: signed) + (signed ? ($0.excludesZero ? " *" : "  ") : "") }
                    })
            // Of how many problems: said once for figures that are of the same.
            let next = index + 1 < rows.count ? rows[index + 1].figure : nil
            let counts = estimates.map { $0?.problems }
            let isLast = next.map { next in !next.isConditional || columns.map { $0.figures[next]?.problems } != counts } ?? true
            if row.figure.isConditional, isLast {
                grid.rows.append(["  of problems"] + counts.map { $0.map { "\($0)" + (signed ? "  " : "") } })
            }
        }
        return grid.lines
    }

    private var footnotes: [String] {
        guard !all.temperatures.isEmpty else { return [] }
        let meaning = "distinct: correct solutions per problem that differ; distinct-n: the share of their n-grams that are unique"
        let inexact = all.temperatures.sorted { $0.key < $1.key }.filter { $0.value.inexactProblems > 0 }
        return [meaning]
            + inexact.map { temperature, summary in
                "distinct solutions by ROUGE-L at temperature \(temperature) are lower bounds for \(summary.inexactProblems) of "
                    + "\(summary.problems) problems"
            }
    }

    private static func exactLines(_ exact: ExactSummary) -> [String] {
        let rows: [(String, Estimate)] = [
            ("correct mass", exact.correctMass), ("total variation", exact.totalVariation),
            ("KL(target, policy), nats", exact.targetToPolicy), ("KL(policy, target), nats", exact.policyToTarget),
            ("log Z gap, nats", exact.logPartitionGap), ("effective solutions", exact.effectiveCount),
        ]
        return TextGrid(header: ["over all responses", "exact"], rows: rows.map { [$0.0, $0.1.text(3)] }).lines
    }

    private func differenceLines(_ difference: Difference) -> [String] {
        let other = difference.name.singleLine.cut(to: 50)
        var lines = ["difference from \(other) on \(difference.problems) problems; *: the interval excludes 0"]
        if !difference.greedy.isEmpty { lines.append(Self.greedyLine(difference.greedy, signed: true)) }
        if !difference.temperatures.isEmpty {
            let columns = difference.temperatures.sorted { $0.key < $1.key }.map { (temperature: $0.key, figures: $0.value) }
            lines += Self.figureLines(columns, of: samplesPerProblem, signed: true)
        }
        if !all.ratiosAtAccuracy.isEmpty { lines += Self.accuracyLines(all.ratiosAtAccuracy, "times as many, at accuracy") }
        return lines
    }

    /// By accuracy, of which a method has at least so much.
    private static func accuracyLines(_ figures: [Double: [Figure: Estimate]], _ title: String) -> [String] {
        let accuracies = figures.keys.sorted()
        var grid = TextGrid(header: [title] + accuracies.map { "≥ \($0)" }, columnsPerBlock: 4)
        for row in FigureRow.rows(for: Set(figures.values.flatMap(\.keys)), samplesPerProblem: 1) {
            grid.rows.append([row.label] + accuracies.map { figures[$0]?[row.figure]?.text(2) })
        }
        return grid.lines
    }
}

extension Estimate {
    fileprivate var excludesZero: Bool { low > 0 || high < 0 }
}

extension EvaluationSummary {
    /// The share of each verdict by temperature, then an example of each: that of the lowest temperature which has one.
    private var verdictLines: [String] {
        var columns = all.temperatures.sorted { $0.key < $1.key }.map { (name: "\($0.key)", summary: $0.value) }
        if let greedy = all.greedy { columns.insert((name: "greedy", summary: greedy), at: 0) }
        let reasons = Verdict.Reason.allCases.filter { reason in columns.contains { $0.summary.verdicts[reason] != nil } }
        guard !reasons.isEmpty else { return [] }
        var grid = TextGrid(header: ["verdicts"] + columns.map(\.name))
        for reason in reasons {
            grid.rows.append([reason.label] + columns.map { "\(fixed(($0.summary.verdicts[reason] ?? 0) * 100, 1)) %" })
        }
        var lines = [""] + grid.lines
        for reason in reasons {
            guard let example = columns.lazy.compactMap({ $0.summary.examples[reason] }).first else { continue }
            let line = example.text.split(whereSeparator: \.isNewline).first { !$0.allSatisfy(\.isWhitespace) } ?? ""
            let problem = example.problem.singleLine.cut(to: 30)
            lines.append("e.g. \(reason.label), \(problem): \(String(line).singleLine)".cut(to: TextGrid.width))
        }
        return lines
    }
}

extension Verdict.Reason {
    fileprivate var label: String { self == .noGold ? "no gold" : rawValue }
}
