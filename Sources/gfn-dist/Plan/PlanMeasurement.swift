internal import Collective
internal import Foundation
internal import Learner
internal import Problems
internal import Tensor

/// What a step of a run takes on this node, measured in a few seconds: steps of the same run, with all ranks of the node at work, on the
/// first layers of its model, once on few and once on more of them. What a layer adds is the difference; the rest is the output matrix, the
/// embedding and what does not depend on the model.
///
/// Responses of a model that was cut off never end, so `length` is the limit of its measured steps. A model that is so small that all of it is
/// measured ends its responses itself.
struct PlanMeasurement {
    /// Seconds of a whole step and of its parts.
    struct Step: Codable, Sendable, Equatable {
        var step = 0.0, sample = 0.0, score = 0.0, learn = 0.0

        /// This plus so much of the difference to `other`, of each part.
        func extended(_ factor: Double, beyond other: Step) -> Step {
            func part(_ key: (Step) -> Double) -> Double { max(key(self), key(self) + factor * (key(self) - key(other))) }
            return Step(step: part { $0.step }, sample: part { $0.sample }, score: part { $0.score }, learn: part { $0.learn })
        }
    }

    let opened: OpenedWorkspace
    /// Ranks of the node, and threads of each.
    let ranks, threads: Int
    /// Groups that the node has of each step.
    let prompts: Int
    /// Tokens of a response, and whether they were named for whole models too.
    let length: Int
    let isLengthGiven: Bool

    /// About so many seconds are measured for each depth.
    private static let patience = 2.0
    /// Layers of the deeper model beyond those of the shallow one, where there are so many.
    private static let difference = 4

    func measure() throws -> Step {
        let layers = opened.base.model.configuration.layerCount
        guard layers > 1 + Self.difference else { return try step(layers: layers) }
        let (shallow, deep) = (try step(layers: 1), try step(layers: 1 + Self.difference))
        return deep.extended(Double(layers - 1 - Self.difference) / Double(Self.difference), beyond: shallow)
    }

    /// The median step of a short run on so many layers.
    private func step(layers: Int) throws -> Step {
        var settings = opened.configuration.layers
        let origin = Origin(description: "plan")
        for (name, value) in [
            ("train.prompts_per_step", "\(prompts)"), ("threads", "\(threads)"),
            ("checkpoint.every", "none"), ("evaluate.every", "none"), ("samples.every", "none"), ("reward_model", ""), ("adapter", ""),
            ("check.log_probabilities", "report"),
        ] { settings.set(name, to: value, from: origin) }
        if isLengthGiven || layers < opened.base.model.configuration.layerCount {
            settings.set("rollout.max_new_tokens", to: "\(length)", from: origin)
        }
        // One step says how many more there is time for; a median leaves the first out, in which memory is touched for the first time.
        settings.set("train.steps", to: "2", from: origin)
        let first = try run(settings, layers: layers)
        let more = Int(Self.patience / max(first.last?.step ?? 0, 1e-3))
        guard more > 2 else { return first.last ?? Step() }
        settings.set("train.steps", to: "\(min(more, 20))", from: origin)
        let steps = Array(try run(settings, layers: layers).dropFirst())
        func median(_ part: (Step) -> Double) -> Double {
            let values = steps.map(part).sorted()
            return values.isEmpty ? 0 : values[values.count / 2]
        }
        return Step(step: median { $0.step }, sample: median { $0.sample }, score: median { $0.score }, learn: median { $0.learn })
    }

    private func run(_ settings: ConfigurationLayers, layers: Int) throws -> [Step] {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-plan-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        let folder = RunFolder(path: place)
        let workspace = try Workspace(OpenedWorkspace(opened, layers: layers, threads: threads, RunConfiguration(settings)))
        try runInProcess(ranks: ranks) { communicator in
            let context = try RunContext(workspace: workspace, communicator: communicator, folder: folder, checkpoint: nil, quiet: true)
            context.saysResult = false
            if workspace.configuration.needs.usesRollouts { try TrainingRun(context).run() } else { try ExampleRun(context).run() }
        }
        let text = String(decoding: FileManager.default.contents(atPath: folder.metrics) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").compactMap { MetricsLine($0) }.map { line in
            Step(
                step: line["seconds_step"] ?? 0, sample: line["seconds_sample"] ?? 0, score: line["seconds_score"] ?? 0,
                learn: line["seconds_learn"] ?? 0)
        }
    }
}
