extension EvaluationSummary {
    /// Tables of GitHub's Markdown, one for each data set under its name: a row per set of samples; for each temperature the accuracy
    /// in % and the distinct correct solutions at each threshold of ROUGE-L, with 95 % intervals. Ends with a newline.
    package static func markdown(_ summaries: [EvaluationSummary]) -> String {
        PaperTable.tables(of: summaries).map(\.markdown).joined(separator: "\n")
    }
}

extension PaperTable {
    fileprivate var markdown: String {
        let title = "**\(dataset.escapedForMarkdown)**" + (facts.map { ": \($0)" } ?? "")
        let note = "Accuracy in % and distinct correct solutions per problem by ROUGE-L threshold, [95 % interval]."
        var header = ["Samples"]
        for group in groups {
            let temperature = group.temperature.isGreedy ? "greedy" : group.temperature.value.map { "T = \($0)" } ?? "T unknown"
            header.append("\(temperature): accuracy")
            header += group.thresholds.map { "\(temperature): distinct \($0)" }
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
