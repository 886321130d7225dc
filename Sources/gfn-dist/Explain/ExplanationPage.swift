internal import Evaluation

/// An explanation as one page that loads nothing.
struct ExplanationPage {
    private let explanation: Explanation

    init(_ explanation: Explanation) { self.explanation = explanation }

    /// The whole HTML.
    /// - Throws: `RunError.missingInput` where the program's own resources are missing.
    var text: String {
        get throws {
            let facts = ExplanationFacts(explanation)
            let words = ExplanationWords(explanation).sentences.map { HTML.element("li", [HTML($0)]) }
            let place = explanation.place
            let header = HTML.element(
                "header",
                [
                    .element("p", ["class": "brand"], ["gfn-dist explain \(BuildVersion.number)"]),
                    .element("h1", [HTML("Sample \(place.sample) of problem \(place.problem), step \(place.step)")]),
                    list(of: facts.all.filter { ["prompt", "response", "verdict"].contains($0.name) }, style: "facts"),
                ])
            let sections = [
                ReportSection.element("why", "What happened", [.element("ul", ["class": "words"], words)]),
                ReportSection.element("tokens", "The push on each token", [.element("p", ["class": "note"], [HTML(legend)]), tokens]),
            ] + [ExplanationPlot(explanation)?.element].compactMap { $0 }.map { ReportSection.element("balance", "Balance", [$0]) } + [
                ReportSection.element(
                    "numbers", "All numbers", [.element("p", ["class": "note"], [HTML(facts.legend)]), table]),
                ReportSection.element("facts", "The sample", [list(of: facts.all, style: "facts column")]),
            ]
            let sheets = try ["report", "explain"].map { try EmbeddedResources.text("report/\($0).css") }
            return HTML.document(
                title: "\(facts.title) – gfn-dist explain", meta: ReportPage.meta(), style: ([PlotStyle.variables] + sheets).joined(),
                script: "", body: [.element("main", [header] + sections)])
        }
    }

    private var legend: String {
        "▲ blue: the objective raises the token's log-probability; ▼ orange: it lowers it. The number is |dL/d log π|, the deeper the "
            + "colour the larger" + (explanation.objective.isBalance ? "; ⊤ is the same for ending the response there." : ".")
    }

    private func list(of facts: [(name: String, text: String)], style: String) -> HTML {
        .element(
            "dl", ["class": style],
            facts.map { fact in
                .element("div", [.element("dt", [HTML(fact.name)]), .element("dd", ["dir": "auto"], [HTML(fact.text)])])
            })
    }

    // MARK: Tokens

    /// The response as it reads, line by line.
    private var tokens: HTML {
        let most = explanation.rows.flatMap { [$0.token?.action.slope ?? 0, shownStop($0) ?? 0] }.map(abs).max() ?? 0
        var lines: [[HTML]] = [[]]
        for row in explanation.rows {
            if let token = row.token {
                lines[lines.count - 1].append(chip(token.visible, token.action.slope, most: most, isStop: false))
            }
            if let slope = shownStop(row) { lines[lines.count - 1].append(chip("⊤", slope, most: most, isStop: true)) }
            if row.token?.text.contains("\n") ?? false { lines.append([]) }
        }
        return .element("div", ["class": "pushed", "dir": "auto"], lines.filter { !$0.isEmpty }.map { .element("p", $0) })
    }

    /// dL/d log π(⊤) where ending is a choice that the loss looks at.
    private func shownStop(_ row: ExplanationRow) -> Double? {
        guard row.state != nil, !row.isForced else { return nil }
        let isEnd = row.index == explanation.end.index
        return explanation.objective.isBalance && (isEnd || explanation.objective.usesInnerStates) || isEnd ? row.stop.slope : nil
    }

    private func chip(_ text: String, _ slope: Double, most: Double, isStop: Bool) -> HTML {
        let direction = slope < 0 ? "up" : slope > 0 ? "down" : "still"
        // Up to half, so that words on the deepest colour keep a contrast of 4.5 in either light.
        let strength = most > 0 ? 8 + 42 * (abs(slope) / most).squareRoot() : 0
        let style = slope == 0 ? "--w:0%" : "--w:\(decimals(strength, 0))%"
        return .element(
            "span", ["class": "token \(direction)\(isStop ? " stop" : "")", "style": style],
            [.element("b", [HTML(text)]), .element("small", [HTML(ExplanationTable.push(slope))])])
    }

    private var table: HTML {
        let table = ExplanationTable(explanation)
        let head = table.columns.map { column in
            HTML.element("th", column.isNumber ? ["scope": "col", "class": "number"] : ["scope": "col"], [HTML(column.title)])
        }
        let rows = table.cells.map { row in
            HTML.element(
                "tr",
                zip(row, table.columns).map { cell, column in
                    .element("td", column.isNumber ? ["class": "number"] : ["class": "sign"], [HTML(cell ?? "")])
                })
        }
        return ReportSection.scrolling(
            "All numbers of the sample, token by token",
            .element("table", ["class": "rows"], [.element("thead", [.element("tr", head)]), .element("tbody", rows)]))
    }
}
