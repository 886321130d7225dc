internal import Evaluation
internal import Foundation

/// The page: one run or several, in one file that loads nothing.
struct ReportPage {
    private let runs: [ReportRun]
    /// Of a page of a run that goes on, which asks whence it came for newer ones; nil: it is made once and loads nothing.
    private let live: Int?

    init(_ records: [RunRecord], live: Int? = nil) {
        runs = ReportRun.all(records)
        self.live = live
    }

    /// A page of a run that goes on, where there is no report yet.
    static func notice(_ text: String, number: Int) throws -> String {
        try document(title: "gfn-dist", [.element("p", ["class": "note"], [HTML(text)])], live: number)
    }

    /// The whole HTML.
    /// - Throws: `RunError.missingInput` where the program's own resources are missing.
    var text: String {
        get throws {
            let sections: [(name: String, title: String, element: HTML?)] = [
                ("plots", "Training", ReportPlots(runs: runs).section), ("time", "Time", ReportTimeline(runs: runs).section),
                ("plan", "Predicted and real", ReportPlan(runs: runs).section),
                ("evaluations", "Evaluations", ReportEvaluations(runs: runs).section),
                ("samples", "Samples", ReportSamples(runs: runs).section), ("settings", "Settings", ReportSettings(runs: runs).section),
            ]
            let links = sections.filter { $0.element != nil }.map { section in
                HTML.element("a", ["href": "#\(section.name)"], [HTML(section.title)])
            }
            let navigation = HTML.element("nav", ["aria-label": "Parts of the report"], links)
            let parts = [ReportHead(runs: runs, navigation: navigation).element] + sections.compactMap(\.element)
            let title = runs.map(\.label).joined(separator: ", ")
            return try Self.document(title: "\(title) – gfn-dist report", parts, live: live)
        }
    }

    private static func document(title: String, _ parts: [HTML], live: Int?) throws -> String {
        func resource(_ name: String) throws -> String {
            try EmbeddedResources.text("report/report.\(name)") + (live == nil ? "" : "\n" + EmbeddedResources.text("report/live.\(name)"))
        }
        return HTML.document(
            title: title, meta: meta(live), style: PlotStyle.variables + (try resource("css")), script: try resource("js"),
            body: [.element("main", parts)])
    }

    /// Whatever a page could load is forbidden to it; one of a run that goes on may ask whence it came.
    static func meta(_ live: Int? = nil) -> [HTML] {
        let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
            + "form-action 'none'" + (live == nil ? "" : "; connect-src 'self'")
        return [
            .element("meta", ["charset": "utf-8"]),
            .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
            .element("meta", ["name": "color-scheme", "content": "light dark"]),
            .element("meta", ["name": "generator", "content": "gfn-dist \(BuildVersion.number)"]),
            .element("meta", ["http-equiv": "Content-Security-Policy", "content": policy]),
            .element("link", ["rel": "icon", "href": "data:,"]),
        ] + (live.map { [.element("meta", ["name": "gfn-page", "content": "\($0)"])] } ?? [])
    }
}
