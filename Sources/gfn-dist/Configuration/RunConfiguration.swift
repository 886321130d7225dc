internal import Collective
internal import Foundation
internal import Learner
internal import Model
internal import Problems
internal import Rollout
internal import Tensor

/// The settings of one run, checked and typed; made once from the layers, then never written.
struct RunConfiguration: Sendable {
    /// What the settings are for: only what matters to it is checked.
    enum Purpose: Sendable {
        case training
        /// Sampling and judging, of the problems that `data.evaluate` names.
        case sampling
        /// Training a process reward model on the labelled steps that `data.train` names.
        case reward
    }

    let layers: ConfigurationLayers
    let purpose: Purpose

    /// Reads the layers; throws every problem that concerns more than one setting.
    init(_ layers: ConfigurationLayers, for purpose: Purpose = .training) throws(ConfigurationError) {
        var layers = layers
        try layers.check()
        self.layers = layers
        self.purpose = purpose
        for problem in combinedProblems() { layers.note(problem: problem) }
        try layers.check()
    }

    private func combinedProblems() -> [String] {
        var problems = switch purpose {
        case .training: trainingProblems() + partProblems()
        case .sampling: samplingProblems() + partProblems()
        case .reward: rewardModelProblems()
        }
        if let problem = Self.kernelsProblem(text("kernels")) { problems.append(problem) }
        return problems
    }

    private func samplingProblems() -> [String] {
        if model == "random" { return ["model is 'random', which has learned nothing to sample; name a folder or a .gguf file"] }
        guard model.isEmpty, !usesEmbeddedTask else { return [] }
        return ["there is no model: the embedded base knows PathSum only; name one with --model"]
    }

    private func trainingProblems() -> [String] {
        var problems: [String] = []
        if model.isEmpty || model == "random", !posesItself {
            problems.append("data.train is set but model is not: the embedded base knows PathSum only; name a model with --model")
        }
        if !posesItself, text("data.train").isEmpty {
            problems.append("model is set but data.train is not: name the JSONL of problems with --set data.train=FILE, or the embedded task with --set data.train=pathsum")
        }
        if model == "random", needs.samples != .data, !isEnumerable {
            problems.append("model is 'random', which makes sense for --objective sft only: \(objective) samples, and it has learned nothing to sample")
        }
        if model != "random", randomSize != .base {
            problems.append(
                "random.size is \(text("random.size")), but model is \(model.isEmpty ? "the embedded base" : model), which has a shape of its "
                    + "own: name model random, or leave it out")
        }
        if layers.values["trainable"] == "full", !text("adapter").isEmpty {
            problems.append("adapter is set but trainable is full: there is no adapter to start from")
        }
        if let highest = optionalNumber("rollout.temperature_high"), highest < number("rollout.temperature") {
            problems.append(
                "rollout.temperature_high is \(text("rollout.temperature_high")), below rollout.temperature, which is "
                    + "\(text("rollout.temperature")); expected a higher number, or none")
        }
        if optionalNumber("replay.distinct_threshold") != nil, distinctResponses.usualThreshold == nil {
            problems.append("replay.distinct_threshold is set, but replay.distinct is \(text("replay.distinct")), which has none")
        }
        if loraTargets == nil {
            problems.append("lora.targets is '\(text("lora.targets"))', expected a list of \(LinearKind.allCases.map(\.moduleName).joined(separator: ", "))")
        }
        if isEnumerable, !evaluationPaths.isEmpty {
            problems.append(
                "data.evaluate is \(text("data.evaluate")), but \(text("data.train")) is judged on all of its ends, by gfn-dist verify; leave it out")
        }
        if isEnumerable, terminability == .tokens {
            problems.append("states is tokens, but \(text("data.train")) lists which states may end; set states to steps or end")
        }
        return problems + splitProblems() + methodProblems()
    }

    /// What is wrong with the settings of rewards, whatever is done with them.
    private func partProblems() -> [String] {
        var problems: [String] = []
        if let least = optionalNumber("reward.minimum"), let most = optionalNumber("reward.maximum"), least > most {
            problems.append(
                "reward.minimum is \(text("reward.minimum")), above reward.maximum, which is \(text("reward.maximum")); "
                    + "expected a lower number, or none")
        }
        switch (layers.rewardPreset.process, text("reward_model").isEmpty) {
        case (.byModel, true):
            problems.append(
                "reward.preset is \(layers.rewardPreset.rawValue), whose process score is a reward model's, but reward_model is empty; "
                    + "name the folder of one with --set reward_model=FOLDER")
        case (.without, false):
            problems.append(
                "reward.preset is \(layers.rewardPreset.rawValue), which has no process score, but reward_model is "
                    + "\(text("reward_model")), which nothing would ask; leave one of them out")
        default: break
        }
        return problems
    }

