/// The policy against the target, as a picture: a point per legal response at log R/Z and log π, of all problems of a ``Certificate``.
/// As rewards are divided by each problem's exact Z, one diagonal is right for all: on it the policy is proportional to the reward.
///
/// Ends with π = 0 or R = 0 are triangles at the lower or left edge. The drawing needs nothing from outside, and follows the reader's light
/// or dark colours.
package struct ProportionalityPlot: Sendable {
    /// One SVG document, ending with a newline. Equal certificates give equal bytes.
    package let svg: String

    /// Of one problem; of more ends as many are drawn, evenly over their order.
    package static let mostPoints = 4096
    private static let width = 580.0, left = 72.0, side = 480.0

    package init(_ certificate: Certificate) {
        let cloud = EndCloud(certificate)
        let title =
            "Policy against reward: \(certificate.task.singleLine.cut(to: 26)), \(certificate.objective.singleLine.cut(to: 20))"
        let notes = Self.notes(certificate, cloud)
        var elements = [SVG.text(title, x: 20, y: 30, style: "panel")]
        elements += notes.enumerated().map { SVG.text($1, x: 20, y: 50 + 18 * Double($0), style: "note") }
        let legend = Self.legend(cloud, top: 40 + 18 * Double(notes.count))
        let area = PlotBox(x: Self.left, y: legend.bottom + 12, width: Self.side, height: Self.side)
        let frame = cloud.frame(in: area)
        let (points, diagonal) = (cloud.elements(in: frame), Self.diagonal(in: frame))
        elements += legend.elements + frame.elements(xTitle: "log R/Z", yTitle: "log π")
        // A few points are plain on a line; behind many it would be lost.
        elements += cloud.isDense ? points + diagonal : diagonal + points
        if cloud.isEmpty {
            elements.append(SVG.text("no values", x: area.x + Self.side / 2, y: area.y + Self.side / 2, style: "tick middle"))
        }
        svg = SVG.document(elements, label: title, width: Self.width, height: area.y + Self.side + 52)
    }

    private static func notes(_ certificate: Certificate, _ cloud: EndCloud) -> [String] {
        let worst = ProportionalityFigure.totalVariation.spread(over: certificate.figures)?.worst ?? .nan
        let count = certificate.problems.count
        let distance = "Total variation \(figureText(worst, 4))" + (count == 1 ? "" : ", the worst of \(count) problems")
        var notes = ["\(distance); bound \(certificate.bounds.totalVariation)", "On the dashed line the policy is R/Z."]
        if cloud.drawn < cloud.total { notes[1] += " \(cloud.drawn) of \(cloud.total) ends are drawn." }
        return notes
    }

    /// As far as both axes go.
    private static func diagonal(in frame: PlotFrame) -> [String] {
        let (low, high) = (max(frame.xAxis.low, frame.yAxis.low), min(frame.xAxis.high, frame.yAxis.high))
        guard low < high else { return [] }
        return [SVG.curve(through: [frame.place(x: low, y: low), frame.place(x: high, y: high)], style: "curve s5 again")]
    }

    /// What there are points of, in as many rows as it takes.
    private static func legend(_ cloud: EndCloud, top: Double) -> (elements: [String], bottom: Double) {
        var (elements, x, y): ([String], Double, Double) = ([], 20, top + 10)
        for series in cloud.series {
            let width = Double(series.label.columns) * 6.6 + 34
            if x > 20, x + width > Self.width { (x, y) = (20, y + 19) }
            let key = PlotDots(shape: series.shape, size: 9).path(
                [series.shape.center(PlotPoint(x: x + 5, y: y), size: 9)], color: series.color, role: "sign", title: series.label)
            elements += [key, SVG.text(series.label, x: x + 16, y: y + 4, style: "name")]
            x += width
        }
        return (elements, y + 10)
    }
}

extension PlotDots.Shape {
    /// Where an edge has to be for its triangle to be around a place.
    fileprivate func center(_ place: PlotPoint, size: Double) -> PlotPoint {
        switch self {
        case .disc, .square: place
        case .below: PlotPoint(x: place.x, y: place.y + size / 2)
        case .left: PlotPoint(x: place.x - size / 2, y: place.y)
        }
    }
}
