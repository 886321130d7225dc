/// The ends of all problems of a certificate as points of a plot.
struct EndCloud {
    /// Ends that look alike.
    struct Series {
        var shape: PlotDots.Shape
        /// A class of the sheet.
        var color: String
        var label: String
        /// (log R/Z, log π). What is behind an edge is at −∞.
        var points: [(x: Double, y: Double)]
    }

    /// Those that have points, correct ends first.
    let series: [Series]
    /// How many ends there are, and how many of them are points: not those of which a number is missing.
    let total: Int, drawn: Int

    /// No sum of a model's log-probabilities is below; axes need some end.
    private static let lowest = -1e12
    /// Nats that an axis shows at least.
    private static let span = 2.0

    init(_ certificate: Certificate) {
        var points: [Bool: [(x: Double, y: Double)]] = [:]
        for (scores, figures) in zip(certificate.problems, certificate.figures) {
            let (count, shown) = (scores.ends.count, min(scores.ends.count, ProportionalityPlot.mostPoints))
            for index in 0..<shown {
                let end = scores.ends[index * count / shown]
                let x = Self.clipped(end.logReward - figures.logPartition), y = Self.clipped(end.logPolicy)
                if x < .infinity, y < .infinity { points[end.isCorrect, default: []].append((x, y)) }
            }
        }
        series = [(true, "correct ends", "s0"), (false, "other ends", "s1")].flatMap { isCorrect, label, color in
            let all = points[isCorrect] ?? []
            let noPolicy = all.filter { $0.y == -.infinity }, noReward = all.filter { $0.y > -.infinity && $0.x == -.infinity }
            let inside = all.filter { $0.x.isFinite && $0.y.isFinite }
            return [
                Series(shape: isCorrect ? .disc : .square, color: color, label: "\(label): \(inside.count)", points: inside),
                Series(shape: .below, color: color, label: "\(label), π = 0: \(noPolicy.count)", points: noPolicy),
                Series(shape: .left, color: color, label: "\(label), R = 0: \(noReward.count)", points: noReward),
            ].filter { !$0.points.isEmpty }
        }
        total = certificate.ends
        drawn = series.reduce(0) { $0 + $1.points.count }
    }

    var isEmpty: Bool { drawn == 0 }
    /// Whether points are likely to hide what is behind them.
    var isDense: Bool { drawn > 64 }

    /// NaN is not below, and so stays what it is.
    private static func clipped(_ value: Double) -> Double { value < lowest ? -.infinity : value }

    /// The y axis goes as far as the x axis does, so that points on the diagonal have room beside them; both are alike where the policy is
    /// proportional. A logarithm of a probability is not above 0.
    func frame(in area: PlotBox) -> PlotFrame {
        let points = series.flatMap(\.points)
        let xs = points.map(\.x).filter(\.isFinite), ys = xs + points.map(\.y).filter(\.isFinite)
        func axis(_ values: [Double]) -> PlotAxis {
            let most = max(0, values.max() ?? 0)
            return PlotAxis(
                covering: values.isEmpty ? [-1, 0] : values, within: -Double.greatestFiniteMagnitude...most, span: Self.span, steps: 6)
        }
        return PlotFrame(area: area, xAxis: axis(xs), yAxis: axis(ys))
    }

    /// A path per series, correct ends above others.
    func elements(in frame: PlotFrame) -> [String] {
        let (disc, triangle) = !isDense ? (9.0, 9.0) : drawn <= 1024 ? (5.6, 7) : (3.4, 6)
        return series.reversed().map { series in
            let isInside = series.shape == .disc || series.shape == .square
            // A square has more area than a disc of its width.
            let size = series.shape == .disc ? disc : series.shape == .square ? disc * 0.86 : triangle
            let places = series.points.map { point in
                frame.place(x: max(point.x, frame.xAxis.low), y: max(point.y, frame.yAxis.low))
            }
            return PlotDots(shape: series.shape, size: size).path(
                places, color: series.color, role: isInside ? "ends" : "edge", title: series.label)
        }
    }
}
