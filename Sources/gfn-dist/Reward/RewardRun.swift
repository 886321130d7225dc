internal import Collective
internal import Evaluation
internal import Learner
internal import Model
internal import Rollout
internal import Tensor

/// The story of a reward model on one rank: every rank is a learner.
///
/// Example j of step s is a function of (seed, s, j), as a problem of the schedule is.
final class RewardRun {
    private let work: RewardWork
    private let communicator: any Communicator
    private let folder: RunFolder
    private let learner: RewardLearner
    /// Only on rank 0.
    private let report: RewardReport?
    private let firstStep: Int
    /// Whether the last word is said on standard output; another command may have its own.
    private let saysResult: Bool
    private var step = 0

    private var configuration: RunConfiguration { work.configuration }

    init(
        _ work: RewardWork, _ communicator: any Communicator, folder: RunFolder, checkpoint: Checkpoint?, quiet: Bool,
        saysResult: Bool = true
    ) throws {
        self.saysResult = saysResult
        (self.work, self.communicator, self.folder) = (work, communicator, folder)
        firstStep = checkpoint?.step ?? 0
        let policy = work.policy()
        learner = RewardLearner(
            policy: policy, settings: work.configuration.rewardLearnerSettings(work.loss), learners: communicator,
            state: try checkpoint?.learner ?? work.initialState(of: policy), parallel: Parallel(threads: work.threads))
        report = communicator.rank == 0
            ? try RewardReport(folder: folder, firstStep: firstStep, steps: work.configuration.steps, quiet: quiet) : nil
    }

    /// One line on what begins here.
    func announce(_ checkpointPath: String?) {
        let model = configuration.model.isEmpty ? "embedded base" : configuration.model
        report?.say(
            "reward model on \(model), \(learner.policy.layout.count) trainable parameters and a head, \(work.training.count) solutions, "
                + "\(communicator.size) rank\(communicator.size == 1 ? "" : "s") × \(work.threads) thread\(work.threads == 1 ? "" : "s"), "
                + "\(configuration.precision.rawValue), kernels \(KernelFamily.current.rawValue), "
                + (checkpointPath.map { "resuming from \($0)" } ?? "run folder \(folder.path)"))
        for note in work.notes { report?.say(note) }
    }

    func say(_ text: String) { report?.say(text) }

    func run() throws {
        do { try train() } catch {
            if case .interrupted = error as? RunError { throw error }
            if let error = error as? CollectiveError, error.isPeerLost { throw error }
            throw Launch.RankFailure(rank: communicator.rank, role: "learner", step: step, cause: error)
        }
    }

    private func train() throws {
        if firstStep == 0 || firstStep < configuration.steps && isDue("evaluate.every", firstStep) { try evaluate(version: firstStep) }
        var schedule = PromptSchedule(
            seed: configuration.seed, problemCount: max(1, work.training.count), slotsPerStep: configuration.promptsPerStep)
        for step in firstStep..<max(firstStep, configuration.steps) {
            self.step = step + 1
            communicator.whereabouts.enter(.backward, step: step + 1)
            var watch = StopWatch()
            let batch = (0..<configuration.promptsPerStep).map { work.training[schedule.problem(at: GroupAddress(step: step, slot: $0))] }
            let metrics: RewardLearner.Metrics
            switch try learner.update(on: batch, poll: { communicator.poll() }) {
            case .stepped(let stepped): metrics = stepped
            case .fault(let fault):
                throw RunError.nonFinite(
                    "step \(step + 1) was not taken: \(fault); nothing was written, the newest checkpoint is whole. "
                        + "A lower train.learning_rate often helps")
            }
            let version = step + 1
            let stops = try communicator.any(SignalFlags.takeStop() != nil)
            let saves = try communicator.any(SignalFlags.takeSave())
            try report?.add(metrics, step: version, digest: sha256Hex(learner.publishedBits), seconds: watch.lap())
            // After the step's line in the log: a run that goes on from this checkpoint does not write that line again.
            if isDue("checkpoint.every", version) || stops || saves || version == configuration.steps { try save() }
            if stops, version < configuration.steps {
                throw RunError.interrupted(
                    "a signal stopped the run after step \(version) of \(configuration.steps) and the checkpoint is saved: "
                        + "go on with reward --resume --output \(folder.path)")
            }
            if version < configuration.steps, isDue("evaluate.every", version) { try evaluate(version: version) }
        }
        if configuration.steps > 0 { try evaluate(version: configuration.steps) }
        if communicator.rank == 0 {
            let path = configuration.steps > 0 ? folder.adapter : nil
            if let path { try work.write(learner, to: path) }
            if saysResult { report?.finish(digest: sha256Hex(learner.publishedBits), model: path) }
        }
        try communicator.barrier()
    }

    private func isDue(_ setting: String, _ step: Int) -> Bool {
        configuration.optionalInteger(setting).map { step % $0 == 0 } ?? false
    }

    /// All ranks evaluate the model together, in the form in which it is written.
    private func evaluate(version: Int) throws {
        guard !work.evaluations.isEmpty else { return }
        communicator.whereabouts.enter(.evaluate, step: version)
        let model = ProcessRewardModel(policy: learner.policy, head: learner.head)
        let evaluation = RewardEvaluation(communicator: communicator)
        var results: [(name: String, scored: [RewardEvaluation.Scored])] = []
        for data in work.evaluations {
            if let scored = try evaluation.scores(of: data.solutions, with: model) { results.append((data.name, scored)) }
        }
        if !results.isEmpty { try report?.add(results, at: version) }
    }

    /// Rank 0 writes the checkpoint of a version; the others have nothing to add.
    private func save() throws {
        guard communicator.rank == 0 else { return }
        communicator.whereabouts.enter(.save)
        let checkpoint = Checkpoint(
            step: learner.state.version, seed: configuration.seed, learner: learner.state,
            published: [Checkpoint.Published(version: learner.state.version, bits: learner.publishedBits)],
            replay: ReplayBuffer(ReplayBuffer.Settings()), notes: ["kernels": KernelFamily.current.rawValue])
        try checkpoint.write(
            in: folder.checkpoints, layout: learner.policy.layout, keep: configuration.integer("checkpoint.keep"),
            writeWeights: { (path) throws(ModelFileError) in try work.write(learner, to: path) })
    }
}
