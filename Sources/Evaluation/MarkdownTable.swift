extension EvaluationSummary {
    /// Tables of GitHub's Markdown, one for each data set under its name: a row per set of samples; for each temperature the accuracy
    /// in % and the distinct correct solutions at each threshold of ROUGE-L, with 95 % intervals. Ends with a newline.
    package static func markdown(_ summaries: [EvaluationSummary]) -> String {
        PaperTable.tables(of: summaries).map(\.markdown).joined(separator: "\n")
    }
}

extension PaperTable {
    fileprivate var markdown: String {
        let title = "**\(dataset.escapedForMarkdown)**" + (field.map { ", by \($0.escapedForMarkdown)" } ?? "")
            + (facts.map { ": \($0)" } ?? "")
        let distinct = "distinct correct solutions per problem by ROUGE-L threshold, [95 % interval]"
        let note =
            switch meaning {
            case .distinct where groups.contains { $0.hasAccuracy } || groups.isEmpty: "Accuracy in % and \(distinct)."
            case .distinct: "At equal accuracy: \(distinct), along lines between temperatures."
            case .ratio(let other): "At equal accuracy, in multiples of \(other.escapedForMarkdown): \(distinct)."
            }
        var header = [field.map { "\($0.escapedForMarkdown) (problems), samples" } ?? "Samples"]
        for group in groups {
            if group.hasAccuracy { header.append("\(group.heading.markdown): accuracy") }
            header += group.thresholds.map { "\(group.heading.markdown): distinct \($0)" }
        }
        let lines =
            [header, [":--"] + header.dropFirst().map { _ in "--:" }]
            + rows.map { row in
                [row.label.escapedForMarkdown]
                    + row.cells.map { $0.map { "\($0.value) [\($0.interval.low), \($0.interval.high)]" } ?? "–" }
            }
        return ([title, "", note, ""] + lines.map { "| \($0.joined(separator: " | ")) |" }).joined(separator: "\n") + "\n"
    }
}

extension PaperTable.Heading {
    fileprivate var markdown: String {
        switch self {
        case .temperature(let temperature): temperature.isGreedy ? "greedy" : temperature.value.map { "T = \($0)" } ?? "T unknown"
        case .accuracy(let accuracy): "accuracy ≥ \(accuracy)"
        }
    }
}

extension String {
    /// As text that has no meaning to Markdown, on one line.
    var escapedForMarkdown: String {
        var text = ""
        for character in singleLine {
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case "\\", "|", "*", "_", "`", "[", "]", "~", "#", ">", "$": text += "\\\(character)"
            default: text.append(character)
            }
        }
        return text
    }
}
