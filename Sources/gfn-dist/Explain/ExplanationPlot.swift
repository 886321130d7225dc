internal import Evaluation

/// H at each state that may terminate, and the line that all would be on in balance.
struct ExplanationPlot {
    private let points: [(index: Int, residual: Double)]
    private let balance: Double
    private let isLearned: Bool

    /// Of the drawing, in its own units.
    private static let box = PlotBox(x: 0, y: 0, width: 360, height: 178)
    private static let area = PlotBox(x: 42, y: 8, width: 306, height: 142)

    /// Nil for objectives that do not look at H.
    init?(_ explanation: Explanation) {
        guard explanation.objective.isBalance else { return nil }
        points = explanation.rows.compactMap { row in row.state.map { (row.index, $0.residual) } }
        (balance, isLearned) = (-explanation.group.logPartition, explanation.group.isLearned)
    }

    var element: HTML {
        let last = Double(max(points.last?.index ?? 1, 1)), values = points.map(\.residual) + [balance]
        let bounds = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
        let frame = PlotFrame(
            area: Self.area, xAxis: PlotAxis(covering: [0, last], within: 0...last, span: 0, steps: 8),
            yAxis: PlotAxis(covering: values, within: bounds, span: 0.01, steps: 5))
        let level = frame.place(x: 0, y: balance).y
        var marks = grid(frame)
        marks.append(.element("path", ["class": "level", "d": "M\(Self.text(Self.area.x, level))h\(Int(Self.area.width))"]))
        let places = points.map { frame.place(x: Double($0.index), y: $0.residual) }
        let stems = places.map { "M\(Self.text($0.x, level))V\(decimals($0.y, 1))" }.joined()
        marks.append(.element("path", ["class": "stem", "d": stems]))
        for (place, point) in zip(places, points) {
            let side = point.residual > balance ? "more" : "less"
            let value = HTML.element("title", [HTML("i = \(point.index): H = \(ReportNumber.short(point.residual))")])
            marks.append(
                .element("circle", ["class": side, "cx": decimals(place.x, 1), "cy": decimals(place.y, 1), "r": "4"], [value]))
        }
        let svg = HTML.element(
            "svg", ["viewBox": "0 0 \(Int(Self.box.width)) \(Int(Self.box.height))", "role": "img", "aria-label": description], marks)
        let note = "H = log π(y_1…y_i ⊤) − log R by the number i of tokens, in nats; the dashed line is −log Z(x), "
            + (isLearned ? "learned" : "the group's mean H")
            + ". Above it (orange) the policy gives a prefix too much, below it (blue) too little."
        return .element(
            "figure", ["class": "plot balance"],
            [.element("figcaption", [.element("p", ["class": "note"], [HTML(note)])]), svg])
    }

    private var description: String {
        "H is " + points.map { "\(ReportNumber.short($0.residual, digits: 3)) after token \($0.index)" }.joined(separator: ", ")
            + "; −log Z is \(ReportNumber.short(balance, digits: 3))"
    }

    private func grid(_ frame: PlotFrame) -> [HTML] {
        let bottom = Self.area.y + Self.area.height
        let rows = frame.yAxis.ticks.flatMap { tick -> [HTML] in
            let y = frame.place(x: 0, y: tick).y
            return [
                .element("path", ["class": "grid", "d": "M\(Self.text(Self.area.x, y))h\(Int(Self.area.width))"]),
                .element(
                    "text", ["class": "end", "x": "36", "y": decimals(y + 3.5, 1)],
                    [HTML(ReportNumber.tick(tick, digits: frame.yAxis.digits))]),
            ]
        }
        // Tokens are counted whole.
        let columns = frame.xAxis.ticks.filter { $0 == $0.rounded() }.flatMap { tick -> [HTML] in
            let x = frame.place(x: tick, y: frame.yAxis.low).x
            return [
                .element("path", ["class": "axis", "d": "M\(Self.text(x, bottom))v4"]),
                .element("text", ["class": "middle", "x": decimals(x, 1), "y": decimals(bottom + 17, 1)], [HTML(decimals(tick, 0))]),
            ]
        }
        return rows + columns
    }

    private static func text(_ x: Double, _ y: Double) -> String { "\(decimals(x, 1)) \(decimals(y, 1))" }
}
