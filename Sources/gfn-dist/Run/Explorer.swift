internal import Collective
internal import Foundation
internal import Model
internal import Rollout
internal import Tensor

/// The sampling side of a rollout rank: weights in, scored groups out.
final class Explorer {
    private let context: RunContext
    private var schedule: PromptSchedule

    init(_ context: RunContext) {
        self.context = context
        schedule = PromptSchedule(
            seed: context.configuration.seed, problemCount: context.workspace.training.problemCount,
            slotsPerStep: context.configuration.promptsPerStep)
    }

    /// Samples the groups of some slots of a step with the given version, K responses each, scored.
    ///
    /// The result depends on (seed, step, slot, bits) only: not on which rank does it, nor on which slots come together.
    func explore(step: Int, slots: [Int], bits: [UInt16], version: Int) -> (groups: [TrajectoryGroup], sampling: Double, scoring: Double) {
        guard !slots.isEmpty else { return ([], 0, 0) }
        let (policy, configuration, task) = (context.policy, context.configuration, context.workspace.training)
        policy.adopt(bits, version: version)
        let start = ContinuousClock.now
        let problems = slots.map { schedule.problem(at: GroupAddress(step: step, slot: $0)) }
        let requests = zip(slots, problems).map { slot, problem in
            SampleRequest(
                prompt: task.promptTokens(of: problem),
                streams: (0..<configuration.samplesPerPrompt).map {
                    RandomStream(seed: configuration.seed, purpose: .sampling, step: step, slot: slot, sample: $0)
                })
        }
        let settings = SamplingSettings(
            temperature: Float(configuration.number("rollout.temperature")),
            maxNewTokens: configuration.maxNewTokens(for: task))
        let sampled = policy.sample(requests, settings: settings, poll: { context.communicator.poll() })
        let afterSampling = ContinuousClock.now

        var groups: [TrajectoryGroup] = []
        for (index, slot) in slots.enumerated() {
            let prompt = requests[index].prompt
            var trajectories = sampled[index].map { response in
                Trajectory(
                    response: response.tokens, stop: response.stop,
                    tokenLogProbabilities: response.scores.tokenLogProbabilities,
                    stopLogProbabilities: response.scores.stopLogProbabilities,
                    states: task.states(of: response.tokens, stop: response.stop, problem: problems[index]))
            }
            if context.rewards.usesReference || configuration.needs.reference {
                let group = TokenGroup(prompt: prompt, responses: trajectories.map(\.response))
                let scores = context.reference.forward([group], recording: false).scores[0]
                for k in trajectories.indices {
                    trajectories[k].referenceTokenLogProbabilities = scores[k].tokenLogProbabilities
                    trajectories[k].referenceStopLogProbabilities = scores[k].stopLogProbabilities
                }
                context.communicator.poll()
            }
            groups.append(
                TrajectoryGroup(
                    address: GroupAddress(step: step, slot: slot), promptID: problems[index], prompt: prompt,
                    trajectories: trajectories, sampledWith: version))
        }
        let end = ContinuousClock.now
        return (groups, start.duration(to: afterSampling).seconds, afterSampling.duration(to: end).seconds)
    }
}
