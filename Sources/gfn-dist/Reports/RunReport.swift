internal import Evaluation
internal import Foundation
internal import Problems

/// What rank 0 tells people and files, step by step and at the end.
final class RunReport {
    private let folder: RunFolder
    private let log: MetricsLog
    private let events: EventFile
    private var progress: ProgressLine
    private var evaluations: [(step: Int, summaries: [EvaluationSummary])] = []
    private let steps: Int
    /// Of the responses that ended so far: how many there are, and how many could not be read.
    private var ended = 0, unread = 0
    private var saidUnread = false
    private var health: Health
    /// What shows the run while it goes on; nil: nothing does.
    private let feed: LiveFeed?

    init(folder: RunFolder, firstStep: Int, steps: Int, minimisesResiduals: Bool, quiet: Bool, feed: LiveFeed? = nil) throws {
        health = Health(minimisesResiduals: minimisesResiduals)
        self.folder = folder
        self.feed = feed
        self.steps = steps
        log = try MetricsLog(path: folder.metrics, keepingStepsBefore: firstStep)
        events = try EventFile(folder: folder.path, firstStep: firstStep)
        // A run that goes on has the same beginning to compare with as an unbroken one.
        for line in log.kept.compactMap({ MetricsLine($0) }) { _ = health.note(line) }
        progress = ProgressLine(of: "step", total: steps, startingAt: firstStep, quiet: quiet)
    }

    func say(_ text: String) { progress.say(text) }

    /// - Parameter example: a sample of the step that was judged so, as text; nil: there is none.
    func add(_ step: StepReport, example: (Verdict.Reason) -> String? = { _ in nil }) throws {
        var line = step.line
        let figures = MetricsLine(line.text)
        let warnings = figures.map { health.note($0) } ?? []
        if !warnings.isEmpty { line.add("warnings", warnings.map(\.finding.rawValue)) }
        try log.write(line)
        feed?.put(line.text)
        try events.add((figures?.numbers ?? [:]).sorted { $0.key < $1.key }.compactMap { key, value in
            key == "step" ? nil : (key.replacing(".", with: "/"), value)
        }, step: step.step)
        progress.show(step.step, step.progress)
        for warning in warnings {
            let frequent = Verdict.shares(of: step.verdicts).max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key
            let sample = warning.finding.isOfSamples ? frequent.flatMap { reason in example(reason).map { (reason, $0) } } : nil
            let shown = sample.map { "; for example (\($0.rawValue)): \(JSONLine.quote($1))" } ?? ""
            say("warning at step \(step.step): \(warning.text)\(shown)")
        }
        ended += step.verdicts.count { $0 != .unfinished }
        unread += step.verdicts.count { $0 == .unread }
        if unread * 2 > ended, !saidUnread {
            saidUnread = true
            say(
                "\(unread) of the \(ended) responses that ended by step \(step.step) have no answer that can be read, expected #### and an "
                    + "answer, a box or \"the answer is\": set samples.every=1 to see what the model writes, and ask for one of these in the "
                    + "prompts")
        }
    }

    /// `evaluation.json` is the last evaluation; each is kept as `evaluation-<step>.json` as well.
    func add(_ summaries: [EvaluationSummary], at step: Int) throws {
        let text = String(decoding: try EvaluationSummary.json(summaries, pretty: true), as: UTF8.self) + "\n"
        try folder.write(text, to: "evaluation-\(step).json")
        try folder.write(text, to: "evaluation.json")
        feed?.noteChange()
        evaluations.append((step, summaries))
        var scalars: [(tag: String, value: Double)] = []
        for summary in summaries {
            for (figure, estimate) in summary.all.temperatures.values.first?.figures ?? [:] {
                scalars.append(((["evaluation", summary.dataset] + figure.path).joined(separator: "/"), estimate.value))
            }
        }
        try events.add(scalars.sorted { $0.tag < $1.tag }, step: step)
        if evaluations.count == 1 { progress.begin() }
        for summary in summaries {
            guard let figures = summary.all.temperatures.values.first else { continue }
            progress.say(
                "evaluation at step \(step)\(summaries.count > 1 ? " on \(summary.dataset)" : ""): "
                    + "accuracy \(decimals(figures[.accuracy]?.value ?? 0, 3))  distinct correct "
                    + "\(decimals(figures[.distinct(.exact)]?.value ?? 0, 2)) of \(summary.samplesPerProblem)")
        }
    }

    /// The last word, on standard output: before and after, side by side.
    func finish(digest: String, wroteModel name: String) {
        if let first = evaluations.first, let last = evaluations.last {
            // A resumed run has seen its end only; evaluation-0.json has the beginning.
            for (before, after) in zip(first.summaries, last.summaries) {
                print(
                    first.step == last.step && steps > 0
                        ? after.table : ComparisonTable(before: before, after: after, firstStep: first.step, lastStep: last.step).text)
            }
        }
        print("\(name)  sha256 of its bf16 weights: \(digest)")
        print("run folder  \(folder.path)")
    }
}

/// Two evaluations of one task as a table.
struct ComparisonTable {
    let before: EvaluationSummary
    let after: EvaluationSummary
    let firstStep: Int
    let lastStep: Int

    var text: String {
        let k = after.samplesPerProblem
        var rows: [(String, Estimate?, Estimate?)] = []
        if let b = before.all.temperatures.values.first, let a = after.all.temperatures.values.first {
            func add(_ name: String, _ figure: Figure) { rows.append((name, b[figure], a[figure])) }
            add("accuracy", .accuracy)
            add("pass@\(k)", .pass(k))
            add("distinct correct of \(k), exact", .distinct(.exact))
            for threshold in EvaluationOptions().thresholds {
                add("distinct correct of \(k), ROUGE-L \(threshold)", .distinct(.rougeL(threshold)))
            }
            add("length", .length)
            add("entropy per token, nats", .entropyPerToken)
        }
        if let b = before.exact, let a = after.exact {
            rows.append(("exact: correct mass", b.correctMass, a.correctMass))
            rows.append(("exact: total variation to target", b.totalVariation, a.totalVariation))
            rows.append(("exact: KL(target, policy)", b.targetToPolicy, a.targetToPolicy))
            rows.append(("exact: effective solutions", b.effectiveCount, a.effectiveCount))
        }
        let width = rows.map(\.0.count).max() ?? 0
        var lines = ["\(after.dataset): \(after.problems) problems, \(k) samples each, temperature \(after.all.temperatures.keys.first?.description ?? "1")"]
        lines.append(Self.pad("", width) + Self.column("step \(firstStep)") + Self.column("step \(lastStep)") + "   95 % interval")
        for (name, b, a) in rows {
            let interval = a.map { "   [\(decimals($0.low, 3)), \(decimals($0.high, 3))]" } ?? ""
            lines.append(Self.pad(name, width) + Self.column(Self.number(b)) + Self.column(Self.number(a)) + interval)
        }
        return lines.joined(separator: "\n")
    }

    private static func number(_ estimate: Estimate?) -> String { estimate.map { decimals($0.value, 3) } ?? "-" }
    private static func pad(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
    private static func column(_ text: String) -> String { String(repeating: " ", count: max(1, 11 - text.count)) + text }
}
