internal import Evaluation

/// One figure before and after training, with 95 % intervals, as numbers and as a drawing.
struct ReportVerdict: Sendable {
    let title: String
    let form: FigureForm
    /// Nil: the run was evaluated once.
    let before: Estimate?
    let after: Estimate

    private static let figures: [(name: String, title: String, form: FigureForm)] = [
        ("accuracy", "accuracy", .percent), ("distinct_correct.exact", "distinct correct solutions", .number),
        ("exact.total_variation", "total variation from R/Z", .number), ("exact.kl_policy_target", "KL(policy ‖ R/Z)", .number),
    ]

    /// Of the first of some evaluations and the last.
    static func all(of evaluations: [RunEvaluation]) -> [ReportVerdict] {
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
            numbers.append(.element("span", ["class": "arrow", "aria-label": "to"], ["→"]))
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

    /// Both intervals on one axis from 0.
    private var drawing: HTML {
        let estimates = [before, after].compactMap { $0 }
        let most = form == .percent ? 1 : max(estimates.map { max($0.high, $0.value) }.max() ?? 1, 1e-9)
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
