internal import Evaluation
internal import Foundation
internal import Model

/// What `watch` shows of a run: lines for a terminal of some width.
struct WatchView {
    let run: WatchedRun
    let style: TerminalStyle

    private static let label = 10, number = 10

    func lines(columns: Int) -> [String] {
        let columns = max(20, columns)
        let groups = [head(columns), figures(columns), time(columns), news()]
        let lines = groups.filter { !$0.isEmpty }.map { $0 }.joined(separator: [TerminalLine()])
        return lines.map { $0.text(columns: columns, style) }
    }

    // MARK: Parts

    private func head(_ columns: Int) -> [TerminalLine] {
        let objective = run.settings["objective"], model = run.settings["model"].map { $0.isEmpty ? "PathSum base" : Self.lastPart($0) }
        let what = [objective, model].compactMap { $0 }.joined(separator: " · ").printable(limit: 60)
        var lines = [TerminalLine(run.name.printable(limit: 60), .strong) + "  " + condition]
        if !what.isEmpty { lines.append(TerminalLine(what, .faint)) }
        let step = run.history.step
        guard let planned = run.plannedSteps, planned > 0 else { return lines + [TerminalLine("step \(step)")] }
        let share = Double(step) / Double(planned)
        var text = "step \(step) of \(planned) · \(decimals(100 * share, 0)) %"
        if let left = run.secondsLeft { text += " · \(ReportNumber.duration(left)) left" }
        return lines + [TerminalLine(Sparkline.bar(share, width: columns, unicode: style.isUnicode), .good), TerminalLine(text)]
    }

    private var condition: TerminalLine {
        switch run.condition {
        case .running where run.history.step == 0: TerminalLine("running, no step yet", .good)
        case .running: TerminalLine("running", .good)
        case .silent(let seconds): TerminalLine("stalled? nothing written for \(ReportNumber.duration(seconds))", .warning)
        case .finished: TerminalLine("finished", .good)
        case .stopped: TerminalLine("stopped before its end: train --resume goes on", .bad)
        }
    }

    private func figures(_ columns: Int) -> [TerminalLine] {
        RunHistory.Figure.allCases.compactMap { figure in
            let values = run.history[figure]
            guard let last = values.last else { return nil }
            let room = columns - Self.label - Self.number - 1
            return TerminalLine(Self.padded(figure.title, Self.label), .faint)
                + TerminalLine(Self.padded(figure.text(last), Self.number, isRight: true)) + " "
                + TerminalLine(Sparkline.text(values, width: room, unicode: style.isUnicode))
        }
    }

    private func time(_ columns: Int) -> [TerminalLine] {
        let shares = run.history.shares
        guard !shares.isEmpty else { return [] }
        let room = min(40, columns - Self.label - Self.number - 1)
        var lines = shares.map { share in
            TerminalLine(Self.padded(share.phase, Self.label), .faint)
                + TerminalLine(Self.padded("\(decimals(100 * share.share, 0)) %", Self.number, isRight: true)) + " "
                + TerminalLine(Sparkline.bar(share.share, width: room, unicode: style.isUnicode))
        }
        if let pace = run.history.secondsPerStep {
            lines.append(TerminalLine(Self.padded("a step", Self.label), .faint)
                + TerminalLine(Self.padded(ReportNumber.short(pace, digits: 3) + " s", Self.number, isRight: true)))
        }
        return lines
    }

    private func news() -> [TerminalLine] {
        var lines: [TerminalLine] = []
        if let last = run.evaluations.last {
            let figures = [("accuracy", "accuracy", FigureForm.percent), ("distinct_correct.exact", "distinct correct", .number)]
            let texts = figures.compactMap { key, title, form in last[key].map { "\(title) \(form.text($0.value))" } }
            lines.append(TerminalLine("evaluation, step \(last.step): \(texts.joined(separator: ", "))"))
        }
        // The newest say most.
        for warning in run.history.warnings.suffix(3) {
            lines.append(TerminalLine("warning, step \(warning.step): \(warning.text.printable(limit: 300))", .warning))
        }
        if let samples = run.samples {
            for sample in samples.problems.compactMap(\.last).suffix(2) {
                let head = TerminalLine("sample, step \(samples.step), \(sample.verdict.printable(limit: 20)): ", .faint)
                let text = sample.text.replacing("\n", with: " ").trimmingCharacters(in: .whitespaces)
                lines.append(head + TerminalLine(text.printable(limit: 400)))
            }
        }
        return lines
    }

    private static func lastPart(_ path: String) -> String { String(path.split(separator: "/").last ?? Substring(path)) }

    private static func padded(_ text: String, _ width: Int, isRight: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return isRight ? space + text : text + space
    }
}
