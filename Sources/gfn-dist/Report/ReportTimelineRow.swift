/// One rank's row of a timeline, or the mean of several.
struct ReportTimelineRow: Sendable {
    let name: String
    let bins: [RankTimes.Bin]

    /// Of the drawing, in its own units.
    private static let width = 720.0, height = 36.0

    var element: HTML {
        let phases = RankTimes.phases
        let total = phases.indices.map { phase in bins.reduce(0) { $0 + $1.seconds[phase] } }
        let whole = max(total.reduce(0, +), 1e-12)
        let shares = zip(phases, total).map { phase, seconds in
            let share = HTML.element("b", [HTML(ReportNumber.percent(seconds / whole))])
            return HTML.element("span", ["class": "share"], [.element("i", ["class": "key area \(phase)"]), share])
        }
        let text = zip(phases, total).map { "\($0) \(ReportNumber.percent($1 / whole))" }.joined(separator: ", ")
        let svg = HTML.element(
            "svg", ["viewBox": "0 0 \(Int(Self.width)) \(Int(Self.height))", "preserveAspectRatio": "none", "aria-hidden": "true"],
            zip(phases, paths).map { phase, path in .element("path", ["class": "area \(phase)", "d": path]) })
        let stage = HTML.element(
            "div",
            [
                "class": "bins", "role": "slider", "tabindex": "0", "aria-label": "\(name), by step", "aria-valuemin": "1",
                "aria-valuemax": "\(bins.count)", "aria-valuenow": "\(bins.count)", "aria-valuetext": "whole run: \(text)",
                "data-first": bins.map { "\($0.first)" }.joined(separator: " "),
                "data-last": bins.map { "\($0.last)" }.joined(separator: " "),
                "data-shares": bins.map { bin in
                    bin.seconds.map { decimals(100 * $0 / max(bin.total, 1e-12), 1) }.joined(separator: ",")
                }.joined(separator: " "),
            ], [svg])
        let names = [HTML.element("span", [HTML(name)]), .element("span", ["class": "at"], ["whole run"])]
        return .element(
            "div", ["class": "rank"], [.element("div", ["class": "name"], names), stage, .element("div", ["class": "shares"], shares)])
    }

    /// By phase. Neighbours share their edge to the digit, so that no gap shows between them.
    private var paths: [String] {
        var paths = [String](repeating: "", count: RankTimes.phases.count)
        func edge(_ index: Int) -> String { decimals(Self.width * Double(index) / Double(max(1, bins.count)), 1) }
        for (index, bin) in bins.enumerated() where bin.total > 0 {
            var top = Self.height
            for phase in paths.indices {
                let high = Self.height * bin.seconds[phase] / bin.total
                top -= high
                guard high > 0.05 else { continue }
                paths[phase] += "M\(edge(index)) \(decimals(top, 1))H\(edge(index + 1))v\(decimals(high, 1))H\(edge(index))z"
            }
        }
        return paths
    }
}
