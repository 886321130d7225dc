internal import Foundation
internal import Learner

/// Steps of a run, made again from a checkpoint in a folder of their own and held against what the run's log says of them.
struct RepeatedSteps {
    let path: String
    /// The step to come to; nil: the first one after the newest checkpoint that has one.
    let step: Int?

    var folder: RunFolder { RunFolder(path: path) }

    struct Result {
        /// Nil: the beginning of the run.
        let checkpoint: String?
        let first, last: Int
        /// How many figures of the log are the same, and those that are not, as "step 3, loss: 0.5 was recorded, now 0.25".
        var equal = 0
        var differences: [String] = []
        var digest: String?
        /// The line of the last step, as it was made now.
        var lastLine: [String: Any] = [:]
        let workspace: Workspace

        var start: String { checkpoint ?? "the beginning" }

        /// - Parameter path: of the run, for the message.
        func requireEqual(_ path: String) throws(RunError) {
            guard !differences.isEmpty else { return }
            let steps = first == last ? "step \(last)" : "steps \(first) to \(last)"
            throw .notEqual(
                "\(steps) of \(path), made again from \(start), \(differences.count) of \(differences.count + equal) figures differ: "
                    + differences.prefix(5).joined(separator: "; "))
        }
    }

    /// What came of it, on rank 0; collective over processes. Throws what is missing, and what a run throws.
    /// - Parameters:
    ///   - threads: of each rank; nil: as the run's settings say.
    ///   - observer: sees what each rank that learns learns from.
    func perform(
        threads: Int?, observer: (@Sendable (LearnedGroup) -> Void)? = nil, _ launch: Launch
    ) throws -> Result {
        let configuration = try self.configuration(threads: threads, on: launch.size)
        let recorded = lines(of: folder)
        let (checkpoint, first, last) = try start(recorded)
        let layout = configuration.needs.usesRollouts ? try RunStart.layout(configuration, ranks: launch.size) : nil
        let workspace = try RunStart.workspace(configuration, layout, launch)
        let state = try checkpoint.map { try Checkpoint.read($0, layout: workspace.policy().layout) }
        try state?.check(for: workspace.base.configuration, path: checkpoint ?? "")
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-replay-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        let own = RunFolder(path: place)
        try launch.everyRank { communicator in
            let context = try RunContext(workspace: workspace, communicator: communicator, folder: own, checkpoint: state, quiet: true)
            context.saysResult = false
            context.lastStep = last
            context.observer = observer
            do {
                if workspace.configuration.needs.usesRollouts { try TrainingRun(context).run() } else { try ExampleRun(context).run() }
            } catch RunError.interrupted {
                // As it was asked to.
            }
        }
        var result = Result(checkpoint: checkpoint, first: first, last: last, workspace: workspace)
        // Rank 0 has the log.
        guard launch.isFirst else { return result }
        let made = lines(of: own)
        for step in first...last { try compare(recorded[step], made[step], step, &result) }
        result.lastLine = made[last] ?? [:]
        return result
    }

    /// The run's own settings, without evaluations and files, which change no step.
    private func configuration(threads: Int?, on ranks: Int) throws -> RunConfiguration {
        guard FileManager.default.fileExists(atPath: folder.settings) else {
            throw RunError.missingInput("\(path) is not a run folder (there is no config.yaml in it)")
        }
        var layers = ConfigurationLayers()
        layers.lay(yaml: try configurationText(folder.settings), named: folder.settings, isChoice: false)
        let origin = Origin(description: "replay")
        for name in ["evaluate.every", "checkpoint.every", "samples.every"] { layers.set(name, to: "none", from: origin) }
        // Roles change no step, and one rank has all of them.
        if ranks == 1 { layers.set("ranks.learners", to: "all", from: origin) }
        if let threads { layers.set("threads", to: "\(threads)", from: .flag("threads")) }
        let configuration = try RunConfiguration(layers)
        if configuration.freeBound != nil {
            throw RunError.configuration("the run in \(path) has lag=any: which samples a step learned from cannot be repeated")
        }
        return configuration
    }

    /// The lines of a log by step.
    private func lines(of folder: RunFolder) -> [Int: [String: Any]] {
        let text = String(decoding: FileManager.default.contents(atPath: folder.metrics) ?? Data(), as: UTF8.self)
        var lines: [Int: [String: Any]] = [:]
        for line in text.split(separator: "\n") {
            guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let step = (object["step"] as? NSNumber)?.intValue
            else { continue }
            lines[step] = object
        }
        return lines
    }

    /// The newest checkpoint before the step, and the steps to make.
    private func start(_ recorded: [Int: [String: Any]]) throws(RunError) -> (checkpoint: String?, first: Int, last: Int) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.checkpoints)) ?? []
        let saved = [0] + names.compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.sorted()
        guard let last = step ?? saved.last(where: { recorded[$0 + 1] != nil }).map({ $0 + 1 }) else {
            throw .missingInput("the log of \(path) has no step that could be repeated")
        }
        guard recorded[last] != nil else {
            throw .missingInput("the log of \(path) has no step \(last); it has \(recorded.keys.max() ?? 0) steps")
        }
        let before = saved.last { $0 < last } ?? 0
        return (before == 0 ? nil : "\(folder.checkpoints)/step-\(before)", before + 1, last)
    }

    /// What depends on time, place and what a run saw before is left out.
    private func compare(_ recorded: [String: Any]?, _ made: [String: Any]?, _ step: Int, _ result: inout Result) throws(RunError) {
        guard let made else { throw .notEqual("step \(step) was not made") }
        guard let recorded else { return }
        let comparison = RecordComparison(recorded, made) { key in
            ["seconds_", "sync_", "openblas_"].contains(where: key.hasPrefix) || key == "warnings"
        }
        result.equal += comparison.equal
        result.differences += comparison.differences.map { "step \(step), \($0)" }
        result.digest = made["adapter_sha256"] as? String
    }
}
