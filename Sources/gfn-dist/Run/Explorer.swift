internal import Collective
internal import Foundation
internal import Model
internal import Problems
internal import Rollout
internal import Tensor

/// The sampling side of a rollout rank: weights in, scored groups out.
final class Explorer {
    /// What is explored for some slots of a step.
    struct Findings {
        /// The K responses to each slot's prompt.
        var groups: [TrajectoryGroup] = []
        /// Groups of one: worked solutions, for the replay buffer only.
        var seeds: [TrajectoryGroup] = []
        var secondsSampling = 0.0
        var secondsScoring = 0.0

        mutating func add(_ others: Findings) {
            groups += others.groups
            seeds += others.seeds
            secondsSampling += others.secondsSampling
            secondsScoring += others.secondsScoring
        }
    }

    private let context: RunContext
    /// At most.
    let groupsTogether: Int
    private var schedule: PromptSchedule

    /// - Parameter rollouts: how many ranks share the slots of a step.
    init(_ context: RunContext, rollouts: Int) {
        self.context = context
        groupsTogether = HandOut.groupsTogether(slots: context.configuration.promptsPerStep, rollouts: rollouts)
        schedule = PromptSchedule(
            seed: context.configuration.seed, problemCount: context.workspace.training.problemCount,
            slotsPerStep: context.configuration.promptsPerStep)
    }

    /// Samples the groups at some addresses with the given version, K responses each, scored.
    ///
    /// The result depends on (seed, step, slot, bits) only: not on which rank does it, nor on which slots come together. As many do
    /// as memory is planned for.
    func explore(_ addresses: [GroupAddress], bits: [UInt16], version: Int) -> Findings {
        let passes = (addresses.count + groupsTogether - 1) / groupsTogether
        // Of nearly equal sizes.
        let bounds = (0...passes).map { passes == 0 ? 0 : addresses.count * $0 / passes }
        return zip(bounds, bounds.dropFirst()).reduce(into: Findings()) { findings, part in
            findings.add(sample(Array(addresses[part.0..<part.1]), bits: bits, version: version))
        }
    }

    /// One pass of the sampler.
    private func sample(_ addresses: [GroupAddress], bits: [UInt16], version: Int) -> Findings {
        let (policy, configuration, task) = (context.policy, context.configuration, context.workspace.training)
        context.communicator.whereabouts.enter(.sample)
        policy.adopt(bits, version: version)
        let start = ContinuousClock.now
        let problems = addresses.map { schedule.problem(at: $0) }
        let behaviour = configuration.behaviour
        let temperatures = addresses.map { behaviour.temperature(at: $0, seed: configuration.seed) }
        let requests = addresses.indices.map { index in
            SampleRequest(
                prompt: task.promptTokens(of: problems[index]),
                streams: (0..<configuration.samplesPerPrompt).map {
                    RandomStream(
                        seed: configuration.seed, purpose: .sampling, step: addresses[index].step, slot: addresses[index].slot, sample: $0)
                }, temperature: temperatures[index], legal: task.legalResponses(to: problems[index]))
        }
        let settings = SamplingSettings(temperature: 1, maxNewTokens: configuration.maxNewTokens(for: task))
        let sampled = policy.sample(requests, settings: settings, poll: { context.communicator.poll() })
        let afterSampling = ContinuousClock.now
        context.communicator.whereabouts.enter(.score)

        var findings = Findings()
        for (index, address) in addresses.enumerated() {
            let (problem, prompt) = (problems[index], requests[index].prompt)
            var group = TrajectoryGroup(
                address: address, promptID: problem, prompt: prompt,
                trajectories: trajectories(sampled[index].map { ($0.tokens, $0.stop, $0.scores) }, to: prompt, problem: problem),
                sampledWith: version, temperature: temperatures[index])
            addReference(to: &group)
            findings.groups.append(group)
            if let seed = seed(at: address, problem: problem, prompt: prompt, version: version) { findings.seeds.append(seed) }
        }
        findings.secondsSampling = start.duration(to: afterSampling).seconds
        findings.secondsScoring = afterSampling.duration(to: .now).seconds
        return findings
    }

    /// A worked solution of a problem that comes up for the first time, scored as if the policy had sampled it.
    ///
    /// Nil where seeds are not asked for, or there is none that the policy could sample: one that ends within the limit.
    private func seed(at address: GroupAddress, problem: Int, prompt: [Int32], version: Int) -> TrajectoryGroup? {
        let (policy, configuration, task) = (context.policy, context.configuration, context.workspace.training)
        let legal = task.legalResponses(to: problem)
        guard configuration.seedsReplay, schedule.isFirstVisit(at: address),
            let response = task.demonstration(of: problem, sample: 0), response.count < configuration.maxNewTokens(for: task),
            !response.contains(where: { policy.stopTokens.contains($0) })
        else { return nil }
        let scores = policy.forward([TokenGroup(prompt: prompt, responses: [response], legal: legal)], recording: false).scores[0][0]
        context.communicator.poll()
        var group = TrajectoryGroup(
            address: address, promptID: problem, prompt: prompt,
            trajectories: trajectories([(response, .stopToken, scores)], to: prompt, problem: problem), sampledWith: version)
        addReference(to: &group)
        return group
    }

    /// Responses to one prompt with their rewards' parts.
    private func trajectories(
        _ responses: [(tokens: [Int32], stop: StopReason, scores: ResponseScores)], to prompt: [Int32], problem: Int
    ) -> [Trajectory] {
        let task = context.workspace.training
        var scored = responses.map { response in
            ProcessScoring.Response(
                tokens: response.tokens, states: task.states(of: response.tokens, stop: response.stop, problem: problem))
        }
        if let scoring = context.processScoring {
            scored = scoring.score(scored, to: prompt, of: task)
            context.communicator.poll()
        }
        return zip(responses, scored).map { response, scored in
            Trajectory(
                response: response.tokens, stop: response.stop, tokenLogProbabilities: response.scores.tokenLogProbabilities,
                stopLogProbabilities: response.scores.stopLogProbabilities,
                states: context.configuration.terminability.states(of: scored.states), stepRewards: scored.stepRewards)
        }
    }

    /// Evaluates the responses of a group under π_ref, where the reward or the method asks for it.
    private func addReference(to group: inout TrajectoryGroup) {
        guard context.rewards.usesReference || context.configuration.needs.reference else { return }
        group.addReference(of: context.reference, legal: context.workspace.training.legalResponses(to: group.promptID))
        context.communicator.poll()
    }
}
