internal import Collective
internal import Foundation
internal import Learner
internal import Model
internal import Problems
internal import Rollout
internal import Tensor

/// What one rank of a run holds, whatever its role: its policies, its place, and on rank 0 the report.
final class RunContext {
    let workspace: Workspace
    let communicator: any Communicator
    let folder: RunFolder
    /// Samples and evaluates.
    let policy: Policy
    /// π_ref: what the run started from.
    let reference: Policy
    /// Only on rank 0.
    let report: RunReport?
    /// What a resumed run goes on from; nil: a new run.
    let checkpoint: Checkpoint?

    /// What is learned, as the settings say it. Tests plant faults here.
    var method: any Objective
    var rewards: RewardSettings
    /// Of the steps by a reward model; nil: the task's own scores hold.
    let processScoring: ProcessScoring?
    /// Whether the last word of the run is said on standard output; another command may have its own.
    var saysResult = true
    /// The run stops after this step as a signal would stop it; nil: it goes on to its end.
    var lastStep: Int?
    /// Sees what the learner of this rank learns from; nil in runs.
    var observer: (@Sendable (LearnedGroup) -> Void)?
    /// What this rank is, and the step it is in, for messages.
    var role = "learner"
    var step = 0

    var configuration: RunConfiguration { workspace.configuration }
    var isFirst: Bool { communicator.rank == 0 }
    var firstStep: Int { checkpoint?.step ?? 0 }

    /// - Parameter feed: what shows the run while it goes on; nil: nothing does.
    init(
        workspace: Workspace, communicator: any Communicator, folder: RunFolder, checkpoint: Checkpoint?, quiet: Bool,
        feed: LiveFeed? = nil
    ) throws {
        self.workspace = workspace
        self.communicator = communicator
        self.folder = folder
        self.checkpoint = checkpoint
        (method, rewards) = (workspace.configuration.method, workspace.configuration.rewards)
        processScoring = workspace.rewardModel.map { workspace.configuration.processScoring($0.model()) }
        policy = workspace.policy()
        reference = workspace.reference()
        report =
            communicator.rank == 0
            ? try RunReport(
                folder: folder, firstStep: checkpoint?.step ?? 0, steps: workspace.configuration.steps,
                minimisesResiduals: method.needs.logRewards, quiet: quiet, feed: feed) : nil
    }

    /// One line on what begins here.
    func announce(_ checkpointPath: String?) {
        let model = configuration.model.isEmpty ? "embedded base" : configuration.model
        let start = checkpointPath.map { "resuming from \($0)" } ?? "run folder \(folder.path)"
        report?.say(
            "\(configuration.objective) on \(workspace.training.name), \(model), \(policy.layout.count) trainable parameters, "
                + "\(communicator.size) rank\(communicator.size == 1 ? "" : "s") × \(workspace.threads) thread\(workspace.threads == 1 ? "" : "s"), "
                + "\(configuration.precision.rawValue), kernels \(kernels.joined(separator: " and ")), \(start)")
        for note in workspace.notes + [workspace.memory?.note].compactMap({ $0 }) { report?.say(note) }
    }

    /// What computes: a family of this program's kernels, and OpenBLAS's core where it has a part.
    private var kernels: [String] { [KernelFamily.current.rawValue] + (weightGradientCore.map { ["OpenBLAS \($0)"] } ?? []) }

    /// The kernels that OpenBLAS sums weight gradients with; nil where only adapters are trained, whose gradients need none of it.
    var weightGradientCore: String? { configuration.trainable == .full ? WeightGradientLibrary.core : nil }

    /// Programs of other commits may compute other bits.
    func sayIfOfAnotherProgram() {
        if let before = checkpoint?.notes[Self.programNote], before != BuildVersion.text {
            report?.say("the checkpoint was written by \(before), and the run goes on with \(BuildVersion.text)")
        }
    }

