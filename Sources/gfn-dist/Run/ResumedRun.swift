internal import Foundation
internal import Learner

/// A run that has begun before, as `--resume` finds it.
struct ResumedRun: Sendable {
    /// What is refused: a change that ends with other bytes, or a run that lost its checkpoints; or, with `--force`, neither.
    enum Care { case careful, forced }

    let folder: RunFolder
    /// The newest checkpoint that is whole; nil: the run ended before its first.
    let checkpoint: String?
    /// The steps that are done in it.
    let step: Int
    let care: Care

    /// Rank 0 finds and locks the folder, and says which checkpoints are damaged; all processes learn the rest. Collective over processes.
    static func find(_ options: any RunRequest, _ care: Care, _ launch: Launch) throws -> ResumedRun {
        let answer = try launch.decidedByFirst {
            let folder = try RunFolder.existing(named: options.output, fallback: try options.runName())
            try RunLock.take(folder)
            let search = Checkpoint.search(in: folder.checkpoints)
            let interval = Int(try options.layers(resuming: folder.settings).before.values["checkpoint.every"] ?? "") ?? 0
            try explain(search, folder, care, interval: interval)
            if search.newest != nil { try Checkpoint.nameLatest(search.step, in: folder.checkpoints) }
            return [folder.path, search.newest ?? "", "\(search.step)"].joined(separator: "\n")
        }
        let lines = answer.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count == 3, let step = Int(lines[2]) else { preconditionFailure("rank 0 found '\(answer)'") }
        return ResumedRun(folder: RunFolder(path: lines[0]), checkpoint: lines[1].isEmpty ? nil : lines[1], step: step, care: care)
    }

    /// Says why it is not simply the newest checkpoint that the run goes on from, or throws when that is for people to decide.
    private static func explain(_ search: Checkpoint.Search, _ folder: RunFolder, _ care: Care, interval: Int) throws(RunError) {
        guard let newest = search.newest else {
            guard search.damage.isEmpty else {
                throw .badData(
                    search.damage.map { "\($0)\n" }.joined() + "no checkpoint in \(folder.checkpoints) is whole; put one back, "
                        + "or begin a new run in another folder with --output")
            }
            return try explainBeginning(folder, care, interval: interval)
        }
        for damage in search.damage { Launch.say("\(damage)") }
        if !search.damage.isEmpty { Launch.say("going on from \(newest), which is the newest whole checkpoint") }
    }

    /// There is no checkpoint: the run begins again, unless it got so far that there must have been one.
    private static func explainBeginning(_ folder: RunFolder, _ care: Care, interval: Int) throws(RunError) {
        let done = MetricsLog.lastStep(in: folder.metrics)
        let hasResult = [folder.adapter, folder.model].contains { FileManager.default.fileExists(atPath: $0) }
        // A kill may come between the log's line of a step and the checkpoint that was due with it.
        if care == .careful, hasResult || interval > 0 && done > interval {
            throw .missingInput(
                "\(folder.checkpoints) has no checkpoint, though \(hasResult ? "there is a result" : "the log has \(done) steps"); "
                    + "put one back, begin a new run in another folder with --output, or add --force to begin again at step 0 in its place")
        }
        Launch.say(
            "there is no checkpoint in \(folder.checkpoints): the run begins again at step 0"
                + (done > 0 ? ", and the \(done) step\(done == 1 ? "" : "s") of its log are lost" : ""))
    }

    /// The settings to go on with, and what they change. Throws what is refused.
    func configuration(_ options: any RunRequest) throws -> (RunConfiguration, [SettingChange]) {
        let (before, after) = try options.layers(resuming: folder.settings)
        let configuration = try RunConfiguration(after, for: options.purpose)
        if let checkpoint, step > configuration.steps {
            throw ConfigurationError(problems: [
                "\(checkpoint) has \(step) steps done, but train.steps is \(configuration.steps); raise train.steps to at least \(step)"
            ])
        }
        let changes = SettingChange.all(from: before, to: after)
        if care == .careful { try SettingChange.refuseBreaking(changes, in: folder) }
        return (configuration, changes)
    }

    /// Fails when the checkpoint is not of the step that its folder's name says, or lacks weights that these settings ask for:
    /// those that a larger lag samples the next step with.
    func require(_ checkpoint: Checkpoint, at path: String, toServe configuration: RunConfiguration) throws {
        guard checkpoint.step == step else {
            throw CheckpointError.malformed(path: path, detail: "it is of step \(checkpoint.step), so it was given another name")
        }
        let first = max(0, checkpoint.step - configuration.lag)
        let versions = checkpoint.published.map(\.version)
        guard checkpoint.step < configuration.steps, !versions.contains(first), let oldest = versions.min() else { return }
        throw ConfigurationError(problems: [
            "lag is \(configuration.lag), which asks for the weights of step \(first), but the oldest in \(path) are those of "
                + "step \(oldest); set lag to at most \(checkpoint.step - oldest)"
        ])
    }

    /// Whether nothing is left to do: all steps are done, and their weights, which come after the last evaluation, are written.
    func isFinished(_ configuration: RunConfiguration, _ changes: [SettingChange]) -> Bool {
        guard let checkpoint, step == configuration.steps, !changes.contains(where: \.changesEvaluation) else { return false }
        return Checkpoint.isExported(checkpoint, to: configuration.trainable == .full ? folder.model : folder.adapter)
    }
}
