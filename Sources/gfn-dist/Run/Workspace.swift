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
    /// What the ranks of this node take, and learners may keep; nil where nobody has asked.
    let memory: MemoryShare?

    /// Opens model and data, and reads the weights.
    /// - Parameter ranksOnNode: how many ranks share this machine's cores.
    init(_ configuration: RunConfiguration, ranksOnNode: Int, needsGradients: Bool) throws {
        try self.init(OpenedWorkspace(configuration, ranksOnNode: ranksOnNode, needsGradients: needsGradients))
    }

    /// Reads the weights.
    init(_ opened: OpenedWorkspace, memory: MemoryShare? = nil) throws {
        self.memory = memory
        (configuration, trainable, startingBits) = (opened.configuration, opened.trainable, opened.startingBits)
        (basePath, files, threads) = (opened.base.path, opened.base.files, opened.threads)
        (training, evaluations, notes) = (opened.training, opened.evaluations, opened.notes)
        base = try opened.base.load()
        let path = configuration.text("reward_model")
        rewardModel = path.isEmpty ? nil : try LoadedRewardModel(path, base: base, template: opened.template, threads: threads)
    }

    /// A policy on the shared base, before it has adopted any parameters.
    func policy() -> Policy {
        let policy = Policy(base: base, trainable: trainable, parallel: Parallel(threads: threads))
        policy.stopTokens = training.stopTokens
        policy.activationBudget = memory?.budget ?? MemoryLimit.usualBudget
        return policy
    }
}
