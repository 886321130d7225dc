internal import Evaluation

/// Every evaluation, in a table that is sorted by any of its columns.
struct ReportEvaluations: Sendable {
    let runs: [ReportRun]

    private struct Row: Sendable {
        var run: String
        var evaluation: RunEvaluation
    }

    private static let figures: [(name: String, title: String, form: FigureForm)] = [
        ("accuracy", "Accuracy", .percent), ("distinct_correct.exact", "Distinct correct", .number),
        ("distinct_correct.rouge_l_0.7", "Distinct, ROUGE-L < 0.7", .number), ("self_bleu", "Self-BLEU", .number),
        ("mean_length", "Length, tokens", .number), ("entropy_per_token", "Entropy, nats/token", .number),
        ("unfinished", "Unfinished", .percent),
        ("exact.total_variation", "Total variation", .number), ("exact.kl_policy_target", "KL(policy ‖ R/Z)", .number),
        ("exact.log_z_gap", "log Z gap", .number), ("exact.correct_mass", "Correct mass", .percent),
        ("auc", "AUC", .percent), ("first_error.f1", "First-error F1", .percent),
        ("first_error.found_errors", "Errors found", .percent), ("first_error.accepted_solutions", "Right ones accepted", .percent),
        ("log_loss", "Log loss", .number), ("brier", "Brier score", .number), ("calibration_error", "Calibration error", .number),
    ]

    /// Nil where there is none.
    var section: HTML? {
        let rows = runs.flatMap { run in run.record.evaluations.map { Row(run: run.label, evaluation: $0) } }
        guard !rows.isEmpty else { return nil }
        var figures = Self.figures
        // Of the most samples that all have.
        let most = rows.map { $0.evaluation.samplesPerProblem }.filter { $0 > 0 }.min() ?? 1
        if most > 1 {
            let more = [("pass_at.\(most)", "pass@\(most)", FigureForm.percent), ("maj_at.\(most)", "maj@\(most)", .percent)]
            figures.insert(contentsOf: more, at: 1)
        }
        figures = figures.filter { figure in rows.contains { $0.evaluation[figure.name] != nil } }
        // What is the same in all rows is said once, and leaves its place to the figures.
        let labels = Self.labels.filter { label in Set(rows.map(label.text)).count > 1 }
        let same = Self.labels.filter { label in !labels.contains { $0.title == label.title } && !label.text(rows[0]).isEmpty }
            .map { "\($0.title.lowercased()) \($0.text(rows[0]))" }.joined(separator: ", ")
        let titles = (runs.count > 1 ? ["Run"] : []) + ["Step"] + labels.map(\.title) + figures.map(\.title)
        let heads = titles.map { heading($0, isSorted: $0 == "Step" && runs.count == 1) }
        let head = HTML.element("thead", [.element("tr", heads)])
        let body = HTML.element("tbody", rows.map { row in line(row, labels, figures) })
        let what = same.isEmpty ? "" : "Of \(same). "
        let note = "\(what)Means, and below them 95 % intervals. A column's name sorts by it."
        let table = ReportSection.scrolling("Evaluations", .element("table", ["class": "sortable"], [head, body]))
        return ReportSection.element("evaluations", "Evaluations", [.element("p", ["class": "note"], [HTML(note)]), table])
    }

    /// Which evaluation it is, beside its run and step.
    private static let labels: [(title: String, text: @Sendable (Row) -> String)] = [
        ("Data set", { $0.evaluation.dataset }), ("Temperature", { $0.evaluation.temperature }),
    ]

    private func heading(_ title: String, isSorted: Bool) -> HTML {
        let button = HTML.element("button", ["type": "button"], [HTML(title)])
        return .element("th", ["scope": "col", "aria-sort": isSorted ? "ascending" : "none"], [button])
    }

    private func line(
        _ row: Row, _ labels: [(title: String, text: @Sendable (Row) -> String)],
        _ figures: [(name: String, title: String, form: FigureForm)]
    ) -> HTML {
        let evaluation = row.evaluation
        var cells: [HTML] = runs.count > 1 ? [cell(row.run, sortedBy: row.run)] : []
        cells.append(cell("\(evaluation.step)", sortedBy: "\(evaluation.step)"))
        cells += labels.map { cell($0.text(row), sortedBy: $0.text(row)) }
        for figure in figures {
            guard let estimate = evaluation[figure.name] else {
                cells.append(cell("–", sortedBy: ""))
                continue
            }
            cells.append(
                .element(
                    "td", ["class": "number", "data-sort": "\(estimate.value)"],
                    [HTML(figure.form.text(estimate.value)), .element("small", [HTML(figure.form.interval(of: estimate) ?? "")])]))
        }
        return .element("tr", cells)
    }

    private func cell(_ text: String, sortedBy key: String) -> HTML { .element("td", ["data-sort": key], [HTML(text)]) }
}
