/// The picture of one data set: axes, and for each set of samples a curve through its temperatures.
struct PlotPanel {
    struct Point {
        var temperature: Temperature
        /// In %.
        var accuracy: Estimate
        var distinct: Estimate
    }

    struct Curve {
        /// Chooses colour and marker.
        var style: Int
        var label: String
        /// By temperature.
        var points: [Point]
    }

    var title: String
    var curves: [Curve]
    private static let left = 62.0, right = 22.0, top = 34.0, bottom = 50.0

    /// The elements of the panel, whose outer box is given.
    func elements(in box: PlotBox) -> [String] {
        let area = PlotBox(
            x: box.x + Self.left, y: box.y + Self.top, width: box.width - Self.left - Self.right,
            height: box.height - Self.top - Self.bottom)
        let points = curves.flatMap(\.points)
        let xAxis = PlotAxis(covering: points.flatMap { $0.accuracy.values }, within: 0...100, span: 2, steps: 6)
        let yAxis = PlotAxis(
            covering: points.flatMap { $0.distinct.values }, within: 0...Double.greatestFiniteMagnitude, span: 0.5, steps: 6)
        let frame = PlotFrame(area: area, xAxis: xAxis, yAxis: yAxis)
        var elements = frame.elements(xTitle: "accuracy of the samples (%)", yTitle: "distinct correct solutions per problem")
        let titleLimit = Int(area.width / 7.5)
        elements.append(SVG.text(title.singleLine.cut(to: titleLimit), x: area.x, y: area.y - 12, style: "panel"))
        guard !points.isEmpty else {
            elements.append(SVG.text("no values", x: area.x + area.width / 2, y: area.y + area.height / 2, style: "tick middle"))
            return elements
        }
        return elements + marks(in: frame)
    }

    /// Bars below curves below markers below labels.
    private func marks(in frame: PlotFrame) -> [String] {
        var (bars, lines, markers, labels): ([String], [String], [String], [String]) = ([], [], [], [])
        var placement = LabelPlacement(within: frame.area)
        for curve in curves {
            let style = "s\(curve.style % TradeoffPlot.colorCount)"
            for point in curve.points {
                for (a, b) in frame.bars(of: point) {
                    bars.append(SVG.line(from: a, to: b, style: "bar \(style)"))
                    placement.avoid(lineFrom: a, to: b)
                }
                placement.avoid(marker: frame.place(of: point))
            }
            // The place of an unknown temperature among the others is not known either.
            let path = curve.points.filter { $0.temperature.value != nil }.map(frame.place(of:))
            guard path.count > 1 else { continue }
            lines.append(SVG.curve(through: path, style: "curve \(style)" + (curve.style < TradeoffPlot.colorCount ? "" : " again")))
            for (a, b) in zip(path, path.dropFirst()) { placement.avoid(lineFrom: a, to: b) }
        }
        for curve in curves {
            let style = "s\(curve.style % TradeoffPlot.colorCount)"
            for point in curve.points {
                let place = frame.place(of: point)
                markers.append(SVG.marker(curve.style, at: place, style: "point \(style)", title: curve.description(of: point)))
                let text = "\(point.temperature)"
                let box = placement.place(width: Double(text.columns) * 6 + 1, height: 10, beside: place)
                labels.append(SVG.text(text, x: box.x, y: box.y + box.height - 1, style: "label \(style)"))
            }
        }
        return bars + lines + markers + labels
    }
}

extension PlotPanel.Curve {
    /// Of one point, with all that is known of it.
    fileprivate func description(of point: PlotPanel.Point) -> String {
        "\(label), temperature \(point.temperature): accuracy \(point.accuracy.text(1)) %, "
            + "distinct correct solutions \(point.distinct.text(2))"
    }
}

extension Estimate {
    fileprivate var values: [Double] { [value, low, high] }
}

/// Where values are in a panel.
package struct PlotFrame {
    package var area: PlotBox
    package var xAxis, yAxis: PlotAxis

    package init(area: PlotBox, xAxis: PlotAxis, yAxis: PlotAxis) {
        (self.area, self.xAxis, self.yAxis) = (area, xAxis, yAxis)
    }

    package func place(x: Double, y: Double) -> PlotPoint {
        PlotPoint(
            x: area.x + xAxis.position(of: x) * area.width, y: area.y + area.height - yAxis.position(of: y) * area.height)
    }

    func place(of point: PlotPanel.Point) -> PlotPoint { place(x: point.accuracy.value, y: point.distinct.value) }

    /// The intervals of its accuracy and of its distinct solutions.
    func bars(of point: PlotPanel.Point) -> [(PlotPoint, PlotPoint)] {
        let (accuracy, distinct) = (point.accuracy, point.distinct)
        return [
            (place(x: accuracy.low, y: distinct.value), place(x: accuracy.high, y: distinct.value)),
            (place(x: accuracy.value, y: distinct.low), place(x: accuracy.value, y: distinct.high)),
        ]
    }

    /// Grid, ticks and titles of the axes.
    func elements(xTitle: String, yTitle: String) -> [String] {
        var elements: [String] = []
        let (right, bottom) = (area.x + area.width, area.y + area.height)
        for tick in xAxis.ticks {
            let x = place(x: tick, y: yAxis.low).x
            elements.append(SVG.line(from: PlotPoint(x: x, y: area.y), to: PlotPoint(x: x, y: bottom), style: "grid"))
            elements.append(SVG.text(fixed(tick, xAxis.digits), x: x, y: bottom + 17, style: "tick middle"))
        }
        for tick in yAxis.ticks {
            let y = place(x: xAxis.low, y: tick).y
            elements.append(SVG.line(from: PlotPoint(x: area.x, y: y), to: PlotPoint(x: right, y: y), style: "grid"))
            elements.append(SVG.text(fixed(tick, yAxis.digits), x: area.x - 7, y: y + 4, style: "tick end"))
        }
        elements.append(
            SVG.curve(
                through: [PlotPoint(x: area.x, y: area.y), PlotPoint(x: area.x, y: bottom), PlotPoint(x: right, y: bottom)], style: "axis"))
        elements.append(SVG.text(xTitle, x: area.x + area.width / 2, y: bottom + 38, style: "title middle"))
        elements.append(SVG.text(yTitle, x: area.x - 46, y: area.y + area.height / 2, style: "title middle", turned: true))
        return elements
    }
}
