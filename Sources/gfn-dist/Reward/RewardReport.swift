internal import Evaluation
internal import Foundation
internal import Learner

/// What rank 0 tells people and files while a reward model is trained.
final class RewardReport {
    private let folder: RunFolder
    private let log: MetricsLog
    private var progress: ProgressLine
    private var tables: [(name: String, figures: StepFigures)] = []

    init(folder: RunFolder, firstStep: Int, steps: Int, quiet: Bool) throws {
        self.folder = folder
        log = try MetricsLog(path: folder.metrics, keepingStepsBefore: firstStep)
        progress = ProgressLine(of: "step", total: steps, startingAt: firstStep, quiet: quiet)
    }

    func say(_ text: String) { progress.say(text) }

    func add(_ metrics: RewardLearner.Metrics, step: Int, digest: String, seconds: Double) throws {
        var line = JSONLine()
        line.add("step", step)
        line.add("loss", metrics.loss)
        line.add("accuracy", metrics.accuracy)
        line.add("labels", metrics.labels)
        line.add("tokens_learned", metrics.tokens)
        line.add("gradient_norm", metrics.gradientNorm)
        line.add("learning_rate", metrics.learningRate)
        line.add("adapter_sha256", digest)
        line.add("seconds_step", seconds)
        line.add("seconds_learn", metrics.secondsLearn)
        line.add("seconds_reduce", metrics.secondsReduce)
        try log.write(line)
        progress.show(
            step,
            [
                ("loss", metrics.loss.map { decimals($0, 3) } ?? "none"), ("accuracy", metrics.accuracy.map { decimals($0, 3) } ?? "none"),
                ("tok/s", decimals(Double(metrics.tokens) / max(seconds, 1e-9), 0)),
            ])
    }

    /// Files of one evaluation: `evaluation-<step>.json`, and of the last one `evaluation.json`, `scores.jsonl` and a picture of each set.
    func add(_ evaluations: [(name: String, scored: [RewardEvaluation.Scored])], at step: Int) throws {
        tables = evaluations.compactMap { evaluation in evaluation.scored.figures.map { (evaluation.name, $0) } }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let text = String(decoding: try encoder.encode(tables.map { NamedFigures(dataset: $0.name, figures: $0.figures) }), as: UTF8.self)
        try folder.write(text + "\n", to: "evaluation-\(step).json")
        try folder.write(text + "\n", to: "evaluation.json")
        try folder.write(evaluations.map { $0.scored.lines(of: $0.name) }.joined(), to: "scores.jsonl")
        for (index, table) in tables.enumerated() {
            try folder.write(ReliabilityPlot(table.figures, name: table.name).svg, to: index == 0 ? "reliability.svg" : "reliability-\(index + 1).svg")
        }
        for table in tables {
            say(
                "evaluation at step \(step)\(tables.count > 1 ? " on \(table.name)" : ""): step accuracy "
                    + "\(decimals(table.figures.accuracy.value, 3))  AUC \(table.figures.areaUnderCurve.map { decimals($0.value, 3) } ?? "none")  "
                    + "calibration error \(decimals(table.figures.calibrationError.value, 3))")
        }
    }

    /// The last word, on standard output.
    func finish(digest: String, model path: String?) {
        for table in tables { print(StepTable(table.figures, name: table.name).text) }
        if let path { print("\(path)  sha256 of its bf16 adapter: \(digest)") }
        print("run folder  \(folder.path)")
    }

    private struct NamedFigures: Encodable {
        let dataset: String
        let figures: StepFigures
    }
}

/// The figures of one data set as a table.
struct StepTable {
    let text: String

    init(_ figures: StepFigures, name: String) {
        let rows: [(String, Estimate?)] = [
            ("share of good steps", figures.goodShare), ("step accuracy", figures.accuracy), ("AUC", figures.areaUnderCurve),
            ("log loss, nats", figures.logLoss), ("Brier score", figures.brierScore),
            ("expected calibration error", figures.calibrationError), ("first error found", figures.foundErrors),
            ("right solutions accepted", figures.acceptedSolutions), ("first-error F1", figures.firstErrorF1),
        ]
        let width = rows.map(\.0.count).max() ?? 0
        text = (["\(name): \(figures.solutions) solutions, \(figures.steps) steps"] + rows.map { name, estimate in
            let padding = String(repeating: " ", count: width - name.count)
            guard let estimate else { return "\(name)\(padding)      none" }
            return "\(name)\(padding)  \(decimals(estimate.value, 3))   [\(decimals(estimate.low, 3)), \(decimals(estimate.high, 3))]"
        }).joined(separator: "\n")
    }
}