    /// All families compute the same bits, and are named for whoever looks for a fault; OpenBLAS's cores do not.
    func sayIfOnOtherKernels() {
        if let before = checkpoint?.notes["kernels"], before != KernelFamily.current.rawValue {
            report?.say("this run began with kernels \(before) and goes on with \(KernelFamily.current.rawValue)")
        }
        if let core = weightGradientCore, let before = checkpoint?.notes[Self.coreNote], before != core {
            report?.say(
                "this run began with the kernels of OpenBLAS for \(before) and goes on with those for \(core): "
                    + "it will not end with the bytes of an unbroken run, unless OPENBLAS_CORETYPE=\(before) is set")
        }
    }

    private static let coreNote = "openblas_core"
    private static let programNote = "program"

    /// The parameters that a new run starts from, the same on every rank.
    func initialParameters() throws -> [Float] {
        if let bits = workspace.startingBits { return widen(bits) }
        return try policy.initialParameters(seed: configuration.seed)
    }

    /// The published versions a run starts with: those of the checkpoint, or version 0.
    func initialVersions() throws -> [Int: [UInt16]] {
        if let checkpoint { return Dictionary(uniqueKeysWithValues: checkpoint.published.map { ($0.version, $0.bits) }) }
        return [0: try startingBits()]
    }

    /// The published form of what a run starts from, whatever step it is at.
    func startingBits() throws -> [UInt16] {
        if let bits = knownStartingBits { return bits }
        let bits = try initialParameters().roundedToBFloat16
        knownStartingBits = bits
        return bits
    }
    private var knownStartingBits: [UInt16]?

    /// The learner of this rank, in step with those of the other learner ranks: fresh, or as the checkpoint left it.
    func makeLearner(over learners: any Communicator) throws -> PolicyLearner {
        let settings = configuration.learnerSettings(of: method, maximumLength: configuration.maxNewTokens(for: workspace.training))
        let parallel = Parallel(threads: workspace.threads)
        let policy = workspace.policy()
        // Demonstrations end with one token: the probability of the whole set would teach the others as well.
        if configuration.needs.lesson == .demonstration { policy.stopTokens = StopTokens([workspace.training.taughtStop]) }
        let learner: PolicyLearner
        if let checkpoint {
            learner = PolicyLearner(
                policy: policy, settings: settings, reward: rewards, learners: learners, state: checkpoint.learner,
                parallel: parallel, legal: workspace.training.legalResponses)
        } else {
            learner = PolicyLearner(
                policy: policy, settings: settings, reward: rewards, learners: learners,
                parameters: try initialParameters(), parallel: parallel, legal: workspace.training.legalResponses)
        }
        learner.observer = observer
        return learner
    }

    /// All ranks evaluate these weights together, on every data set; rank 0 reports.
    func evaluate(_ bits: [UInt16], version: Int) throws {
        guard !workspace.evaluations.isEmpty else { return }
        communicator.whereabouts.enter(.evaluate, step: version)
        policy.adopt(bits, version: version)
        let summaries = try workspace.evaluations.compactMap { task in
            let evaluation = HeldOutEvaluation(
                task: task, configuration: configuration, communicator: communicator, processScoring: processScoring)
            return try evaluation.evaluate(policy, reference: reference, step: version, adapterDigest: sha256Hex(bits))
        }
        if !summaries.isEmpty { try report?.add(summaries, at: version) }
    }

    func isEvaluated(after step: Int) -> Bool {
        configuration.optionalInteger("evaluate.every").map { step % $0 == 0 } ?? false
    }

    func isCheckpointed(after step: Int) -> Bool {
        configuration.optionalInteger("checkpoint.every").map { step % $0 == 0 } ?? false
    }

