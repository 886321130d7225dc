internal import Tensor

/// How a cost grows with the size of a model, on logarithmic axes: for each series a curve through its points, and a dashed one through the
/// first of them that grows as its work does.
///
/// The drawing needs nothing from outside, and follows the reader's light or dark colours.
package struct ScalingPlot: Sendable {
    package struct Point: Sendable {
        /// All above zero.
        package var parameters, milliseconds, gigaflops: Double

        package init(parameters: Double, milliseconds: Double, gigaflops: Double) {
            (self.parameters, self.milliseconds, self.gigaflops) = (parameters, milliseconds, gigaflops)
        }
    }

    package struct Series: Sendable {
        package var name: String
        /// By size.
        package var points: [Point]

        package init(name: String, points: [Point]) { (self.name, self.points) = (name, points) }

        /// What each point would take if time grew as the work from the first one on.
        var asWork: [Double] { points.map { points[0].milliseconds * $0.gigaflops / points[0].gigaflops } }
    }

    /// One SVG document, ending with a newline. Equal figures give equal bytes.
    package let svg: String

    private static let width = 640.0, height = 480.0
    private static let area = PlotBox(x: 82, y: 84, width: width - 110, height: height - 150)

    package init(_ series: [Series], note: String) {
        let series = series.filter { !$0.points.isEmpty }
        let title = "Time per token over the size of the model"
        let xs = Self.decades(series.flatMap { $0.points.map(\.parameters) })
        let ys = Self.decades(series.flatMap { $0.points.map(\.milliseconds) + $0.asWork })
        func place(_ x: Double, _ y: Double) -> PlotPoint {
            PlotPoint(
                x: Self.area.x + (Self.exponent(x) - Double(xs.lowerBound)) / Double(xs.count - 1) * Self.area.width,
                y: Self.area.y + Self.area.height * (1 - (Self.exponent(y) - Double(ys.lowerBound)) / Double(ys.count - 1)))
        }
        var elements = [SVG.text(title, x: 20, y: 30, style: "panel"), SVG.text(note, x: 20, y: 50, style: "note")]
        elements += Self.grid(xs, ys, place)
        for (index, series) in series.enumerated() {
            let line = series.points.map { place($0.parameters, $0.milliseconds) }
            let work = zip(series.points, series.asWork).map { place($0.parameters, $1) }
            if line.count > 1 {
                elements += [SVG.curve(through: work, style: "curve s\(index) again"), SVG.curve(through: line, style: "curve s\(index)")]
            }
            elements += zip(series.points, line).map { point, at in
                let text = "\(series.name): \(compact(point.milliseconds)) ms, \(compact(point.gigaflops)) GFLOP"
                return SVG.marker(index, at: at, style: "point s\(index)", title: text)
            }
            let key = PlotPoint(x: Self.area.x + 16, y: Self.area.y + 16 + 18 * Double(index))
            elements += [
                SVG.marker(index, at: key, style: "key s\(index)"), SVG.text(series.name, x: key.x + 12, y: key.y + 4, style: "name"),
            ]
        }
        let key = Self.area.y + 20 + 18 * Double(series.count)
        elements.append(SVG.text("dashed: as the floating-point operations", x: Self.area.x + 10, y: key, style: "note"))
        svg = SVG.document(elements, label: title, width: Self.width, height: Self.height)
    }

    private static func exponent(_ value: Double) -> Double { Elementary.log(value) / Elementary.log(10) }

    /// The powers of ten around some values, at least two.
    private static func decades(_ values: [Double]) -> ClosedRange<Int> {
        let exponents = values.map(exponent)
        // A power of ten is its own decade, whatever its logarithm is rounded to.
        let low = Int(((exponents.min() ?? 0) + 1e-9).rounded(.down)), high = Int(((exponents.max() ?? 1) - 1e-9).rounded(.up))
        return low...max(low + 1, high)
    }

    private static func grid(_ xs: ClosedRange<Int>, _ ys: ClosedRange<Int>, _ place: (Double, Double) -> PlotPoint) -> [String] {
        func power(_ exponent: Int) -> Double {
            let power = (0..<abs(exponent)).reduce(1.0) { power, _ in power * 10 }
            return exponent < 0 ? 1 / power : power
        }
        let (left, right) = (area.x, area.x + area.width), (top, bottom) = (area.y, area.y + area.height)
        var elements: [String] = []
        for exponent in xs {
            let x = place(power(exponent), power(ys.lowerBound)).x
            elements += [
                SVG.line(from: PlotPoint(x: x, y: top), to: PlotPoint(x: x, y: bottom), style: "grid"),
                SVG.text(compact(power(exponent)), x: x, y: bottom + 17, style: "tick middle"),
            ]
        }
        for exponent in ys {
            let y = place(power(xs.lowerBound), power(exponent)).y
            elements += [
                SVG.line(from: PlotPoint(x: left, y: y), to: PlotPoint(x: right, y: y), style: "grid"),
                SVG.text(compact(power(exponent)), x: left - 7, y: y + 4, style: "tick end"),
            ]
        }
        elements.append(
            SVG.curve(
                through: [PlotPoint(x: left, y: top), PlotPoint(x: left, y: bottom), PlotPoint(x: right, y: bottom)], style: "axis"))
        elements.append(SVG.text("parameters", x: left + area.width / 2, y: bottom + 38, style: "title middle"))
        elements.append(
            SVG.text("milliseconds per token", x: left - 58, y: top + area.height / 2, style: "title middle", turned: true))
        return elements
    }
}

/// "800 k", "135 M", "8.03 G", "0.0123": three digits.
package func compact(_ value: Double) -> String {
    for (unit, name) in [(1e9, " G"), (1e6, " M"), (1e3, " k")] where value >= unit { return threeDigits(value / unit) + name }
    return threeDigits(value)
}

private func threeDigits(_ value: Double) -> String {
    if value >= 100 { return fixed(value, 0) }
    if value >= 10 || value == value.rounded(), value >= 1 { return fixed(value, value == value.rounded() ? 0 : 1) }
    if value >= 1 { return fixed(value, 2) }
    var digits = 2, bound = 1.0
    while value < bound, digits < 9 { (digits, bound) = (digits + 1, bound / 10) }
    let text = fixed(value, digits)
    // 0.0100 is written 0.01.
    var end = text.endIndex
    while end > text.startIndex, text[text.index(before: end)] == "0" { end = text.index(before: end) }
    return String(text[..<end])
}
