internal import Foundation

/// A run's folder read back: whatever is there, of a run that has ended, goes on or was stopped.
struct RunRecord: Sendable {
    /// As people know it: the folder's own name.
    let name: String
    let folder: String
    /// Nil: there is no config.yaml.
    let settings: ConfigurationLayers?
    /// By ascending step.
    let lines: [MetricsLine]
    /// By step, data set and temperature.
    let evaluations: [RunEvaluation]
    /// The first file of samples and the last one, where there are any.
    let samples: [SampledStep]
    /// What is wrong with the files, one sentence each.
    let remarks: [String]
    /// What it took of its node's memory; nil: it has not reached its end.
    let memory: RunMemory?
    /// What it was planned to take, where a plan was named.
    var plan: PlannedFigures?
    /// Whether the run has left its result.
    let isFinished: Bool

    /// - Throws: `RunError.missingInput` where the folder is none, or no run's.
    init(reading path: String) throws(RunError) {
        let manager = FileManager.default
        var isFolder: ObjCBool = false
        guard manager.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            throw .missingInput("there is no folder \(path), expected that of a run")
        }
        let run = RunFolder(path: path)
        guard manager.fileExists(atPath: run.settings) || manager.fileExists(atPath: run.metrics) else {
            throw .missingInput("\(path) is not a run folder: there is neither config.yaml nor metrics.jsonl in it")
        }
        var remarks: [String] = []
        folder = path
        name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
        settings = Self.settings(in: run.settings, &remarks)
        lines = try Self.lines(of: run.metrics, &remarks)
        evaluations = try RunEvaluation.all(in: path, &remarks)
        samples = try SampledStep.firstAndLast(in: path + "/samples", &remarks)
        memory = Self.memory(in: run.memory, &remarks)
        isFinished = manager.fileExists(atPath: run.adapter) || manager.fileExists(atPath: run.model)
        self.remarks = remarks
    }

    /// Text of a file that is there; nil where it is not.
    /// - Throws: `RunError.inputOutput` where it cannot be read.
    static func text(of path: String) throws(RunError) -> String? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do { return String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self) } catch {
            throw .inputOutput("\(path) cannot be read (\(error.localizedDescription))")
        }
    }

    private static func settings(in path: String, _ remarks: inout [String]) -> ConfigurationLayers? {
        var layers = ConfigurationLayers()
        do {
            guard let text = try text(of: path) else { return nil }
            layers.lay(yaml: text, named: "config.yaml")
            try layers.check()
        } catch {
            // What could be read of it is shown all the same.
            remarks.append("\(error)")
        }
        return layers
    }

    private static func memory(in path: String, _ remarks: inout [String]) -> RunMemory? {
        do {
            return try text(of: path).map { try JSONDecoder().decode(RunMemory.self, from: Data($0.utf8)) }
        } catch {
            remarks.append("\(RunFolder.memoryName) cannot be read (\(error.localizedDescription))")
            return nil
        }
    }

    private static func lines(of path: String, _ remarks: inout [String]) throws(RunError) -> [MetricsLine] {
        var (lines, torn): ([MetricsLine], Int) = ([], 0)
        for text in (try text(of: path) ?? "").utf8.split(separator: UInt8(ascii: "\n")) {
            guard let line = MetricsLine(Substring(text)), line.step > lines.last?.step ?? 0 else {
                torn += 1
                continue
            }
            lines.append(line)
        }
        if torn > 0 { remarks.append("metrics.jsonl has \(torn) \(torn == 1 ? "line that is" : "lines that are") torn or not in order") }
        return lines
    }
}

extension RunRecord {
    func setting(_ name: String) -> String? { settings?.values[name] }

    /// Whether it is a folder of `gfn-dist reward`: its steps count labels, or a reward model was judged in it.
    var isOfRewardModel: Bool { lines.contains { $0["labels"] != nil } || evaluations.contains { $0.kind == .rewardModel } }

    /// How many steps are done.
    var steps: Int { lines.last?.step ?? 0 }

    /// Of all steps together; nil where no step says it.
    var seconds: Double? {
        let seconds = lines.compactMap { $0["seconds_step"] }
        return seconds.isEmpty ? nil : seconds.reduce(0, +)
    }

    /// What the run is doing. - Parameter plannedSteps: nil: they are not known.
    func condition(plannedSteps: Int?) -> RunCondition {
        let written = (try? FileManager.default.attributesOfItem(atPath: RunFolder(path: folder).metrics))?[.modificationDate] as? Date
        return RunCondition(
            writer: RunCondition.writer(of: RunFolder(path: folder)), isWritten: isFinished,
            isComplete: plannedSteps.map { steps >= $0 } ?? true, age: written.map { max(0, Date().timeIntervalSince($0)) } ?? 0,
            secondsPerStep: seconds.map { $0 / Double(max(1, lines.count)) })
    }

    /// How many ranks the last step had.
    var ranks: Int? { lines.last?.lists["seconds_learn_by_rank"]?.count }

    /// What the program says of the run's figures, in the order of steps.
    var warnings: [Health.Warning] {
        var health = Health(settings: settings?.values ?? [:])
        return lines.flatMap { health.note($0) }
    }

    func series(_ value: (MetricsLine) -> Double?) -> Series {
        Series(lines.compactMap { line in value(line).map { (line.step, $0) } })
    }
}
