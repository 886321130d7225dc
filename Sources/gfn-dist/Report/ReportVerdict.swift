internal import Evaluation

/// One figure before and after, with 95 % intervals, as numbers and as a drawing.
struct ReportVerdict: Sendable {
    let title: String
    let form: FigureForm
    /// Nil: the run was evaluated once.
    let before: Estimate?
    let after: Estimate
    /// Where the drawing's axis ends: the same for all runs of a page, so that places can be compared.
    var most = 1.0

    private static let figures: [(name: String, title: String, form: FigureForm)] = [
        ("accuracy", "accuracy", .percent), ("distinct_correct.exact", "distinct correct solutions", .number),
        ("exact.total_variation", "total variation from R/Z", .number), ("exact.kl_policy_target", "KL(policy ‖ R/Z)", .number),
        ("auc", "AUC", .percent), ("first_error.f1", "first-error F1", .percent), ("calibration_error", "calibration error", .number),
    ]

    /// Of each of some runs: the first of its evaluations and the last.
    static func all(of runs: [ReportRun]) -> [[ReportVerdict]] {
        let verdicts = runs.map { all(of: $0.evaluations) }
        var most: [String: Double] = [:]
        for verdict in verdicts.joined() {
            let values = [verdict.before, verdict.after].compactMap { $0 }.map { max($0.high, $0.value) }
            most[verdict.title] = verdict.form == .percent ? 1 : max(most[verdict.title] ?? 1e-9, values.max() ?? 0)
        }
        return verdicts.map { $0.map { verdict in
            var scaled = verdict
            scaled.most = most[verdict.title] ?? 1
            return scaled
        } }
    }

    private static func all(of evaluations: [RunEvaluation]) -> [ReportVerdict] {
        figures.compactMap { figure in
            guard let last = evaluations.last, let after = last[figure.name] else { return nil }
            let before = evaluations.count > 1 ? evaluations[0][figure.name] : nil
            return ReportVerdict(title: figure.title, form: figure.form, before: before, after: after)
        }
    }

    var element: HTML {
        var numbers: [HTML] = []
        if let before {
            numbers.append(.element("span", ["class": "before"], [HTML(form.text(before.value))]))
            numbers.append(.element("span", ["class": "arrow", "aria-hidden": "true"], ["→"]))
        }
        numbers.append(.element("strong", [HTML(form.text(after.value))]))
        let intervals = [before, after].compactMap { $0 }.map { form.interval(of: $0) ?? "no interval" }
        // A line breaks between the two only.
        let pieces: [HTML] = intervals.enumerated().flatMap { index, text -> [HTML] in
            [.element("span", [HTML((index > 0 ? "→ " : "") + text)]), " "]
        }
        return .element(
            "div", ["class": "verdict"],
            [
                .element("p", ["class": "title"], [HTML(title)]), .element("p", ["class": "numbers"], numbers), drawing,
                .element("p", ["class": "note"], pieces),
            ])
    }

    /// Both intervals on one axis from 0 to `most`.
    private var drawing: HTML {
        func x(_ value: Double) -> String { decimals(6 + 228 * min(max(value / most, 0), 1), 1) }
        var marks = [HTML.element("path", ["class": "grid", "d": "M6 6V32M234 6V32M6 19H234"])]
        let rows: [(Estimate?, Int, String)] = [(before, 12, "hollow"), (after, 26, "full")]
        for (estimate, y, style) in rows {
            guard let estimate else { continue }
            marks.append(.element("path", ["class": "whisker \(style)", "d": "M\(x(estimate.low)) \(y)H\(x(estimate.high))"]))
            marks.append(.element("circle", ["class": style, "cx": x(estimate.value), "cy": "\(y)", "r": "4"]))
        }
        return .element("svg", ["viewBox": "0 0 240 38", "aria-hidden": "true"], marks)
    }
}
