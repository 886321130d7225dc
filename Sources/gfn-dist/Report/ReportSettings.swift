/// What the runs were told: what differs between them first, or of one run what is not the program's default.
struct ReportSettings: Sendable {
    let runs: [ReportRun]

    /// Nil where no run has settings.
    var section: HTML? {
        let runs = runs.filter { $0.record.settings != nil }
        guard !runs.isEmpty else { return nil }
        func values(_ setting: Setting) -> [String] { runs.map { $0.record.setting(setting.name) ?? "" } }
        let first = Setting.all.filter { setting in
            let values = values(setting)
            return runs.count > 1
                ? values.contains { !setting.kind.isSame($0, values[0]) } : !setting.kind.isSame(values[0], setting.fallback)
        }
        let title = runs.count > 1 ? "What differs between the runs" : "What is not the program's default"
        let none = runs.count > 1 ? "All settings are the same." : "All settings are the program's defaults."
        var parts: [HTML] = [.element("h3", [HTML(title)])]
        parts.append(first.isEmpty ? .element("p", ["class": "note"], [HTML(none)]) : table(title, first, runs))
        let all = HTML.element("summary", ["All \(Setting.all.count) settings"])
        parts.append(.element("details", [all, table("All settings", Setting.all, runs)]))
        return ReportSection.element("settings", "Settings", parts)
    }

    private func table(_ label: String, _ settings: [Setting], _ runs: [ReportRun]) -> HTML {
        let names = ["setting"] + (runs.count > 1 ? runs.map(\.label) : ["value"]) + ["meaning"]
        let head = HTML.element("thead", [.element("tr", names.map { .element("th", ["scope": "col"], [HTML($0)]) })])
        let rows = settings.map { setting in
            let values = runs.map { run -> HTML in
                let value = run.record.setting(setting.name) ?? ""
                return .element("td", [.element("code", [HTML(value.isEmpty ? "–" : value)])])
            }
            let name = HTML.element("th", ["scope": "row"], [.element("code", [HTML(setting.name)])])
            return HTML.element("tr", [name] + values + [.element("td", ["class": "meaning"], [HTML(setting.summary)])])
        }
        return ReportSection.scrolling(label, .element("table", ["class": "settings"], [head, .element("tbody", rows)]))
    }
}