    /// Why this CPU cannot compute as the setting `kernels` says; nil when it can.
    static func kernelsProblem(_ name: String) -> String? {
        let selectable = KernelFamily.selectable()
        if name == "auto" || selectable.contains(where: { $0.rawValue == name }) { return nil }
        return "kernels is '\(name)', which this CPU can't run; it runs \(selectable.map(\.rawValue).joined(separator: ", "))"
    }

    // MARK: Reading values. Every name below is a key of `Setting.all`, and its value has passed that key's check.

    func text(_ name: String) -> String {
        guard let value = layers.values[name] else { preconditionFailure("there is no setting '\(name)'") }
        return value
    }
    func integer(_ name: String) -> Int {
        guard let value = Int(text(name)) else { preconditionFailure("setting '\(name)' is not an integer") }
        return value
    }
    func number(_ name: String) -> Double {
        guard let value = Double(text(name)) else { preconditionFailure("setting '\(name)' is not a number") }
        return value
    }

    /// Nil where the setting has a word in place of a number.
    func optionalInteger(_ name: String) -> Int? { Int(text(name)) }
    func optionalNumber(_ name: String) -> Double? { Double(text(name)) }

    var objective: String { text("objective") }
    /// The method with the settings of the run.
    var method: any Objective {
        guard let kind = ObjectiveKind(rawValue: objective) else { preconditionFailure("there is no objective '\(objective)'") }
        return kind.objective { text($0) }
    }
    var needs: Needs { method.needs }
    var model: String { text("model") }
    /// Of random weights.
    var randomSize: PathSum.ModelSize { PathSum.ModelSize(rawValue: text("random.size")) ?? .base }
    /// PathSum: by its name, or because neither a model nor data to train on is named.
    var usesEmbeddedTask: Bool {
        if purpose == .sampling { return Self.split(named: text("data.evaluate")) != nil }
        return trainingSplit != nil
    }
    static let embeddedTask = "pathsum"
    /// The part of the embedded task's problems with this name, or nil: `pathsum` are the held-out ones.
    static func split(named name: String) -> PathSum.Split? { name == embeddedTask ? .heldOut : PathSum.Split(named: name) }
    /// The embedded task's problems to train on; nil where problems come from elsewhere.
    var trainingSplit: PathSum.Split? { Self.trainingSplit(data: text("data.train"), model: model) }

    static func trainingSplit(data: String, model: String) -> PathSum.Split? {
        switch data {
        case embeddedTask: .train
        case "": model.isEmpty || model == "random" ? .train : nil
        default: PathSum.Split(named: data).flatMap { [.train, .fit].contains($0.part) ? $0 : nil }
        }
    }

    /// Whether the task is one that lists its responses.
    var isEnumerable: Bool { purpose == .training && TaskFile.isNamed(by: text("data.train")) }
    /// Its file; nil for other tasks.
    var enumerableTaskPath: String? {
        get throws(RunError) { isEnumerable ? try TaskFile.path(of: text("data.train")) : nil }
    }
    /// Whether the task has texts of its own for a model that ships with the program.
    private var posesItself: Bool { usesEmbeddedTask || isEnumerable }

    /// The embedded task's problems to evaluate on, where it is trained on: those named, or the ones that `split` leaves out.
    func evaluationSplits(of split: PathSum.Split) -> [PathSum.Split] {
        let named = evaluationPaths
        guard !named.isEmpty else { return [PathSum.Split(split.part == .fit ? .validation : .heldOut, split.range)] }
        return named.compactMap { Self.split(named: $0) }
    }

