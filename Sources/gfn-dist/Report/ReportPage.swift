internal import Evaluation
internal import Foundation

/// The page: one run or several, in one file that loads nothing.
struct ReportPage {
    private let runs: [ReportRun]

    init(_ records: [RunRecord]) { runs = ReportRun.all(records) }

    /// The whole HTML.
    /// - Throws: `RunError.missingInput` where the program's own resources are missing.
    var text: String {
        get throws {
            let sections: [(name: String, title: String, element: HTML?)] = [
                ("plots", "Training", ReportPlots(runs: runs).section), ("time", "Time", ReportTimeline(runs: runs).section),
                ("evaluations", "Evaluations", ReportEvaluations(runs: runs).section),
                ("samples", "Samples", ReportSamples(runs: runs).section), ("settings", "Settings", ReportSettings(runs: runs).section),
            ]
            let links = sections.filter { $0.element != nil }.map { section in
                HTML.element("a", ["href": "#\(section.name)"], [HTML(section.title)])
            }
            let navigation = HTML.element("nav", ["aria-label": "Parts of the report"], links)
            let main = HTML.element("main", [ReportHead(runs: runs, navigation: navigation).element] + sections.compactMap(\.element))
            let title = runs.map(\.label).joined(separator: ", ")
            let style = PlotStyle.variables + (try EmbeddedResources.text("report/report.css"))
            return HTML.document(
                title: "\(title) – gfn-dist report", meta: Self.meta, style: style, script: try EmbeddedResources.text("report/report.js"),
                body: [main])
        }
    }

    /// Whatever a page could load is forbidden to it.
    static var meta: [HTML] {
        let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
            + "form-action 'none'"
        return [
            .element("meta", ["charset": "utf-8"]),
            .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
            .element("meta", ["name": "color-scheme", "content": "light dark"]),
            .element("meta", ["name": "generator", "content": "gfn-dist \(BuildVersion.number)"]),
            .element("meta", ["http-equiv": "Content-Security-Policy", "content": policy]),
            .element("link", ["rel": "icon", "href": "data:,"]),
        ]
    }
}
