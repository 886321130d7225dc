internal import Collective
internal import Evaluation
internal import Foundation
internal import Learner
internal import Model
internal import Problems
internal import Rollout

/// A run that has ended, to be measured on its own task without training.
struct FinishedRun {
    let path: String
    let bounds: CertificateBounds

    private var folder: RunFolder { RunFolder(path: path) }

    /// What is measured: the parameters that the run ended with, and on which tasks.
    private struct Measured: Sendable {
        let workspace: Workspace
        let bits: [UInt16]
        let root: RootFlow?
        let tasks: [any Task]
    }

    /// Certificates of the run's own task or, of the embedded task, of the problems that it was evaluated on. Collective over processes.
    /// - Parameters:
    ///   - choices: settings that were named in this call, such as `data.evaluate`.
    ///   - output: where files go; nil: into the run's folder.
    func measure(_ choices: SettingOptions, output: String?, isJSON: Bool, _ launch: Launch) throws {
        let measured = try launch.together { () -> Measured in
            let configuration = try configuration(choices)
            launch.watch(by: configuration.layers)
            let opened = try OpenedWorkspace(configuration, ranksOnNode: launch.ranksOnNode, needsGradients: false)
            try launch.node.require(
                opened.base.model, opened.base.cache, gradients: false, limit: configuration.text("memory.limit"))
            let workspace = try Workspace(opened)
            let tasks = workspace.training.legalResponses(to: 0) != nil ? [workspace.training] : workspace.evaluations
            for task in tasks where task.problemCount == 0 || task.listedResponses(to: 0) == nil {
                throw RunError.configuration(
                    "the run in \(path) was trained on \(workspace.training.name), whose responses nobody can list: verify measures runs on "
                        + "PathSum and on tasks of verify")
            }
            let bits = try trained(workspace)
            return Measured(workspace: workspace, bits: bits, root: try root(of: bits, workspace), tasks: tasks)
        }
        let bounds = self.bounds
        let certificates = try launch.everyRank { communicator in
            try measured.tasks.compactMap { task in
                let verification = Verification(workspace: measured.workspace, task: task, communicator: communicator)
                return try verification.scores(of: measured.bits, root: measured.root).map { verification.certificate(of: $0, bounds: bounds) }
            }
        }
        try VerifyReport(folder: output ?? path, isJSON: isJSON).finish(certificates[0], launch)
    }

    /// The run's own settings, and what this call lays over them.
    private func configuration(_ choices: SettingOptions) throws -> RunConfiguration {
        let path = folder.settings
        guard FileManager.default.fileExists(atPath: path) else {
            throw RunError.missingInput("--policy: \(self.path) is not a run folder (there is no config.yaml in it)")
        }
        var layers = ConfigurationLayers()
        layers.lay(yaml: try configurationText(path), named: path, isChoice: false)
        try choices.layFile(over: &layers)
        choices.layFlags(over: &layers)
        return try RunConfiguration(layers)
    }

    /// The trained parameters in the order of the layout.
    private func trained(_ workspace: Workspace) throws -> [UInt16] {
        let layout = ParameterLayout(workspace.trainable, of: workspace.base.configuration)
        let result = workspace.trainable == .full ? folder.model : folder.adapter
        guard FileManager.default.fileExists(atPath: result) else {
            throw RunError.missingInput(
                "the run in \(path) has no \(result), so it has not ended: go on with gfn-dist train --resume --output \(path)")
        }
        switch workspace.trainable {
        case .lora:
            let adapter = try AdapterFolder.read(result, for: workspace.base.configuration)
            return layout.parameters(of: adapter.matrices).roundedToBFloat16
        case .full:
            let source = try ModelFiles.open(result).weights
            return try layout.entries.flatMap { try source.read($0.name) }.roundedToBFloat16
        }
    }

    /// log Z as the run learned it, from its last checkpoint; nil where the method learns none, or no checkpoint has these parameters.
    private func root(of bits: [UInt16], _ workspace: Workspace) throws -> RootFlow? {
        guard let newest = Checkpoint.search(in: folder.checkpoints).newest else { return nil }
        let learner = try Checkpoint.read(newest, layout: workspace.policy().layout).learner
        return learner.parameters.roundedToBFloat16 == bits ? learner.root : nil
    }
}