    /// What is wrong with the problems that the embedded task is to be evaluated on.
    private func splitProblems() -> [String] {
        guard let split = trainingSplit else { return [] }
        var problems: [String] = []
        let known: [PathSum.Split.Part] = [.heldOut, .validation, .seen]
        for name in evaluationPaths {
            let named = Self.split(named: name)
            guard let named, known.contains(named.part) else {
                let names = known.map(\.rawValue).joined(separator: ", ")
                problems.append("data.evaluate names '\(name)', expected of the embedded task \(names), or -low or -high of them")
                continue
            }
            if split.part == .train, named.part == .validation {
                let fit = PathSum.Split(.fit, split.range).name
                problems.append(
                    "data.evaluate names \(name), which is part of what is trained on; set data.train=\(fit), which leaves it out")
            }
        }
        return problems
    }
    var seed: UInt64 { UInt64(integer("seed")) }
    /// Where rollouts run free, there is none; ranks that are learner and rollout have then lag 0.
    var lag: Int { purpose != .reward && needs.usesRollouts ? optionalInteger("lag") ?? 0 : 0 }
    /// The largest age of what is learned from where rollouts run free, in versions; nil where they do not.
    var freeBound: Int? { purpose == .training && needs.usesRollouts && text("lag") == "any" ? integer("lag_bound") : nil }
    /// Which of so many ranks learn, and which sample.
    func layout(ofRanks size: Int) throws(RankLayoutError) -> RankLayout {
        switch text("ranks.learners") {
        case "all": return try RankLayout(allOf: size)
        // Nobody waits for ranks of another role, and adapters' states and sums are small. Ranks that run free need roles.
        case "auto" where trainable != .full && freeBound == nil: return try RankLayout(allOf: size)
        default: break
        }
        return try RankLayout(size: size, learners: optionalInteger("ranks.learners"))
    }
    var endsWhenLogProbabilitiesDiffer: Bool { text("check.log_probabilities") == "stop" }
    var steps: Int { integer("train.steps") }
    var promptsPerStep: Int { integer("train.prompts_per_step") }
    var samplesPerPrompt: Int { integer("rollout.samples_per_prompt") }
    var precision: Precision { Precision(rawValue: text("precision")) ?? .bf16 }
    var keyPrecision: Precision { Precision(rawValue: text("attention.cache")) ?? .fp32 }

    private var loraTargets: [LinearKind]? {
        let names = text("lora.targets").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        let kinds = names.map { name in LinearKind.allCases.first { $0.moduleName == name } }
        guard !kinds.isEmpty, kinds.allSatisfy({ $0 != nil }) else { return nil }
        return Set(kinds.compactMap { $0 }).sorted { $0.rawValue < $1.rawValue }
    }
    /// As the settings say it; `Workspace.trainable` knows of an adapter to start from.
    var trainable: Trainable {
        if text("trainable") == "full" { return .full }
        return .lora(
            AdapterConfiguration(rank: integer("lora.rank"), alpha: Float(number("lora.alpha")), targets: loraTargets ?? []))
    }

    /// The configuration of a run that starts from this adapter, and so has its rank, α and targets (the usual ones, where
    /// places differ).
    ///
    /// Throws when somebody chose others.
    func taking(_ adapter: AdapterConfiguration, of path: String) throws(ConfigurationError) -> RunConfiguration {
        guard let strength = adapter.usualStrength else { return self }
        let targets = adapter.targets
        let names = targets.map(\.moduleName).joined(separator: ",")
        let settings: [(name: String, value: String, isSame: Bool)] = [
            ("lora.rank", "\(strength.rank)", integer("lora.rank") == strength.rank),
            ("lora.alpha", "\(strength.alpha)", Float(number("lora.alpha")) == strength.alpha),
            ("lora.targets", names, loraTargets == targets),
        ]
        var layers = layers
        var chosen: [String] = []
        for setting in settings where !setting.isSame {
            if let origin = layers.origins[setting.name], origin.isChoice {
                chosen.append("\(setting.name) is \(text(setting.name)) (\(origin))")
            } else {
                layers.set(setting.name, to: setting.value, from: Origin(description: "adapter \(path)"))
            }
        }
        guard chosen.isEmpty else {
            throw ConfigurationError(problems: [
                "adapter \(path) has rank \(strength.rank), alpha \(strength.alpha) and targets \(names), but "
                    + "\(chosen.joined(separator: " and ")); leave that out to train this adapter, or adapter to train a fresh one"
            ])
        }
        return try RunConfiguration(layers, for: purpose)
    }

    /// Replayed groups beside the fresh ones of a step, counted from 0, so that their share of all steps is `replay.share`: with
    /// x = prompts·share/(1 − share), a step has as many as pass a whole number while s·x becomes (s + 1)·x.
    func replayedGroups(in step: Int) -> Int {
        let share = number("replay.share")
        let each = Double(promptsPerStep) * share / (1 - share)
        // What is a whole number but for rounding counts as one.
        func upTo(_ steps: Int) -> Int { Int((Double(steps) * each + 1e-6).rounded(.down)) }
        return upTo(step + 1) - upTo(step)
    }

    /// The temperatures that groups are sampled at.
    var behaviour: Behaviour {
        Behaviour(
            temperature: number("rollout.temperature"), highest: optionalNumber("rollout.temperature_high"),
            temperedShare: number("rollout.tempered_share"))
    }

