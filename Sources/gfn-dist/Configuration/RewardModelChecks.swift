internal import Learner
internal import Model

/// Which labels of steps a reward model learns from.
enum LabelKind: String, Sendable, CaseIterable {
    /// Good or bad.
    case hard
    /// The share of right completions, where the data has it.
    case soft
}

/// What `reward` can be told, and what it has no use for.
extension RunConfiguration {
    /// The settings that a reward model is trained by: whole groups, or single ones.
    private static let rewardModelSettings: Set = [
        "model", "adapter", "precision", "kernels", "base.cache", "base.weights", "attention.cache", "memory.limit",
        "seed", "threads", "data.train", "data.evaluate", "data.chat_template",
        "data.long_prompts", "evaluate.every",
    ]
    private static let rewardModelGroups = ["train.", "lora.", "labels.", "head.", "checkpoint."]

    private static func isOfRewardModel(_ name: String) -> Bool {
        rewardModelSettings.contains(name) || rewardModelGroups.contains { name.hasPrefix($0) }
    }

    func rewardModelProblems() -> [String] {
        var problems = Setting.all.filter { !Self.isOfRewardModel($0.name) }.compactMap { chosen($0.name) }.map {
            "\($0), which training a reward model has no use for; leave it out"
        }
        // The program itself trains one on random weights, to verify a run that starts from these.
        if model == "random", layers.origins["model"]?.isChoice ?? false {
            problems.append("model is 'random', which has learned nothing that a reward model could build on")
        }
        if text("data.train").isEmpty, steps > 0 {
            problems.append("data.train is not set: name the JSON Lines of labelled steps with --set data.train=FILE")
        }
        if steps == 0, evaluationPaths.isEmpty {
            problems.append("train.steps is 0 and data.evaluate is not set, so there is nothing to do; name labelled steps to judge by")
        }
        return problems
    }

    /// Settings of `reward` that somebody gave to `train`.
    func labelProblems() -> [String] {
        Setting.all.map(\.name).filter { $0.hasPrefix("labels.") || $0.hasPrefix("head.") }.compactMap(chosen).map {
            "\($0), which gfn-dist reward has a use for, and train has none; leave it out"
        }
    }

    /// - Parameter loss: with the weights that follow from the data.
    func rewardLearnerSettings(_ loss: StepLoss) -> RewardLearner.Settings {
        let rate = number("train.learning_rate")
        return RewardLearner.Settings(
            loss: loss, optimizer: optimizerSettings, schedule: learningRateSchedule(steps: steps),
            maximumGradientNorm: optionalNumber("train.clip_norm"),
            headRateFactor: rate > 0 ? number("head.learning_rate") / rate : 1)
    }
}
