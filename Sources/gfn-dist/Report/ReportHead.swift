internal import Evaluation

/// What was trained, and what came of it in numbers.
struct ReportHead: Sendable {
    let runs: [ReportRun]
    let navigation: HTML

    var element: HTML {
        let title = runs.count == 1 ? runs[0].label : "\(runs.count) runs"
        let head = HTML.element(
            "header", [.element("p", ["class": "brand"], ["gfn-dist report"]), .element("h1", [HTML(title)]), navigation])
        let cards = zip(runs, ReportVerdict.all(of: runs)).map(card)
        return .element("div", ["class": "top"], [head, .element("div", ["class": "cards"], cards)])
    }

    private func card(_ run: ReportRun, _ verdicts: [ReportVerdict]) -> HTML {
        var parts: [HTML] = []
        if runs.count > 1 {
            parts.append(.element("h2", [.element("i", ["class": "key mean s\(run.number % ReportPlot.colors)"]), HTML(run.label)]))
        }
        parts.append(.element("dl", ["class": "facts"], facts(run.record).map { name, value in
            .element("div", [.element("dt", [HTML(name)]), .element("dd", [HTML(value)])])
        }))
        parts.append(
            verdicts.isEmpty
                ? .element("p", ["class": "note"], ["No evaluation yet: what the run reached on held-out problems is not known."])
                : .element("div", ["class": "verdicts"], verdicts.map(\.element)))
        if let last = run.evaluations.last {
            let dataset = last.dataset.isEmpty ? "held-out problems" : last.dataset
            let before = run.evaluations.count > 1 ? "○ step \(run.evaluations[0].step), " : ""
            let judged = last.kind == .policy
                ? "\(last.problems) problems of \(dataset), \(last.samplesPerProblem) samples each at temperature \(last.temperature)"
                : "\(last.problems) solutions of \(dataset)"
            let text = "\(before)● step \(last.step). \(judged); lines are 95 % intervals on an axis from 0"
                + (runs.count > 1 ? ", the same for all runs." : ".")
            parts.append(.element("p", ["class": "note"], [HTML(text)]))
        }
        return .element("article", ["class": "card s\(run.number % ReportPlot.colors)"], parts + [health(run.record)])
    }

    private func facts(_ record: RunRecord) -> [(String, String)] {
        var facts: [(String, String)] = []
        if record.isOfRewardModel {
            facts.append(("trains", "a reward model"))
        } else if let objective = record.setting("objective") {
            facts.append(("objective", objective))
        }
        if let model = record.setting("model") { facts.append(("model", model.isEmpty ? "PathSum base" : Self.lastPart(model))) }
        switch record.setting("trainable") {
        case "lora": facts.append(("trained", "LoRA, rank \(record.setting("lora.rank") ?? "?")"))
        case "full": facts.append(("trained", "all weights"))
        default: break
        }
        if let data = record.setting("data.train") { facts.append(("data", data.isEmpty ? "PathSum" : Self.lastPart(data))) }
        let planned = record.setting("train.steps").map { " of \($0)" } ?? ""
        facts.append(("steps", "\(record.steps)\(planned)" + (record.isFinished ? "" : ", not finished")))
        if let seconds = record.seconds { facts.append(("time", ReportNumber.duration(seconds))) }
        if let ranks = record.ranks { facts.append(("ranks", "\(ranks)")) }
        return facts
    }

    private static func lastPart(_ path: String) -> String {
        String(path.split(separator: "/").last ?? Substring(path))
    }

    private func health(_ record: RunRecord) -> HTML {
        let warnings = record.warnings
        var parts: [HTML] = []
        if warnings.isEmpty {
            let (sign, text) = record.lines.isEmpty
                ? ("·", "No step is recorded yet.") : ("✓", "No warnings: the run's figures were healthy throughout.")
            parts.append(.element("p", ["class": "well"], [.element("b", ["aria-hidden": "true"], ["\(sign) "]), HTML(text)]))
        } else {
            let count = warnings.count == 1 ? "1 warning" : "\(warnings.count) warnings"
            let items = warnings.map { HTML.element("li", ["step \($0.step): \($0.text)"]) }
            parts.append(.element("div", ["class": "ill"], [.element("p", [.element("b", ["⚠ \(count)"])]), .element("ul", items)]))
        }
        // What is amiss with files is not the run's fault: the last line of a run that goes on may be torn.
        parts += record.remarks.map { HTML.element("p", ["class": "note"], [HTML($0 + ".")]) }
        return .element("div", ["class": "health"], parts)
    }
}