    var terminability: Terminability { Terminability(rawValue: text("states")) ?? .steps }

    /// The embedded task, posed from one half of its problems.
    func pathSum(_ split: PathSum.Split) -> PathSum {
        PathSum(
            split: split, seed: seed,
            textbook: TextbookStyle(
                skew: number("data.textbook_skew"), uniformShare: number("data.textbook_uniform"),
                misprintShare: number("data.textbook_misprints")),
            processFloor: number("reward.process_floor"), aggregate: processAggregate)
    }

    /// How the scores of a response's steps become one.
    var processAggregate: ProcessAggregate { ProcessAggregate(rawValue: text("reward.aggregate")) ?? .product }

    /// The files of `data.evaluate`.
    var evaluationPaths: [String] {
        text("data.evaluate").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    /// How many of a data set's problems are evaluated: the first ones.
    func evaluatedCount(of task: any Task) -> Int {
        optionalInteger("evaluate.problems").map { min($0, task.problemCount) } ?? task.problemCount
    }

    func maxNewTokens(for task: any Task) -> Int {
        optionalInteger("rollout.max_new_tokens") ?? task.defaultMaxNewTokens
    }

    var rewards: RewardSettings {
        let steps = optionalInteger("reward.schedule_steps") ?? self.steps
        func schedule(_ name: String) -> LinearSchedule {
            let start = number(name)
            guard let end = optionalNumber("\(name)_final") else { return LinearSchedule(constant: start) }
            return LinearSchedule(from: start, to: end, steps: steps)
        }
        return RewardSettings(
            processWeight: number("reward.process"), processFloor: number("reward.process_floor"),
            correctBonus: number("reward.correct"), unfinishedPenalty: number("reward.unfinished"),
            minimum: optionalNumber("reward.minimum"), maximum: optionalNumber("reward.maximum"),
            temperature: schedule("reward.temperature"), referenceExponent: schedule("reward.reference"))
    }

    /// How a reward model's scores of steps become process scores.
    func processScoring(_ model: ProcessRewardModel) -> ProcessScoring {
        ProcessScoring(
            model: model, aggregate: processAggregate, floor: number("reward.process_floor"))
    }

    var optimizerSettings: AdamW.Settings {
        AdamW.Settings(beta1: number("train.beta1"), beta2: number("train.beta2"), weightDecay: number("train.weight_decay"))
    }

    func learningRateSchedule(steps: Int) -> LearningRateSchedule {
        LearningRateSchedule(
            shape: LearningRateSchedule.Shape(rawValue: text("train.schedule")) ?? .constant, peak: number("train.learning_rate"),
            warmUpSteps: integer("train.warmup_steps"), totalSteps: steps)
    }

    /// `maximumLength`: the most actions that a response may have.
    func learnerSettings(of method: any Objective, maximumLength: Int) -> PolicyLearner.Settings {
        let rate = number("train.learning_rate")
        return PolicyLearner.Settings(
            objective: method,
            optimizer: optimizerSettings, schedule: learningRateSchedule(steps: steps - needs.collectingSteps),
            maximumGradientNorm: optionalNumber("train.clip_norm"),
            rootRateFactor: rate > 0 ? number("root.learning_rate") / rate : 1,
            valueRateFactor: rate > 0 ? number("value.learning_rate") / rate : 1, maximumLength: maximumLength, seed: seed)
    }

    var replaySettings: ReplayBuffer.Settings {
        let keepsOnlyCorrect = switch needs.lesson {
        case .group: text("replay.keep") == "correct"
        case .demonstration: true
        case .pair: false
        }
        // A prompt that has too many would lose its wrong responses first, and with them its pairs.
        let priority = needs.lesson == .pair ? .uniform : ReplayBuffer.Priority(rawValue: text("replay.priority")) ?? .reward
        return ReplayBuffer.Settings(
            capacityPerPrompt: integer("replay.per_prompt"), priority: priority, keepsOnlyCorrect: keepsOnlyCorrect)
    }

    /// Whether worked solutions of the problems go into the replay buffer.
    var seedsReplay: Bool { text("replay.seed") == "demonstrations" }

    /// Which responses to a problem of `task` are near-duplicates to the replay buffer.
    func replaySimilarity(of task: any Task) -> Similarity? {
        distinctResponses.similarity(of: task, threshold: optionalNumber("replay.distinct_threshold"))
    }

    /// Where examples are collected for imitation, one of each list of equations, as RFT does.
    private var distinctResponses: DistinctResponses {
        needs.lesson == .demonstration ? .equations : DistinctResponses(rawValue: text("replay.distinct")) ?? .exact
    }
}
