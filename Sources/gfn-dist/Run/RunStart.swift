internal import Collective
internal import Foundation
internal import Learner
internal import Model
internal import Rollout
internal import Tensor

/// From the command line to a rank's story: settings, folder, checkpoint, model, and then `TrainingRun` or `SupervisedRun`.
enum RunStart {
    static func perform(options: RunOptions, isResuming: Bool, _ launch: Launch) throws {
        SignalFlags.install()
        let resumed = isResuming ? try existingFolder(options, launch) : nil
        let (workspace, checkpoint, layout) = try launch.together {
            let layers = try resumed.map { try options.layers(resuming: $0.folder.path + "/config.yaml") } ?? options.layers()
            let configuration = try RunConfiguration(layers)
            let layout = configuration.isSupervised ? nil : try Self.layout(configuration, ranks: launch.size)
            if configuration.text("kernels") != "auto" { setenv(KernelFamily.variable, configuration.text("kernels"), 1) }
            let workspace = try Workspace(
                configuration, ranksOnNode: launch.ranksOnNode, needsGradients: launch.hasLearner(layout))
            let checkpoint = try resumed?.checkpoint.map { path in
                let checkpoint = try Checkpoint.read(path, layout: workspace.policy().layout)
                try checkpoint.check(for: workspace.base.configuration, path: path)
                return checkpoint
            }
            return (workspace, checkpoint, layout)
        }
        if workspace.configuration.trainable == .full { try launch.requireOneCore(ofLearners: layout) }
        // Nothing is written before all that can be checked has been.
        let folder = try resumed?.folder ?? newFolder(options, workspace.configuration, launch)
        let quiet = options.quiet
        try launch.everyRank { communicator in
            let context = try RunContext(
                workspace: workspace, communicator: communicator, folder: folder, checkpoint: checkpoint, quiet: quiet)
            context.announce(resumed?.checkpoint)
            context.sayIfOnOtherKernels()
            do {
                if workspace.configuration.isSupervised { try SupervisedRun(context).run() } else { try TrainingRun(context).run() }
            } catch {
                throw context.described(error)
            }
        }
    }

    /// The layout of ranks, or a configuration error.
    private static func layout(_ configuration: RunConfiguration, ranks: Int) throws(ConfigurationError) -> RankLayout {
        let wanted = configuration.integer("ranks.learners")
        do { return try RankLayout(size: ranks, learners: wanted == 0 ? nil : wanted) } catch {
            throw ConfigurationError(problems: ["\(error)"])
        }
    }

    /// Rank 0 makes the folder of a new run; all ranks learn its name.
    private static func newFolder(_ options: RunOptions, _ configuration: RunConfiguration, _ launch: Launch) throws -> RunFolder {
        let path = try launch.decidedByFirst {
            let folder = try RunFolder.create(named: options.output, fallback: try options.runName())
            try folder.write(configuration.layers.yaml(), to: "config.yaml")
            return folder.path
        }
        return RunFolder(path: path)
    }

    /// Rank 0 finds the folder to resume and its newest complete checkpoint; nil: it ended before the first.
    private static func existingFolder(_ options: RunOptions, _ launch: Launch) throws -> (folder: RunFolder, checkpoint: String?) {
        let answer = try launch.decidedByFirst {
            let folder = try RunFolder.existing(named: options.output, fallback: try options.runName())
            return folder.path + "\n" + (Checkpoint.newestComplete(in: folder.checkpoints) ?? "")
        }
        let lines = answer.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return (RunFolder(path: lines[0]), lines.count > 1 && !lines[1].isEmpty ? lines[1] : nil)
    }
}
