internal import Evaluation

/// A run among those of a report.
struct ReportRun: Sendable {
    /// From 0; chooses the colour.
    let number: Int
    /// Tells it from the others.
    let label: String
    let record: RunRecord

    /// Those that are compared over the run: of one data set at one temperature, the first that the last step has.
    var evaluations: [RunEvaluation] {
        let all = record.evaluations
        guard let step = all.last?.step, let chosen = all.first(where: { $0.step == step }) else { return [] }
        return all.filter { $0.dataset == chosen.dataset && $0.temperature == chosen.temperature }
    }

    /// Runs in the order given. Where folders share a name, the whole path tells them apart, and a number where it is named twice.
    static func all(_ records: [RunRecord]) -> [ReportRun] {
        records.indices.map { index in
            let record = records[index]
            let isAlone = records.count { $0.name == record.name } == 1
            let twins = records.indices.filter { records[$0].folder == record.folder }
            let number = twins.count > 1 ? " (\((twins.firstIndex(of: index) ?? 0) + 1))" : ""
            return ReportRun(number: index, label: (isAlone ? record.name : record.folder) + number, record: record)
        }
    }
}

/// A part of the page with its heading.
enum ReportSection {
    static func element(_ name: String, _ title: String, _ children: [HTML]) -> HTML {
        let heading = HTML.element("h2", ["id": "\(name)-title"], [HTML(title)])
        return .element("section", ["id": name, "aria-labelledby": "\(name)-title"], [heading] + children)
    }

    /// A table that scrolls by itself where the screen is narrow.
    static func scrolling(_ label: String, _ table: HTML) -> HTML {
        .element("div", ["class": "scroll", "role": "region", "tabindex": "0", "aria-label": label], [table])
    }
}
