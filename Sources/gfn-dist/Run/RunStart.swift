internal import Collective
internal import Foundation
internal import Learner
internal import Model
internal import Tensor

/// From the command line to a rank's story: settings, folder, checkpoint, model, and then `TrainingRun` or `ExampleRun`.
enum RunStart {
    /// - Parameter dashboardPort: nil: the run is not shown while it goes on.
    static func perform(options: RunOptions, resuming care: ResumedRun.Care?, dashboardPort: Int?, _ launch: Launch) throws {
        SignalFlags.install()
        // Before anything else, so that a port that cannot be had costs nothing.
        let dashboard = try launch.together { launch.isFirst ? try dashboardPort.map { try Dashboard.start(port: $0) } : nil }
        do {
            try perform(options: options, resuming: care, dashboard, launch)
        } catch {
            dashboard?.stop(Dashboard.Ending(of: error))
            throw error
        }
        dashboard?.stop(.done)
    }

    private static func perform(
        options: RunOptions, resuming care: ResumedRun.Care?, _ dashboard: Dashboard?, _ launch: Launch
    ) throws {
        let resumed = try care.map { try ResumedRun.find(options, $0, launch) }
        let (configuration, layout, changes) = try launch.together {
            let (configuration, changes) = try resumed?.configuration(options) ?? (RunConfiguration(try options.layers()), [])
            launch.watch(by: configuration.layers)
            let layout = !configuration.needs.usesRollouts ? nil : try Self.layout(configuration, ranks: launch.size)
            if configuration.text("kernels") != "auto" { setenv(KernelFamily.variable, configuration.text("kernels"), 1) }
            return (configuration, layout, changes)
        }
        let workspace = try workspace(configuration, layout, launch)
        let checkpoint = try launch.together {
            try resumed?.checkpoint.map { path in
                let checkpoint = try Checkpoint.read(path, layout: workspace.policy().layout)
                try checkpoint.check(for: workspace.base.configuration, path: path)
                try resumed?.require(checkpoint, at: path, toServe: workspace.configuration)
                return checkpoint
            }
        }
        if workspace.configuration.trainable == .full { try launch.requireOneCore(ofLearners: layout) }
        // Nothing is written before all that can be checked has been.
        let folder: RunFolder
        if let resumed {
            guard try prepare(resumed, workspace.configuration, changes, launch) else { return }
            folder = resumed.folder
        } else {
            folder = try newFolder(options, workspace.configuration, launch)
        }
        dashboard?.open(folder)
        let (quiet, feed) = (options.settings.quiet, dashboard?.feed)
        try launch.everyRank { communicator in
            let context = try RunContext(
                workspace: workspace, communicator: communicator, folder: folder, checkpoint: checkpoint, quiet: quiet, feed: feed)
            context.announce(resumed?.checkpoint)
            for change in changes { context.report?.say(change.sentence) }
            context.sayIfOfAnotherProgram()
            context.sayIfOnOtherKernels()
            do {
                if workspace.configuration.needs.usesRollouts { try TrainingRun(context).run() } else { try ExampleRun(context).run() }
            } catch {
                throw context.described(error)
            }
        }
    }

    /// Opens model and data, and reads the weights where memory suffices for the run. Collective over processes.
    static func workspace(_ configuration: RunConfiguration, _ layout: RankLayout?, _ launch: Launch) throws -> Workspace {
        let opened = try launch.together {
            try OpenedWorkspace(configuration, ranksOnNode: launch.ranksOnNode, needsGradients: launch.hasLearner(layout))
        }
        let roles = try launch.rolesOnNode(layout)
        let memory = try launch.together {
            let plan = MemoryPlan(opened, roles)
            let limit = MemoryLimit(configuration.text("memory.limit"), available: launch.node.availableMemory)
            try limit.require(plan, advice: opened.configuration.memoryAdvice(roles, opened.base.model))
            return limit.share(plan)
        }
        return try launch.together { try Workspace(opened, memory: memory) }
    }

    /// The layout of ranks, or a configuration error.
    static func layout(_ configuration: RunConfiguration, ranks: Int) throws(ConfigurationError) -> RankLayout {
        do { return try configuration.layout(ofRanks: ranks) } catch {
            throw ConfigurationError(problems: ["\(error)"])
        }
    }

    /// Rank 0 makes the folder of a new run; all ranks learn its name.
    static func newFolder(_ options: any RunRequest, _ configuration: RunConfiguration, _ launch: Launch) throws -> RunFolder {
        let path = try launch.decidedByFirst {
            let folder = try RunFolder.create(named: options.output, fallback: try options.runName())
            try RunLock.take(folder)
            // Another run may have begun here, and ended, in the meantime.
            try RunFolder.requireNoRun(in: folder.path)
            try folder.write(configuration)
            return folder.path
        }
        return RunFolder(path: path)
    }

    /// Rank 0 writes down what a resumed run goes on with. False: the run is finished, and rank 0 says so.
    static func prepare(
        _ resumed: ResumedRun, _ configuration: RunConfiguration, _ changes: [SettingChange], _ launch: Launch
    ) throws -> Bool {
        let answer = try launch.decidedByFirst {
            if resumed.isFinished(configuration, changes) { return "finished" }
            if !changes.isEmpty { try resumed.folder.write(configuration) }
            return "unfinished"
        }
        guard answer == "finished" else { return true }
        if launch.isFirst {
            print("the run in \(resumed.folder.path) is finished: all \(resumed.step) steps are done, and their weights are written")
        }
        return false
    }
}
