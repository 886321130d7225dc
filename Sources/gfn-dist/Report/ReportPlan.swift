internal import Foundation
internal import Learner

/// What runs were planned to take, and what they took.
struct ReportPlan: Sendable {
    let runs: [ReportRun]

    /// One figure, and how it is written.
    struct Row: Sendable, Equatable {
        let name: String
        let predicted, real: Double?
        let text: @Sendable (Double) -> String

        /// How many times the real value the predicted one is; nil where one is not known or nothing.
        var ratio: Double? {
            guard let predicted, let real, real > 0 else { return nil }
            return predicted / real
        }

        static func == (a: Row, b: Row) -> Bool { a.name == b.name && a.predicted == b.predicted && a.real == b.real }
    }

    /// Of memory alone where no plan was named.
    static func rows(of record: RunRecord) -> [Row] {
        var rows: [Row] = []
        func add(_ name: String, _ predicted: Double?, _ real: Double?, _ text: @escaping @Sendable (Double) -> String) {
            // What neither has, as the sampling of a run that only learns from data.
            if predicted ?? 0 > 0 || real ?? 0 > 0 { rows.append(Row(name: name, predicted: predicted, real: real, text: text)) }
        }
        let plan = record.plan, memory = record.memory
        if plan != nil || memory != nil {
            add("memory of a node", (plan?.memoryNodeBytes ?? memory?.planned).map(Double.init), memory.map { Double($0.real) }) {
                ByteSize(Int($0)).description
            }
        }
        guard let plan else { return rows }
        // The first step touches memory for the first time, and is not in a plan.
        let lines = record.lines.count > 1 ? Array(record.lines.dropFirst()) : record.lines
        func median(_ key: String) -> Double? {
            let values = lines.compactMap { $0[key] }.sorted()
            return values.isEmpty ? nil : values[values.count / 2]
        }
        let seconds: @Sendable (Double) -> String = { "\(ReportNumber.short($0, digits: 3)) s" }
        add("a step", plan.secondsStep, median("seconds_step"), seconds)
        add("of it sampling", plan.secondsSample, median("seconds_sample"), seconds)
        add("of it scoring", plan.secondsScore, median("seconds_score"), seconds)
        add("of it learning", plan.secondsLearn, median("seconds_learn"), seconds)
        let sampled = lines.filter { $0["tokens_sampled"] != nil && $0["seconds_step"] != nil }
        let time = sampled.compactMap { $0["seconds_step"] }.reduce(0, +)
        let rate = time > 0 ? sampled.compactMap { $0["tokens_sampled"] }.reduce(0, +) / time : nil
        add("tokens sampled a second", plan.secondsStep > 0 ? Double(plan.tokensPerStep) / plan.secondsStep : nil, rate) {
            decimals($0, 0)
        }
        add("weights sent in a step, before compression", Double(plan.syncWeightBytes), median("sync_raw_bytes")) { bytes(Int($0)) }
        return rows
    }

    /// Nil where no run says what it took, and no plan was named.
    var section: HTML? {
        let tables = runs.flatMap(table)
        guard !tables.isEmpty else { return nil }
        let note = "Ratios are predicted over real. Times are the median of all steps but the first; memory is the sum of the peaks of "
            + "the node's processes, with what they share counted once."
        return ReportSection.element("plan", "Predicted and real", [.element("p", ["class": "note"], [HTML(note)])] + tables)
    }

    private func table(_ run: ReportRun) -> [HTML] {
        let rows = Self.rows(of: run.record)
        guard !rows.isEmpty else { return [] }
        let head = HTML.element("thead", [.element("tr", ["figure", "predicted", "real", "ratio"].map { name in
            .element("th", ["scope": "col"], [HTML(name)])
        })])
        let body = rows.map { row in
            let cells = [row.predicted.map(row.text), row.real.map(row.text), row.ratio.map { decimals($0, 2) }]
            let name = HTML.element("th", ["scope": "row"], [HTML(row.name)])
            return HTML.element("tr", [name] + cells.map { .element("td", [HTML($0 ?? "–")]) })
        }
        let table = ReportSection.scrolling("Predicted and real, \(run.label)", .element("table", [head, .element("tbody", body)]))
        return (runs.count > 1 ? [.element("h3", [HTML(run.label)])] : []) + [table]
    }
}
