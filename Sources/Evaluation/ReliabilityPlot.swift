/// How far the scores of a process reward model are to be believed, as a picture: for each bin of ``StepFigures`` a point at its mean
/// score and its share of good steps, and below it a column with how many steps it has. Points on the diagonal are calibrated, points
/// above it are of scores that are too low.
///
/// The drawing needs nothing from outside, and follows the reader's light or dark colours.
package struct ReliabilityPlot: Sendable {
    /// One SVG document, ending with a newline. Equal figures give equal bytes.
    package let svg: String

    private static let width = 540.0
    /// Around the two panels, whose left edges are in line.
    private static let left = 72.0, right = 28.0
    private static let points = PlotBox(x: left, y: 90, width: width - left - right, height: 380)
    private static let columns = PlotBox(x: left, y: 550, width: width - left - right, height: 84)
    private static let height = 690.0

    /// - Parameter name: what the model and its steps are called; nil where that needs no saying.
    package init(_ figures: StepFigures, name: String? = nil) {
        let title = "Reliability of step scores: calibration error \(figures.calibrationError.text(3))"
        let facts = (name.map { "\($0.singleLine.cut(to: 32)): " } ?? "") + "\(figures.steps) steps of \(figures.solutions) solutions"
        let elements =
            [
                SVG.text(title, x: 20, y: 30, style: "panel"),
                SVG.text(facts, x: 20, y: 50, style: "note"),
                SVG.text("On the dashed line scores are right, below it they are too high.", x: 20, y: 68, style: "note"),
            ] + Self.pointElements(figures.bins) + Self.columnElements(figures.bins, of: figures.steps)
        svg = SVG.document(elements, label: title, width: Self.width, height: Self.height)
    }

    private static var scoreAxis: PlotAxis { PlotAxis(covering: [0, 1], within: 0...1, span: 1, steps: 10) }

    private static func pointElements(_ bins: [CalibrationBin]) -> [String] {
        let frame = PlotFrame(area: points, xAxis: scoreAxis, yAxis: PlotAxis(covering: [0, 1], within: 0...1, span: 1, steps: 5))
        let diagonal = SVG.curve(through: [frame.place(x: 0, y: 0), frame.place(x: 1, y: 1)], style: "curve s5 again")
        let marks = bins.compactMap { bin -> (place: PlotPoint, title: String)? in
            guard let score = bin.meanScore, let share = bin.goodShare else { return nil }
            let title = "\(bin.description), mean score \(fixed(score, 3)), share of good steps \(fixed(share, 3))"
            return (frame.place(x: score, y: share), title)
        }
        // One point makes no line.
        let line = marks.count > 1 ? [SVG.curve(through: marks.map(\.place), style: "curve s0")] : []
        return frame.elements(xTitle: "mean score of the steps in a bin", yTitle: "share of good steps") + [diagonal] + line
            + marks.map { SVG.marker(0, at: $0.place, style: "point s0", title: $0.title) }
    }

    /// Columns with their counts above them.
    private static func columnElements(_ bins: [CalibrationBin], of steps: Int) -> [String] {
        let shares = bins.map { Double($0.steps) / Double(steps) * 100 }
        let frame = PlotFrame(
            area: columns, xAxis: scoreAxis, yAxis: PlotAxis(covering: [0] + shares, within: 0...100, span: 10, steps: 4))
        let marks = zip(bins, shares).filter { $0.0.steps > 0 }.flatMap { bin, share in
            let (top, bottom) = (frame.place(x: bin.low, y: share), frame.place(x: bin.high, y: 0))
            let box = PlotBox(x: top.x + 3, y: top.y, width: bottom.x - top.x - 6, height: bottom.y - top.y)
            return [
                SVG.column(box, style: "key s0", title: bin.description),
                SVG.text("\(bin.steps)", x: (top.x + bottom.x) / 2, y: top.y - 4, style: "tick middle"),
            ]
        }
        // The edges of columns hide the axis that they stand on.
        let ground = SVG.line(from: frame.place(x: 0, y: 0), to: frame.place(x: 1, y: 0), style: "axis")
        return frame.elements(xTitle: "score of a step", yTitle: "% of the steps") + marks + [ground]
    }
}

extension CalibrationBin {
    fileprivate var description: String { "scores \(fixed(low, 1)) to \(fixed(high, 1)): \(steps) steps" }
}
