/// Where each rank's time went: shares of the steps' time, over the run and in all.
struct ReportTimeline: Sendable {
    let runs: [ReportRun]

    /// In the order in which they are stacked, from below.
    private static let phases = ["sample", "score", "learn", "wait"]
    private static let mostRanks = 32
    private static let width = 720.0, height = 36.0

    /// What one rank did in some steps: seconds by phase.
    private struct Bin: Sendable {
        var first: Int
        var last: Int
        var seconds: [Double]
        var total: Double { seconds.reduce(0, +) }
    }

    /// Nil where no run says what its ranks did.
    var section: HTML? {
        let parts = runs.flatMap(timeline)
        guard !parts.isEmpty else { return nil }
        let keys = zip(Self.phases, ["sampling", "scoring", "learning", "waiting for others"]).map { phase, text in
            HTML.element("span", [.element("i", ["class": "key area \(phase)"]), HTML(text)])
        }
        let note = "Shares of each rank's time by step; the whole height is the time of the steps. Waiting is what is left of a step: for "
            + "others, and for messages."
        return ReportSection.element(
            "time", "Where the time went",
            [.element("p", ["class": "note"], [HTML(note)]), .element("div", ["class": "legend"], keys)] + parts)
    }

    private func timeline(_ run: ReportRun) -> [HTML] {
        let lines = run.record.lines.filter { $0["seconds_step"] != nil && $0.lists["seconds_learn_by_rank"] != nil }
        guard let first = lines.first?.step, let last = lines.last?.step else { return [] }
        let ranks = lines.map { $0.lists["seconds_learn_by_rank"]?.count ?? 0 }.max() ?? 0
        let shown = min(ranks, Self.mostRanks)
        guard shown > 0 else { return [] }
        let count = max(1, min(last - first + 1, max(24, 120 - 3 * shown)))
        var rows: [HTML] = []
        for rank in 0..<shown {
            let bins = Self.bins(lines, rank: rank, from: first, to: last, count: count)
            rows.append(row(bins, rank: rank, lastStep: last))
        }
        var parts: [HTML] = runs.count > 1 ? [.element("h3", [HTML(run.label)])] : []
        parts.append(.element("div", ["class": "timeline"], rows))
        let ends = [HTML.element("span", ["step \(first)"]), .element("span", ["\(last)"])]
        parts.append(.element("div", ["class": "steps", "aria-hidden": "true"], ends))
        if shown < ranks { parts.append(.element("p", ["class": "note"], ["The first \(shown) of \(ranks) ranks."])) }
        return parts
    }

    private static func bins(_ lines: [MetricsLine], rank: Int, from first: Int, to last: Int, count: Int) -> [Bin] {
        let span = last - first + 1
        var bins: [Bin] = []
        for line in lines {
            func seconds(_ phase: String) -> Double {
                let all = line.lists["seconds_\(phase)_by_rank"] ?? []
                return rank < all.count ? all[rank] : 0
            }
            let busy = ["sample", "score", "learn"].map(seconds)
            // Free runs sample while others learn: what a step learns from may have taken longer than the step.
            let spent = busy + [max(0, (line["seconds_step"] ?? 0) - busy.reduce(0, +))]
            let place = (line.step - first) * count / span
            if let bin = bins.last, (bin.first - first) * count / span == place {
                bins[bins.count - 1].last = line.step
                bins[bins.count - 1].seconds = zip(bin.seconds, spent).map { $0 + $1 }
            } else {
                bins.append(Bin(first: line.step, last: line.step, seconds: spent))
            }
        }
        return bins
    }

    private func row(_ bins: [Bin], rank: Int, lastStep: Int) -> HTML {
        let width = Self.width / Double(max(1, bins.count))
        var paths = [String](repeating: "", count: Self.phases.count)
        for (index, bin) in bins.enumerated() where bin.total > 0 {
            var top = Self.height
            for phase in Self.phases.indices {
                let high = Self.height * bin.seconds[phase] / bin.total
                top -= high
                guard high > 0.05 else { continue }
                let (x, wide) = (decimals(width * Double(index), 1), decimals(width, 2))
                paths[phase] += "M\(x) \(decimals(top, 1))h\(wide)v\(decimals(high, 1))h-\(wide)z"
            }
        }
        let total = Self.phases.indices.map { phase in bins.reduce(0) { $0 + $1.seconds[phase] } }
        let whole = max(total.reduce(0, +), 1e-12)
        let shares = zip(Self.phases, total).map { phase, seconds in
            let share = HTML.element("b", [HTML(ReportNumber.percent(seconds / whole))])
            return HTML.element("span", ["class": "share"], [.element("i", ["class": "key area \(phase)"]), share])
        }
        let text = zip(Self.phases, total).map { "\($0) \(ReportNumber.percent($1 / whole))" }.joined(separator: ", ")
        let svg = HTML.element(
            "svg", ["viewBox": "0 0 \(Int(Self.width)) \(Int(Self.height))", "preserveAspectRatio": "none", "aria-hidden": "true"],
            zip(Self.phases, paths).map { phase, path in .element("path", ["class": "area \(phase)", "d": path]) })
        let stage = HTML.element(
            "div",
            [
                "class": "bins", "role": "slider", "tabindex": "0", "aria-label": "Rank \(rank), by step", "aria-valuemin": "1",
                "aria-valuemax": "\(bins.count)", "aria-valuenow": "\(bins.count)", "aria-valuetext": "whole run: \(text)",
                "data-first": bins.map { "\($0.first)" }.joined(separator: " "),
                "data-last": bins.map { "\($0.last)" }.joined(separator: " "),
                "data-shares": bins.map { bin in
                    bin.seconds.map { decimals(100 * $0 / max(bin.total, 1e-12), 1) }.joined(separator: ",")
                }.joined(separator: " "),
            ], [svg])
        let name = [HTML.element("span", ["rank \(rank)"]), .element("span", ["class": "at"], ["whole run"])]
        return .element(
            "div", ["class": "rank"], [.element("div", ["class": "name"], name), stage, .element("div", ["class": "shares"], shares)])
    }
}
