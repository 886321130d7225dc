internal import Evaluation

/// One figure by step, of one run or several: raw values faint, running means clear, evaluations as marks with their intervals.
struct ReportPlot: Sendable {
    /// A figure of one run.
    struct Curve: Sendable {
        /// Chooses the colour.
        var run: Int
        var label: String
        var series: Series
    }

    /// The evaluations of one run.
    struct Marks: Sendable {
        var run: Int
        var label: String
        var points: [(step: Int, estimate: Estimate)]
    }

    var title: String
    /// What is drawn, and its unit.
    var note: String
    var curves: [Curve]
    var marks: [Marks] = []
    /// What values can be.
    var bounds = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude

    /// Of the drawing, in its own units; a phone shows it about as large.
    private static let box = PlotBox(x: 0, y: 0, width: 360, height: 178)
    private static let area = PlotBox(x: 42, y: 8, width: 306, height: 146)
    /// How many places beside each other are told apart.
    static let columns = 306

    var isEmpty: Bool { curves.allSatisfy(\.series.points.isEmpty) && marks.allSatisfy(\.points.isEmpty) }

    /// The figure; `lastStep` is where its axis ends.
    func element(lastStep: Int) -> HTML {
        let frame = frame(lastStep: lastStep)
        let drawn = curves.map { raw($0, frame) } + curves.map { mean($0, frame) } + marks.flatMap { marked($0, frame) }
        let svg = HTML.element(
            "svg", ["viewBox": "0 0 \(Int(Self.box.width)) \(Int(Self.box.height))", "aria-hidden": "true"],
            grid(frame) + drawn)
        let stage = HTML.element(
            "div",
            [
                "class": "stage", "role": "slider", "tabindex": "0", "aria-label": "\(title), by step", "aria-valuemin": "1",
                "aria-valuemax": "\(lastStep)", "aria-valuenow": "\(lastStep)", "aria-valuetext": "step \(lastStep)",
                "data-last": "\(lastStep)", "data-left": "\(Int(Self.area.x))", "data-width": "\(Int(Self.area.width))",
                "data-top": "\(Int(Self.area.y))", "data-height": "\(Int(Self.area.height))", "data-low": "\(frame.yAxis.low)",
                "data-high": "\(frame.yAxis.high)",
            ], [svg])
        let heading = HTML.element("figcaption", [.element("h3", [HTML(title)]), .element("p", ["class": "note"], [HTML(note)])])
        return .element("figure", ["class": "plot"], [heading, readout(lastStep: lastStep), stage])
    }

    /// The newest values, until the reader points at others.
    private func readout(lastStep: Int) -> HTML {
        let place = HTML.element("span", ["class": "at"], ["step \(lastStep)"])
        let values = curves.filter { !$0.series.points.isEmpty }.map { curve in
            let last = curve.series.points.last
            let text = last.map { ReportNumber.short($0.mean) + Self.place($0.step, lastStep: lastStep) } ?? ""
            return line(run: curve.run, label: curve.label, kind: "mean", text: text)
        }
        let judged = marks.filter { !$0.points.isEmpty }.map { marks in
            line(run: marks.run, label: marks.label, kind: "mark", text: marks.points.last.map { Self.text($0.estimate) } ?? "")
        }
        let style = curves.count > 1 ? "readout" : "readout single"
        return .element("div", ["class": style], [place] + values + judged)
    }

    /// Beside a colour the run's name, where there are several.
    private func line(run: Int, label: String, kind: String, text: String) -> HTML {
        let key = HTML.element("i", ["class": "key \(kind) s\(run % ReportPlot.colors)"])
        let name = curves.count > 1 ? [HTML.element("span", ["class": "name"], [HTML(label)])] : []
        return .element("span", ["class": "run r\(run)"], [key] + name + [.element("b", [HTML(text)])])
    }

    /// Where a run's last value is, which ended before others did.
    private static func place(_ step: Int, lastStep: Int) -> String { step < lastStep ? " at \(step)" : "" }

    private static func text(_ estimate: Estimate) -> String {
        let interval = FigureForm.number.interval(of: estimate).map { " [\($0)]" } ?? ""
        return ReportNumber.short(estimate.value) + interval
    }

    static let colors = 8

    private func frame(lastStep: Int) -> PlotFrame {
        let estimates = marks.flatMap { $0.points.map(\.estimate) }
        let values = curves.flatMap { $0.series.points.map(\.value) } + estimates.flatMap { [$0.low, $0.high] }
        let size = values.map(abs).max() ?? 0
        return PlotFrame(
            area: Self.area, xAxis: PlotAxis(covering: [0, Double(lastStep)], within: 0...Double(lastStep), span: 0, steps: 5),
            yAxis: PlotAxis(covering: values, within: bounds, span: max(0.04 * size, 1e-6), steps: 4))
    }

