/// Where each rank's time went: shares of the steps' time, over the run and in all.
struct ReportTimeline: Sendable {
    let runs: [ReportRun]

    /// Nil where no run says what its ranks did.
    var section: HTML? {
        let parts = runs.flatMap(timeline)
        guard !parts.isEmpty else { return nil }
        let keys = zip(RankTimes.phases, ["sampling", "scoring", "learning", "waiting for others"]).map { phase, text in
            HTML.element("span", [.element("i", ["class": "key area \(phase)"]), HTML(text)])
        }
        let note = "Shares of each rank's time by step, stacked from below in this order; the whole height is the time of the steps. "
            + "Waiting is what is left of a step: for others, and for messages."
        return ReportSection.element(
            "time", "Where the time went",
            [.element("p", ["class": "note"], [HTML(note)]), .element("div", ["class": "legend"], keys)] + parts)
    }

    private func timeline(_ run: ReportRun) -> [HTML] {
        guard let times = RankTimes(run.record.lines) else { return [] }
        let choice = RankChoice(busy: (0..<times.ranks).map(times.busyShare))
        let rows = choice.rows.count
        let count = max(1, min(times.last - times.first + 1, max(24, 120 - 3 * rows)))
        var parts: [HTML] = runs.count > 1 ? [.element("h3", [HTML(run.label)])] : []
        parts.append(
            .element(
                "div", ["class": "timeline"],
                choice.rows.map { row in ReportTimelineRow(name: row.name, bins: times.bins(of: row.ranks, count: count)).element }))
        let ends = [HTML.element("span", ["step \(times.first)"]), .element("span", ["\(times.last)"])]
        parts.append(.element("div", ["class": "steps", "aria-hidden": "true"], ends))
        if let note = choice.note { parts.append(.element("p", ["class": "note"], [HTML(note)])) }
        return parts
    }
}

/// Which ranks a timeline shows: all of them, or of many their mean, the busiest and the least busy.
struct RankChoice: Sendable {
    struct Row: Sendable, Equatable {
        var name: String
        /// Whose mean it is.
        var ranks: [Int]
    }

    let rows: [Row]
    /// What is not shown, in a sentence or two; nil: nothing.
    let note: String?

    private static let mostRanks = 24
    private static let ofEachEnd = 8

    /// - Parameter busy: the share of its time that each rank did not wait, by rank.
    init(busy: [Double]) {
        guard busy.count > Self.mostRanks else {
            (rows, note) = (busy.indices.map { Row(name: "rank \($0)", ranks: [$0]) }, nil)
            return
        }
        let order = busy.indices.sorted { busy[$0] != busy[$1] ? busy[$0] > busy[$1] : $0 < $1 }
        let shown = order.prefix(Self.ofEachEnd) + order.suffix(Self.ofEachEnd)
        rows = [Row(name: "mean of \(busy.count)", ranks: Array(busy.indices))] + shown.map { Row(name: "rank \($0)", ranks: [$0]) }
        func quantile(_ share: Double) -> String {
            ReportNumber.percent(1 - busy[order[Int((share * Double(order.count - 1)).rounded())]])
        }
        note = "The mean of all \(busy.count) ranks, the \(Self.ofEachEnd) that waited least, for whom others may have waited, and the "
            + "\(Self.ofEachEnd) that waited most; \(busy.count - shown.count) between them are not shown. Of all ranks' time, waiting "
            + "was \(quantile(0)) at the least, \(quantile(0.25)), \(quantile(0.5)) and \(quantile(0.75)) at the quartiles, and "
            + "\(quantile(1)) at the most."
    }
}
