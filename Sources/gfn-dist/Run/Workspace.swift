internal import Collective
internal import Foundation
internal import Model
internal import Problems
internal import Tensor

/// What all ranks of a process share and never change: the configuration, the base model, the tasks.
///
/// Ranks of one process (`--single`) use one workspace, so that the base is in memory once.
struct Workspace: Sendable {
    let configuration: RunConfiguration
    /// What is trained: the matrices of the adapter that the run starts from, or those that the configuration describes.
    let trainable: Trainable
    var base: BaseModel
    let basePath: String
    let files: ModelFiles?
    var training: any Task
    /// Each data set to evaluate on; none when there is nothing to evaluate on.
    let evaluations: [any Task]
    let threads: Int
    /// The adapter that the run starts from, in the order of the layout; nil when it starts fresh.
    let startingBits: [UInt16]?
    /// In the place of the task's own scores of steps, where one is named.
    let rewardModel: LoadedRewardModel?
    /// What people should know about the model's files and the data.
    let notes: [String]

    /// Opens model and data.
    /// - Parameter ranksOnNode: how many ranks share this machine's cores.
    init(_ configuration: RunConfiguration, ranksOnNode: Int, needsGradients: Bool) throws {
        threads = configuration.optionalInteger("threads") ?? max(1, ProcessInfo.processInfo.activeProcessorCount / max(1, ranksOnNode))
        let parallel = Parallel(threads: threads)

        let opened = try OpenedBase(configuration, gradients: needsGradients, parallel: parallel)
        (base, basePath, files) = (opened.base, opened.path, opened.files)

        let template: String
        if let split = configuration.trainingSplit {
            template = RunConfiguration.embeddedTask
            training = configuration.pathSum(split)
            evaluations = configuration.evaluationSplits(of: split).map { configuration.pathSum($0) }
            notes = files?.notes ?? []
        } else if let path = try configuration.enumerableTaskPath {
            // Texts of the list are continued as they are.
            template = files == nil || configuration.model.isEmpty ? RunConfiguration.embeddedTask : ChatTemplate.plain.name
            training = try TaskFile.read(path).task(named: configuration.text("data.train"), of: opened)
            evaluations = []
            notes = files?.notes ?? []
        } else {
            guard let files else {
                throw RunError.badData("model \(basePath) has no tokenizer, and \(configuration.text("data.train")) is text")
            }
            let opening = try TaskOpening(files, configuration)
            template = opening.templateName
            var notes = files.notes + opening.notes
            let needs = configuration.needs
            training = try opening.task(
                configuration.text("data.train"), of: needs.lesson == .pair && needs.samples == .data ? .preferences : .problems,
                maxExampleTokens: needs.lesson != .group ? base.configuration.contextLength : .max, isJudged: needs.usesRollouts,
                notes: &notes)
            evaluations = try configuration.evaluationPaths.map { try opening.task($0, notes: &notes) }
            self.notes = notes
        }
        try Self.requirePreferences(training, configuration)
        let rewardModelPath = configuration.text("reward_model")
        rewardModel = rewardModelPath.isEmpty
            ? nil : try LoadedRewardModel(rewardModelPath, base: base, template: template, threads: threads)
        let path = configuration.text("adapter")
        if path.isEmpty {
            (self.configuration, trainable, startingBits) = (configuration, configuration.trainable, nil)
        } else {
            let adapter = try AdapterFolder.read(path, for: base.configuration)
            self.configuration = try configuration.taking(adapter.configuration, of: path)
            trainable = .lora(adapter.configuration)
            startingBits = ParameterLayout(trainable, of: base.configuration).parameters(of: adapter.matrices).roundedToBFloat16
        }
    }

    /// A method that learns from data's pairs needs data that has them; said before anything begins.
    private static func requirePreferences(_ task: any Task, _ configuration: RunConfiguration) throws(RunError) {
        let needs = configuration.needs
        guard needs.lesson == .pair, needs.samples == .data, task.problemCount > 0, task.preference(of: 0) == nil else { return }
        throw .badData(
            "\(task.name) has no preferences, which --objective \(configuration.objective) learns from; "
                + "name a file with lines {prompt, chosen, rejected} with --set data.train=FILE")
    }

    /// A policy on the shared base, before it has adopted any parameters.
    func policy() -> Policy {
        let policy = Policy(base: base, trainable: trainable, parallel: Parallel(threads: threads))
        policy.stopTokens = training.stopTokens
        // A learner of a small model on a shared node: the base, its transpose and this stay below 2 GB.
        policy.activationBudget = 256 << 20
        return policy
    }
}
