internal import Foundation
internal import Learner
internal import Model
internal import Problems
internal import Rollout
internal import Synchronization

/// Which response of which step is to be explained, and how that is found out: the step is made again, and the learner watched.
struct ExplainRequest {
    let path: String
    /// Nil: the newest whose samples were written, otherwise the newest.
    let step: Int?
    /// As samples name it; nil: the first of the step.
    let problem: String?
    let sample: Int

    /// The groups of one step, each as the learner meets it first.
    private final class Observation: Sendable {
        private let seen = Mutex<[LearnedGroup]>([])
        let version: Int

        init(version: Int) { self.version = version }

        func note(_ group: LearnedGroup) {
            guard group.version == version else { return }
            seen.withLock { groups in
                if !groups.contains(where: { $0.index == group.index }) { groups.append(group) }
            }
        }

        var groups: [LearnedGroup] { seen.withLock { $0 }.sorted { $0.index < $1.index } }
    }

    /// - Throws: `RunError` where the step, the problem or the sample is not there, nothing was sampled, or what was stored differs.
    func perform(threads: Int?, _ launch: Launch) throws -> Explanation {
        let folder = RunFolder(path: path), step = self.step ?? Self.newestStep(folder)
        let observation = Observation(version: step - 1)
        // A step 0 is refused there, with what is wrong with the folder.
        let repeated = try RepeatedSteps(path: path, step: step).perform(threads: threads, observer: observation.note, launch)
        try repeated.requireEqual(path)
        let configuration = repeated.workspace.configuration, task = repeated.workspace.training
        let role = ObjectiveRole(configuration.objective, configuration.needs)
        let groups = observation.groups.filter { $0.group.trajectories.allSatisfy(\.isSampled) }
        guard !groups.isEmpty else {
            throw RunError.configuration(
                "step \(step) of \(path) learned from no sampled response"
                    + (observation.groups.isEmpty
                        ? " (objective \(role.name) only collected samples in it): name a later step with --step"
                        : ": objective \(role.name) learns from examples there, which have neither a sampler nor a reward"))
        }
        let (group, isReplayed) = try chosen(
            from: groups, step: step, task: task, fresh: configuration.needs.lesson == .group ? configuration.promptsPerStep : 0)
        let place = Explanation.Place(
            run: path, start: repeated.start, step: step, problem: task.identifier(of: group.group.promptID), sample: sample,
            isReplayed: isReplayed)
        let stored = isReplayed ? nil : try StoredSample(
            folder: folder, step: step, group: group.group, sample: sample, log: SampleLog(task: task, rewards: configuration.rewards))
        try stored?.requireEqual(place)
        return Explanation(
            place, of: group, objective: role, rewards: configuration.rewards, task: task,
            stepLoss: (repeated.lastLine["loss"] as? NSNumber)?.doubleValue, storedIn: stored?.file)
    }

    /// 0 where there is none.
    private static func newestStep(_ folder: RunFolder) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/samples")) ?? []
        let newest = MetricsLog.lastStep(in: folder.metrics)
        let written = names.compactMap { name in
            name.hasPrefix("step-") && name.hasSuffix(".jsonl") ? Int(name.dropFirst(5).dropLast(6)) : nil
        }
        // A run that was stopped and resumed may have files of steps that it has still to make again.
        return written.filter { $0 <= newest }.max() ?? newest
    }

    /// The first group of the problem: what the step sampled comes before what it replayed.
    /// - Parameter fresh: how many groups of the step were sampled for it.
    private func chosen(
        from groups: [LearnedGroup], step: Int, task: any Task, fresh: Int
    ) throws(RunError) -> (group: LearnedGroup, isReplayed: Bool) {
        func name(_ group: LearnedGroup) -> String { task.identifier(of: group.group.promptID) }
        guard let group = problem.map({ wanted in groups.first { name($0) == wanted } }) ?? groups.first else {
            var names: [String] = []
            for group in groups where !names.contains(name(group)) { names.append(name(group)) }
            let more = names.count > 40 ? " and \(names.count - 40) more" : ""
            throw .missingInput(
                "step \(step) of \(path) learned nothing of problem \(problem ?? ""); its problems are "
                    + names.prefix(40).joined(separator: ", ") + more)
        }
        let count = group.group.trajectories.count
        guard group.group.trajectories.indices.contains(sample) else {
            throw .missingInput(
                "problem \(name(group)) has no sample \(sample) in step \(step) of \(path); its samples are 0 to \(count - 1)")
        }
        return (group, group.index >= fresh)
    }
}
