internal import Collective
internal import Evaluation
internal import Foundation
internal import Learner
internal import Model
internal import Problems
internal import Tensor

/// The story of `verify`: where the task asks for one, a reward model is trained; then the policy, through the same ranks as always; then
/// every end is scored, and a certificate says how far the distribution is from R/Z.
struct VerifyRun {
    let request: VerifyRequest
    let bounds: CertificateBounds
    let isJSON: Bool

    /// Collective over processes. Throws where a bound is missed, after all has been written.
    func perform(_ launch: Launch) throws {
        SignalFlags.install()
        let (configuration, layout, file) = try launch.together {
            let layers = try request.layers()
            // Before the settings are held against the method: those of verify are for methods with this aim.
            try Self.requireBalance(layers.values["objective"] ?? "")
            let configuration = try RunConfiguration(layers)
            guard let path = try configuration.enumerableTaskPath else {
                throw RunError.configuration(
                    "verify trains on a task that lists its responses, and data.train is \(configuration.text("data.train")); name one with "
                        + "--task, or measure a finished run with --policy")
            }
            return (configuration, try RunStart.layout(configuration, ranks: launch.size), try TaskFile.read(path))
        }
        launch.watch(by: configuration.layers)
        if configuration.text("kernels") != "auto" { setenv(KernelFamily.variable, configuration.text("kernels"), 1) }
        var workspace = try RunStart.workspace(configuration, layout, launch)
        if workspace.configuration.trainable == .full { try launch.requireOneCore(ofLearners: layout) }
        // Nothing is written before all that can be checked has been.
        let rewardSettings = configuration.text("reward_model").isEmpty ? file.rewardModel : nil
        let rewardLayers = try launch.together { try rewardSettings.map { try layers(ofReward: $0, configuration) } }
        let folder = try RunStart.newFolder(request, workspace.configuration, launch)
        if let rewardLayers {
            let path = try trainRewardModel(rewardLayers, workspace, folder, launch)
            let rewarded = try launch.together { try RunConfiguration(configuration.layers.setting("reward_model", to: path)) }
            workspace = try RunStart.workspace(rewarded, layout, launch)
            _ = try launch.decidedByFirst {
                try folder.write(workspace.configuration)
                return ""
            }
        }
        try train(workspace, folder, launch)
    }

    private static func requireBalance(_ objective: String) throws(RunError) {
        guard let needs = ObjectiveKind(rawValue: objective)?.defaults.needs, !needs.logRewards || !needs.usesRollouts else { return }
        throw .configuration(
            "objective is \(objective), which does not aim at the reward's distribution; expected one that balances log R, "
                + "such as subtb, subtb-pooled, vargrad or tb")
    }

    private func train(_ workspace: Workspace, _ folder: RunFolder, _ launch: Launch) throws {
        let quiet = request.settings.quiet, bounds = self.bounds
        let certificates = try launch.everyRank { communicator -> Certificate? in
            let context = try RunContext(workspace: workspace, communicator: communicator, folder: folder, checkpoint: nil, quiet: quiet)
            context.announce(nil)
            do { return try Self.certificate(training: context, judgedBy: workspace, bounds: bounds) } catch {
                throw context.described(error)
            }
        }
        try VerifyReport(folder: folder.path, isJSON: isJSON).finish(certificates[0].map { [$0] } ?? [], launch)
    }

    /// Trains as `context` says, and judges what comes of it by `workspace`. Collective; nil on all ranks but the first.
    static func certificate(
        training context: RunContext, judgedBy workspace: Workspace, bounds: CertificateBounds
    ) throws -> Certificate? {
        context.saysResult = false
        guard let outcome = try TrainingRun(context).run() else { return nil }
        let verification = Verification(workspace: workspace, task: workspace.training, communicator: context.communicator)
        return try verification.scores(of: outcome.bits, root: outcome.root).map { verification.certificate(of: $0, bounds: bounds) }
    }

    // MARK: A learned reward

    /// The settings of the reward model: those of `reward`, the task's, and what it shares with the policy's run.
    private func layers(ofReward settings: [TaskFile.Setting], _ configuration: RunConfiguration) throws -> ConfigurationLayers {
        var layers = ConfigurationLayers()
        layers.lay(yaml: try EmbeddedResources.configuration("pathsum-reward"), named: "embedded pathsum-reward.yaml", isChoice: false)
        for setting in settings { layers.set(setting.name, to: setting.value, from: Origin(description: setting.place, isChoice: false)) }
        for name in ["model", "seed", "threads", "precision", "kernels", "base.cache", "base.weights", "attention.cache", "memory.limit"] {
            layers = layers.setting(name, to: configuration.text(name))
        }
        // Prompts of the list are texts as they are.
        if !configuration.model.isEmpty, configuration.model != "random" { layers = layers.setting("data.chat_template", to: "plain") }
        // Its steps are not written yet.
        _ = try RunConfiguration(layers.setting("data.train", to: "steps.jsonl"), for: .reward)
        return layers
    }

    /// Trains the task's reward model in a folder of its own, and returns where it is.
    private func trainRewardModel(_ layers: ConfigurationLayers, _ workspace: Workspace, _ folder: RunFolder, _ launch: Launch) throws -> String {
        guard let task = workspace.training as? EnumerableTask else { preconditionFailure("verify without a task that lists its responses") }
        let data = folder.path + "/steps.jsonl"
        let own = RunFolder(path: folder.path + "/reward")
        _ = try launch.decidedByFirst {
            try folder.write(try TreeLabels(task: task).text(), to: "steps.jsonl")
            return ""
        }
        let work = try launch.together {
            try RewardWork(try RunConfiguration(layers.setting("data.train", to: data), for: .reward), on: launch.node)
        }
        _ = try launch.decidedByFirst {
            try own.write(work.configuration)
            return ""
        }
        let quiet = request.settings.quiet
        try launch.everyRank { communicator in
            let run = try RewardRun(work, communicator, folder: own, checkpoint: nil, quiet: quiet, saysResult: false)
            if communicator.rank == 0 { run.announce(nil) }
            try run.run()
        }
        return own.adapter
    }
}
