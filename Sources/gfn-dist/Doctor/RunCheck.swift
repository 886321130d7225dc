internal import Collective
internal import Foundation
internal import Learner
internal import Problems

/// Whether the run that these options ask for could begin: its settings, model, data and memory, without a weight being read.
struct RunCheck {
    let options: any RunRequest
    /// Ranks on this node.
    let ranks: Int

    func lines() -> [DoctorLine] {
        let configuration: RunConfiguration
        do { configuration = try RunConfiguration(try options.layers()) } catch let error as ConfigurationError {
            return error.problems.map { .broken("settings", $0, "") }
        } catch {
            return [.broken("settings", "\(error)", "")]
        }
        var lines = [DoctorLine.fine(
            "settings", "\(configuration.objective), lag \(configuration.text("lag")), \(configuration.steps) steps")]
        do {
            let layout = configuration.needs.usesRollouts ? try RunStart.layout(configuration, ranks: ranks) : nil
            let opened = try OpenedWorkspace(configuration, ranksOnNode: ranks, needsGradients: true)
            let model = opened.base.model.configuration
            lines.append(.fine(
                "model",
                "\(configuration.model.isEmpty ? "embedded base" : configuration.model): \(model.modelType), \(model.layerCount) layers, "
                    + "hidden size \(model.hiddenSize), vocabulary \(model.vocabularySize), context \(model.contextLength)"))
            let evaluated = opened.evaluations.map { ", evaluated on \($0.problemCount) of \($0.name)" }.joined()
            lines.append(.fine("data", "\(opened.training.problemCount) problems of \(opened.training.name)\(evaluated)"))
            lines += opened.notes.map { .advice("data", $0, "") }
            let roles = NodeRoles(layout, ranks: Array(0..<ranks), of: ranks, processes: ranks)
            let plan = MemoryPlan(opened, roles)
            try MemoryLimit(configuration.text("memory.limit"), available: NodeMemory().available).require(
                plan, advice: opened.configuration.memoryAdvice(roles, opened.base.model))
            lines.append(.fine("memory needed", "\(ByteSize(plan.bytes())) for \(roles.description) on this node"))
        } catch {
            lines.append(.broken("run", "\(error)", ""))
        }
        return lines
    }
}
