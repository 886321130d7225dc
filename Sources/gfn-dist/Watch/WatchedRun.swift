internal import Evaluation
internal import Foundation

/// A run as `watch` sees it: read from its folder, and brought up to date by what has been written since.
struct WatchedRun {
    let folder: RunFolder
    let name: String
    private(set) var history = RunHistory(settings: [:])
    private(set) var condition = RunCondition.running
    private(set) var evaluations: [RunEvaluation] = []
    /// The last file of samples.
    private(set) var samples: SampledStep?
    private(set) var settings: [String: String] = [:]
    private var log: FollowedLog
    /// When what lies beside the log was written, as it was last read.
    private var seen: [String: Date] = [:]

    /// - Throws: `RunError.missingInput` where the folder is none, or no run's.
    init(_ path: String) throws(RunError) {
        folder = RunFolder(path: path)
        var isFolder: ObjCBool = false
        let manager = FileManager.default
        guard manager.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            throw .missingInput("there is no folder \(path), expected that of a run")
        }
        guard manager.fileExists(atPath: folder.settings) || manager.fileExists(atPath: folder.metrics) else {
            throw .missingInput("\(path) is not a run folder: there is neither config.yaml nor metrics.jsonl in it")
        }
        name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
        log = FollowedLog(folder.metrics)
        try refresh()
        if history.step == 0, condition.isOver {
            throw .missingInput("\(path) has no step to show: metrics.jsonl is empty or missing, and no process writes there")
        }
    }

    var plannedSteps: Int? { settings["train.steps"].flatMap { Int($0) } }

    /// Seconds until the last step at the pace of the last ones; nil where it is not known.
    var secondsLeft: Double? {
        guard condition == .running, let planned = plannedSteps, let pace = history.secondsPerStep, planned > history.step else {
            return nil
        }
        return pace * Double(planned - history.step)
    }

    /// Reads what has been written since the last time.
    mutating func refresh() throws(RunError) {
        // Before the files: what a run wrote last is then read with the news that it has ended.
        let writer = RunCondition.writer(of: folder)
        if hasChanged(folder.settings) { settings = Self.settings(try RunRecord.text(of: folder.settings) ?? "") }
        let look = try log.look()
        if look.isNew || history.step == 0 { history = RunHistory(settings: settings) }
        for line in look.lines { history.add(line) }
        // What is wrong with these files is said by `report`.
        var remarks: [String] = []
        if hasChanged(folder.path + "/evaluation.json") { evaluations = try RunEvaluation.all(in: folder.path, &remarks) }
        let samplesFolder = folder.path + "/samples"
        if hasChanged(samplesFolder) { samples = try SampledStep.firstAndLast(in: samplesFolder, &remarks).last }
        let manager = FileManager.default
        let newest = ([look.writtenAt] + seen.values.map(\.timeIntervalSince1970)).compactMap { $0 }.max() ?? 0
        condition = RunCondition(
            writer: writer, isWritten: manager.fileExists(atPath: folder.adapter) || manager.fileExists(atPath: folder.model),
            isComplete: plannedSteps.map { history.step >= $0 } ?? true, age: max(0, Date().timeIntervalSince1970 - newest),
            secondsPerStep: history.secondsPerStep)
    }

    private static func settings(_ text: String) -> [String: String] {
        var layers = ConfigurationLayers()
        layers.lay(yaml: text, named: "config.yaml")
        return layers.values
    }

    private mutating func hasChanged(_ path: String) -> Bool {
        let date = (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
        guard let date, date != seen[path] else { return false }
        seen[path] = date
        return true
    }
}