    /// Rank 0 writes the checkpoint of a version; the others have nothing to add.
    func save(_ learner: PolicyLearner, replay: ReplayBuffer?, published: [(version: Int, bits: [UInt16])]) throws {
        guard isFirst else { return }
        communicator.whereabouts.enter(.save)
        let bits = learner.publishedBits
        let checkpoint = Checkpoint(
            step: learner.version, seed: configuration.seed, learner: learner.state,
            published: published.map { Checkpoint.Published(version: $0.version, bits: $0.bits) },
            replay: replay ?? ReplayBuffer(configuration.replaySettings),
            notes: [Self.programNote: BuildVersion.text, "kernels": KernelFamily.current.rawValue]
                .merging(weightGradientCore.map { [Self.coreNote: $0] } ?? [:]) { $1 })
        try checkpoint.write(
            in: folder.checkpoints, layout: policy.layout, keep: configuration.integer("checkpoint.keep"),
            writeWeights: { (path) throws(ModelFileError) in
                try FinalModel(workspace: workspace, layout: policy.layout).write(bits, into: path)
            })
    }

    /// How the samples of these groups are judged; a function of their tokens, like the rewards that came with them.
    func verdicts(on groups: [TrajectoryGroup]) -> [Verdict.Reason] {
        groups.flatMap { group in
            group.trajectories.map { workspace.training.verdict(on: $0.response, stop: $0.stop, problem: group.promptID).reason }
        }
    }

    /// The first of the samples that was judged so, as text of at most 200 characters.
    func example(of reason: Verdict.Reason, in groups: [TrajectoryGroup]) -> String? {
        for group in groups {
            for trajectory in group.trajectories
            where workspace.training.verdict(on: trajectory.response, stop: trajectory.stop, problem: group.promptID).reason == reason {
                return workspace.training.text(of: trajectory.response).printable(limit: 200)
            }
        }
        return nil
    }

    /// Rank 0 writes what was sampled, in the steps in which that is asked for.
    func writeSamples(_ groups: [TrajectoryGroup], step: Int) throws {
        guard isFirst, let every = configuration.optionalInteger("samples.every"), step % every == 0 else { return }
        try folder.write(SampleLog(task: workspace.training, rewards: rewards).text(of: groups, step: step), to: "samples/step-\(step).jsonl")
    }

    /// The last things of a run that reached its end: the adapter or model, and the comparison.
    func finish(_ bits: [UInt16]) throws {
        if isFirst {
            communicator.whereabouts.enter(.save)
            let name = try FinalModel(workspace: workspace, layout: policy.layout).write(bits, to: folder)
            if saysResult { report?.finish(digest: sha256Hex(bits), wroteModel: name) }
        }
        // After everything that takes memory.
        if let memory = workspace.memory, let taken = try RunMemory.gather(planned: memory.bytes, over: communicator), isFirst {
            try folder.write(taken.json(), to: RunFolder.memoryName)
            report?.say("memory of this node: \(ByteSize(taken.real)), planned \(ByteSize(taken.planned))")
        }
        try communicator.barrier()
    }

    func interrupted(after version: Int) -> RunError {
        .interrupted(
            "a signal stopped the run after step \(version) of \(configuration.steps) and the checkpoint is saved: go on with train --resume --output \(folder.path)")
    }

    func nothingCollected(_ needs: Needs) -> RunError {
        .nothingCollected(
            "sampling for \(needs.collectingSteps) step\(needs.collectingSteps == 1 ? "" : "s") found no "
                + (needs.lesson == .pair ? "prompt with a right and a wrong response" : "right response, and no problem has a worked solution")
                + ", so objective \(configuration.objective) has nothing to learn from; collect in more steps, or start from a better model")
    }

    /// An error of this rank with its place; those that all ranks share stay as they are.
    func described(_ error: any Error) -> any Error {
        if case .interrupted = error as? RunError { return error }
        if let error = error as? CollectiveError, error.isPeerLost { return error }
        return Launch.RankFailure(rank: communicator.rank, role: role, step: step, cause: error)
    }

    /// A number that is none stops the run before anything is written.
    func stopped(by fault: NumericalFault, step: Int) -> RunError {
        .nonFinite("step \(step) was not taken: \(fault); nothing was written, the newest checkpoint is whole. A lower train.learning_rate often helps")
    }
}

func widen(_ bits: [UInt16]) -> [Float] { bits.map { Float(bitPattern: UInt32($0) << 16) } }

