internal import Collective
internal import Foundation
internal import Learner
internal import Model
internal import Rollout
internal import Tensor

/// From the command line to a rank's story: settings, folder, checkpoint, model, and then `TrainingRun` or `SupervisedRun`.
enum RunStart {
    static func perform(options: RunOptions, isResuming: Bool, _ launch: Launch) throws {
        let (folder, checkpointPath) = try chooseFolder(options, isResuming: isResuming, launch)
        let configuration =
            isResuming
            ? try RunConfiguration(try options.layers(resuming: folder.path + "/config.yaml")) : try RunConfiguration(try options.layers())
        if configuration.text("kernels") != "auto" { setenv("GFN_KERNELS", configuration.text("kernels"), 1) }
        SignalFlags.install()
        // All ranks check the layout before any of them loads a model.
        if !configuration.isSupervised {
            let wanted = configuration.integer("ranks.learners")
            do { _ = try RankLayout(size: launch.size, learners: wanted == 0 ? nil : wanted) } catch {
                throw ConfigurationError(problems: ["\(error)"])
            }
        }
        let workspace = try Workspace(configuration, ranksOnNode: launch.ranksOnNode, needsGradients: true)
        if launch.isFirst, !isResuming { try folder.write(configuration.layers.yaml(), to: "config.yaml") }
        let quiet = options.quiet
        try launch.everyRank { communicator in
            let checkpoint = try checkpointPath.map { path in
                try Checkpoint.read(path, layout: workspace.policy().layout)
            }
            let context = try RunContext(
                workspace: workspace, communicator: communicator, folder: folder, checkpoint: checkpoint, quiet: quiet)
            context.announce(checkpointPath)
            if configuration.isSupervised { try SupervisedRun(context).run() } else { try TrainingRun(context).run() }
        }
    }

    /// Rank 0 chooses the run folder, and on a resume the checkpoint; all ranks learn both.
    private static func chooseFolder(
        _ options: RunOptions, isResuming: Bool, _ launch: Launch
    ) throws -> (RunFolder, checkpoint: String?) {
        let answer = try launch.decidedByFirst {
            let fallback = try options.runName()
            guard isResuming else { return try RunFolder.create(named: options.output, fallback: fallback).path + "\n" }
            let folder = try RunFolder.existing(named: options.output, fallback: fallback)
            return folder.path + "\n" + (Checkpoint.newestComplete(in: folder.checkpoints) ?? "")
        }
        let lines = answer.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let checkpoint = lines.count > 1 && !lines[1].isEmpty ? lines[1] : nil
        return (RunFolder(path: lines[0]), checkpoint)
    }
}
