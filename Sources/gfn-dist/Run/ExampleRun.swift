internal import Collective
internal import Learner
internal import Model
internal import Rollout

/// The story of a method that learns from data alone: every rank is a learner, and there is nothing to sample.
///
/// Example j of step s is a function of (seed, s, j): a problem of the schedule, and what data has of it.
final class ExampleRun {
    private let context: RunContext
    private let communicator: any Communicator
    private let learner: PolicyLearner
    private var schedule: PromptSchedule

    private var configuration: RunConfiguration { context.configuration }

    init(_ context: RunContext) throws {
        self.context = context
        communicator = context.communicator
        learner = try context.makeLearner(over: communicator)
        schedule = PromptSchedule(
            seed: context.configuration.seed, problemCount: context.workspace.training.problemCount,
            slotsPerStep: context.configuration.promptsPerStep)
    }

    func run() throws {
        let first = context.firstStep
        if first == 0 || first < configuration.steps && context.isEvaluated(after: first) {
            try context.evaluate(learner.publishedBits, version: first)
        }
        for step in context.firstStep..<max(context.firstStep, configuration.steps) {
            context.step = step + 1
            var watch = StopWatch()
            let metrics: StepMetrics
            switch try learner.update(on: try batch(of: step), poll: { communicator.poll() }) {
            case .stepped(let stepped): metrics = stepped
            case .fault(let fault): throw context.stopped(by: fault, step: step + 1)
            }
            let seconds = watch.lap()
            let version = step + 1
            let stops = try communicator.any(SignalFlags.takeStop() != nil || context.lastStep == version)
            let saves = try communicator.any(SignalFlags.takeSave())
            try context.report?.add(
                StepReport(
                    step: version, metrics: metrics, groups: [], digest: sha256Hex(learner.publishedBits),
                    weightGradientCore: context.weightGradientCore, rewards: context.rewards,
                    seconds: StepReport.Seconds(step: seconds, learn: metrics.secondsLearn, reduce: metrics.secondsReduce),
                    byRank: metrics.secondsByLearner.map { .init(learn: $0) }))
            // After the step's line in the log: a run that goes on from this checkpoint does not write that line again.
            if context.isCheckpointed(after: version) || stops || saves || version == configuration.steps {
                try context.save(learner, replay: nil, published: [(version, learner.publishedBits)])
            }
            if stops, version < configuration.steps { throw context.interrupted(after: version) }
            if version < configuration.steps, context.isEvaluated(after: version) {
                try context.evaluate(learner.publishedBits, version: version)
            }
        }
        try context.evaluate(learner.publishedBits, version: configuration.steps)
        try context.finish(learner.publishedBits)
    }

    private func batch(of step: Int) throws -> [TrajectoryGroup] {
        let needs = configuration.needs
        return try (0..<configuration.promptsPerStep).map { slot in
            let address = GroupAddress(step: step, slot: slot)
            let problem = schedule.problem(at: address)
            switch needs.lesson {
            case .pair: return pair(of: problem, at: address, needs)
            case .demonstration, .group: return try demonstration(of: problem, at: address)
            }
        }
    }

    private func demonstration(of problem: Int, at address: GroupAddress) throws -> TrajectoryGroup {
        let task = context.workspace.training
        guard let response = task.demonstration(of: problem, sample: address.step * configuration.promptsPerStep + address.slot) else {
            throw RunError.badData(
                "\(task.name): problem \(problem + 1) has no worked solution, which --objective \(configuration.objective) learns from")
        }
        return TrajectoryGroup(
            examples: [response], of: problem, prompt: task.promptTokens(of: problem), at: address, version: address.step)
    }

    private func pair(of problem: Int, at address: GroupAddress, _ needs: Needs) -> TrajectoryGroup {
        let task = context.workspace.training
        guard let preference = task.preference(of: problem) else { preconditionFailure("a workspace without the pairs of its method") }
        var group = TrajectoryGroup(
            examples: [preference.chosen, preference.rejected], of: problem, prompt: task.promptTokens(of: problem), at: address,
            version: address.step)
        if needs.reference, learner.computes(address.slot) { group.addReference(of: context.reference, legal: nil) }
        return group
    }
}