    private func grid(_ frame: PlotFrame) -> [HTML] {
        let (right, bottom) = (Self.area.x + Self.area.width, Self.area.y + Self.area.height)
        var elements: [HTML] = []
        for tick in frame.yAxis.ticks {
            let y = frame.place(x: 0, y: tick).y
            elements.append(.element("path", ["class": "grid", "d": "M\(Self.at(Self.area.x, y))H\(Self.tenths(right))"]))
            let text = HTML(ReportNumber.tick(tick, digits: frame.yAxis.digits))
            elements.append(.element("text", ["class": "end", "x": "36", "y": Self.tenths(y + 3.5)], [text]))
        }
        for tick in frame.xAxis.ticks {
            let x = frame.place(x: tick, y: frame.yAxis.low).x
            elements.append(.element("path", ["class": "axis", "d": "M\(Self.at(x, bottom))v4"]))
            let text = HTML(ReportNumber.tick(tick, digits: frame.xAxis.digits))
            elements.append(.element("text", ["class": "middle", "x": Self.tenths(x), "y": Self.tenths(bottom + 16)], [text]))
        }
        elements.append(.element("path", ["class": "axis", "d": "M\(Self.at(Self.area.x, bottom))H\(Self.tenths(right))"]))
        return elements
    }

    private func raw(_ curve: Curve, _ frame: PlotFrame) -> HTML {
        let places = curve.series.points.map { frame.place(x: Double($0.step), y: $0.value) }
        return .element("path", ["class": "raw r\(curve.run) s\(curve.run % Self.colors)", "d": Self.path(places)])
    }

    /// The running mean; it carries the values for those who point at them.
    private func mean(_ curve: Curve, _ frame: PlotFrame) -> HTML {
        let points = curve.series.points
        return .element(
            "path",
            [
                "class": "mean r\(curve.run) s\(curve.run % Self.colors)",
                "d": Self.path(points.map { frame.place(x: Double($0.step), y: $0.mean) }), "data-run": "\(curve.run)",
                "data-label": curve.label, "data-steps": Self.list(points.map { "\($0.step)" }),
                "data-values": Self.list(points.map { ReportNumber.short($0.value, digits: 6) }),
                "data-means": Self.list(points.map { ReportNumber.short($0.mean, digits: 6) }),
            ])
    }

    private func marked(_ marks: Marks, _ frame: PlotFrame) -> [HTML] {
        guard !marks.points.isEmpty else { return [] }
        func places(_ value: (Estimate) -> Double) -> [PlotPoint] {
            marks.points.map { frame.place(x: Double($0.step), y: value($0.estimate)) }
        }
        let (low, middle, high) = (places(\.low), places(\.value), places(\.high))
        let style = "r\(marks.run) s\(marks.run % Self.colors)"
        var elements = [HTML.element("path", ["class": "band \(style)", "d": Self.path(high + low.reversed()) + "z"])]
        let bars = zip(low, high).map { "M\(Self.at($0.x, $0.y))L\(Self.at($1.x, $1.y))" }.joined()
        elements.append(.element("path", ["class": "bar \(style)", "d": bars]))
        elements.append(
            .element(
                "path",
                [
                    "class": "mark \(style)", "d": Self.path(middle), "data-run": "\(marks.run)", "data-label": marks.label,
                    "data-steps": Self.list(marks.points.map { "\($0.step)" }),
                    "data-values": Self.list(marks.points.map { ReportNumber.short($0.estimate.value, digits: 6) }),
                    "data-texts": marks.points.map { Self.text($0.estimate) }.joined(separator: "|"),
                ]))
        for place in middle {
            let (x, y) = (Self.tenths(place.x), Self.tenths(place.y))
            elements.append(.element("circle", ["class": "dot \(style)", "cx": x, "cy": y, "r": "3"]))
        }
        return elements
    }

    private static func list(_ values: [String]) -> String { values.joined(separator: " ") }

    private static func path(_ places: [PlotPoint]) -> String {
        // A single place is a dot: a line to itself has round ends.
        guard let first = places.first else { return "" }
        let rest = places.count == 1 ? [first] : Array(places.dropFirst())
        return "M\(at(first.x, first.y))" + rest.map { "L\(at($0.x, $0.y))" }.joined()
    }

    private static func at(_ x: Double, _ y: Double) -> String { "\(tenths(x)) \(tenths(y))" }

    private static func tenths(_ length: Double) -> String {
        let number = Int((length * 10).rounded())
        return number % 10 == 0 ? "\(number / 10)" : "\(number < 0 ? "-" : "")\(abs(number) / 10).\(abs(number) % 10)"
    }
}
