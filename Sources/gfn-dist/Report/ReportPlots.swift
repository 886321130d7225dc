internal import Evaluation

/// The plots of some runs: every figure that one of them has.
struct ReportPlots: Sendable {
    let runs: [ReportRun]

    /// A figure of `metrics.jsonl`, and the one of an evaluation that is the same.
    private struct Figure: Sendable {
        var title: String
        var note: String
        /// What it is of a reward model, where that differs.
        var noteOfRewardModel: String?
        var evaluated: String?
        var bounds = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
        var value: @Sendable (MetricsLine) -> Double?

        static let positive = 0...Double.greatestFiniteMagnitude
        static let share = 0.0...1.0
    }

    private static func number(_ key: String) -> @Sendable (MetricsLine) -> Double? { { $0[key] } }

    private static let figures: [Figure] = [
        Figure(
            title: "Loss", note: "of the objective, per step", noteOfRewardModel: "cross entropy of steps; log loss on held-out ones",
            evaluated: "log_loss", value: number("loss")),
        Figure(title: "Reward", note: "log R of the samples, not tempered", value: number("reward_mean")),
        Figure(
            title: "Accuracy", note: "share of samples that are right", noteOfRewardModel: "share of steps judged right",
            evaluated: "accuracy", bounds: Figure.share, value: number("accuracy")),
        Figure(
            title: "Distinct correct", note: "different right solutions per problem",
            evaluated: "distinct_correct.exact", bounds: Figure.positive, value: number("distinct_correct")),
        Figure(
            title: "AUC", note: "chance that a good step scores higher than a bad one", evaluated: "auc", bounds: Figure.share,
            value: number("auc")),
        Figure(
            title: "First-error F1", note: "of finding a solution's first bad step", evaluated: "first_error.f1", bounds: Figure.share,
            value: number("first_error.f1")),
        Figure(
            title: "Calibration error", note: "expected, ten bins of equal width", evaluated: "calibration_error",
            bounds: Figure.share, value: number("calibration_error")),
        Figure(title: "log Z", note: "estimate of the log-partition, nats", value: number("log_z_mean")),
        Figure(
            title: "Residual variance", note: "of log π − log R + log Z; 0: sampled in proportion to R", bounds: Figure.positive,
            value: number("residual_variance")),
        Figure(title: "KL to reference", note: "nats per response, estimated from samples", value: number("kl_to_reference")),
        Figure(title: "Entropy", note: "nats per token", bounds: Figure.positive, value: number("entropy")),
        Figure(title: "Length", note: "tokens per response", bounds: Figure.positive, value: number("length_mean")),
        Figure(title: "Gradient norm", note: "before clipping", bounds: Figure.positive, value: number("gradient_norm")),
        Figure(
            title: "Age, mean", note: "versions between sampling and learning", bounds: Figure.positive, value: number("age_mean")),
        Figure(title: "Age, greatest", note: "versions between sampling and learning", bounds: Figure.positive, value: number("age_max")),
        Figure(title: "Replay share", note: "of the groups learned from", bounds: Figure.share, value: number("replay_share")),
        Figure(title: "Weights sent", note: "bytes per step, compressed", bounds: Figure.positive) { line in
            line["sync_compressed_bytes"].flatMap { $0 > 0 ? $0 : nil }
        },
        Figure(title: "Compression of weights", note: "raw bytes over those sent", bounds: Figure.positive) { line in
            guard let raw = line["sync_raw_bytes"], let sent = line["sync_compressed_bytes"], sent > 0 else { return nil }
            return raw / sent
        },
        Figure(
            title: "Tokens per second", note: "sampled, all ranks together", noteOfRewardModel: "learned from, all ranks together",
            bounds: Figure.positive
        ) { line in
            guard let tokens = line["tokens_sampled"] ?? line["tokens_learned"], let seconds = line["seconds_step"], seconds > 0 else {
                return nil
            }
            return tokens / seconds
        },
    ]

    /// Nil where no run has a step or an evaluation.
    var section: HTML? {
        let lastStep = max(1, runs.map { max($0.record.steps, $0.record.evaluations.last?.step ?? 0) }.max() ?? 1)
        let plots = Self.figures.map(plot).filter { !$0.isEmpty }
        guard !plots.isEmpty else { return nil }
        let window = runs.map { $0.record.series { $0["loss"] }.window }.max() ?? 1
        let means = window == 1 ? "" : "Raw values are faint, means of the last \(window) steps clear. "
        let marks = runs.contains { !$0.evaluations.isEmpty } ? "Rings are held-out evaluations with their 95 % intervals. " : ""
        let text = means + marks + "Point at a plot or tap it, or choose it with Tab and use the arrow keys, to read its values."
        return ReportSection.element(
            "plots", "Training", [.element("p", ["class": "note"], [HTML(text)]), legend]
                + [.element("div", ["class": "plots"], plots.map { $0.element(lastStep: lastStep) })])
    }

    private var legend: HTML {
        guard runs.count > 1 else { return .element("div", ["hidden": ""]) }
        let keys = runs.map { run in
            HTML.element(
                "label",
                [
                    .element("input", ["type": "checkbox", "checked": "", "data-run": "\(run.number)", "autocomplete": "off"]),
                    .element("i", ["class": "key mean s\(run.number % ReportPlot.colors)"]), HTML(run.label),
                ])
        }
        return .element("div", ["class": "legend", "role": "group", "aria-label": "Runs that are drawn"], keys)
    }

    private func plot(of figure: Figure) -> ReportPlot {
        let isOfRewardModels = runs.allSatisfy(\.record.isOfRewardModel)
        let note = isOfRewardModels ? figure.noteOfRewardModel ?? figure.note : figure.note
        var plot = ReportPlot(title: figure.title, note: note, curves: [], bounds: figure.bounds)
        for run in runs {
            let series = run.record.series(figure.value).decimated(columns: ReportPlot.columns)
            plot.curves.append(.init(run: run.number, label: run.label, series: series))
            guard let name = figure.evaluated else { continue }
            let points = run.evaluations.compactMap { evaluation in evaluation[name].map { (evaluation.step, $0) } }
            plot.marks.append(.init(run: run.number, label: run.label, points: points))
        }
        return plot
    }
}
