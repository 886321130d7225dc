package import Model
package import Problems

/// Names a group of a run: every rank derives the same prompt and the same random draws from it.
package struct GroupAddress: Hashable, Sendable {
    package var step: Int
    package var slot: Int

    package init(step: Int, slot: Int) {
        (self.step, self.slot) = (step, slot)
    }
}

/// One sampled response of n tokens with everything that a learner needs of it.
///
/// Log-probabilities are natural, at temperature 1, whatever the temperature of sampling was.
package struct Trajectory: Sendable, Equatable {
    /// y_1…y_n, without ⊤.
    package var response: [Int32]
    package var stop: StopReason
    /// log π(y_i | s_{i-1}) of the policy that sampled: [n].
    package var tokenLogProbabilities: [Float]
    /// log π(⊤ | s_i) of the policy that sampled: [n + 1].
    package var stopLogProbabilities: [Float]
    /// The same under the reference policy: [n], or empty when the reward has no reference term.
    package var referenceTokenLogProbabilities: [Float]
    /// The same under the reference policy: [n + 1], or empty when the reward has no reference term.
    package var referenceStopLogProbabilities: [Float]
    /// In ascending order of index; the last one has index n.
    package var states: [TerminableState]
    /// p_k of each step, 0…1, as a reward model reads it where the step ends: in the order of the states that the task names,
    /// whichever of them may terminate. Empty without a reward model.
    package var stepRewards: [Float]

    package init(
        response: [Int32], stop: StopReason, tokenLogProbabilities: [Float], stopLogProbabilities: [Float],
        referenceTokenLogProbabilities: [Float] = [], referenceStopLogProbabilities: [Float] = [],
        states: [TerminableState], stepRewards: [Float] = []
    ) {
        self.response = response
        self.stop = stop
        self.tokenLogProbabilities = tokenLogProbabilities
        self.stopLogProbabilities = stopLogProbabilities
        self.referenceTokenLogProbabilities = referenceTokenLogProbabilities
        self.referenceStopLogProbabilities = referenceStopLogProbabilities
        self.states = states
        self.stepRewards = stepRewards
    }

    /// Whether the policy ended the response itself and the whole of it is right.
    package var isCorrect: Bool { stop == .stopToken && (states.last?.isCorrect ?? false) }

    /// m: tokens, and ⊤ where it was chosen.
    package var actionCount: Int { response.count + (stop == .length ? 0 : 1) }

    /// Whether a policy sampled it; a response from data has no log-probabilities of a sampler.
    package var isSampled: Bool { !stopLogProbabilities.isEmpty }

    package var hasReference: Bool { !referenceStopLogProbabilities.isEmpty }

    /// log π_ref(y_1…y_i ⊤ | x) at each terminable state, summed in `Double`; nil without reference log-probabilities.
    package var referenceLogProbabilities: [Double]? {
        guard hasReference else { return nil }
        return Self.terminatedLogProbabilities(
            at: states, tokens: referenceTokenLogProbabilities, stops: referenceStopLogProbabilities)
    }

    /// `Σ_{k ≤ i} tokens[k] + stops[i]` for the index i of each state, summed in `Double`.
    package static func terminatedLogProbabilities(
        at states: [TerminableState], tokens: [Float], stops: [Float]
    ) -> [Double] {
        precondition(stops.count == tokens.count + 1, "\(tokens.count) token and \(stops.count) stop log-probabilities")
        var (sum, next) = (0.0, 0)
        return states.map { state in
            while next < state.index {
                sum += Double(tokens[next])
                next += 1
            }
            return sum + Double(stops[state.index])
        }
    }

    /// What is wrong with the shape of this trajectory, in words; empty when nothing is.
    ///
    /// Frames from other ranks are judged by this before anything else sees them.
    package func problems() -> [String] {
        let n = response.count
        var found: [String] = []
        if tokenLogProbabilities.count != n {
            found.append("\(tokenLogProbabilities.count) token log-probabilities for \(n) tokens")
        }
        if stopLogProbabilities.count != n + 1 {
            found.append("\(stopLogProbabilities.count) stop log-probabilities for \(n) tokens")
        }
        let reference = (referenceTokenLogProbabilities.count, referenceStopLogProbabilities.count)
        if reference != (0, 0), reference != (n, n + 1) {
            found.append("\(reference.0) and \(reference.1) reference log-probabilities for \(n) tokens")
        }
        if states.last?.index != n { found.append("the last terminable state is not the end (\(n))") }
        if states.contains(where: { $0.index < 0 })
            || zip(states, states.dropFirst()).contains(where: { $0.index >= $1.index })
        {
            found.append("terminable states are not in ascending order")
        }
        // Each step ends in a state of its own.
        if stepRewards.count > n + 1 { found.append("\(stepRewards.count) step rewards for \(n) tokens") }
        if let reward = stepRewards.first(where: { !(0...1).contains($0) }) {
            found.append("a step reward of \(reward), expected 0…1")
        }
        return found
    }
}

/// What every learner has to know of a group that another one computes: how much of its step it is.
package struct GroupOutline: Sendable, Equatable {
    package var slot: Int
    /// Tokens of each response and, where it was chosen, ⊤: `[K]`.
    package var actionCounts: [Int32]

    package init(slot: Int, actionCounts: [Int32]) {
        (self.slot, self.actionCounts) = (slot, actionCounts)
    }

    package init(_ group: TrajectoryGroup) {
        self.init(slot: group.address.slot, actionCounts: group.trajectories.map { Int32($0.actionCount) })
    }
}

/// The K responses to one prompt: the unit of sampling, of one estimate of log Z, of reduction and of replay.
package struct TrajectoryGroup: Sendable, Equatable {
    package var address: GroupAddress
    package var promptID: Int
    package var prompt: [Int32]
    package var trajectories: [Trajectory]
    /// Version of the policy that sampled (the number of optimiser steps behind it).
    package var sampledWith: Int
    /// Of the behaviour that sampled. What a replay buffer puts together, and what was not sampled at all, has 1.
    package var temperature: Float

    package init(
        address: GroupAddress, promptID: Int, prompt: [Int32], trajectories: [Trajectory], sampledWith: Int, temperature: Float = 1
    ) {
        self.address = address
        self.promptID = promptID
        self.prompt = prompt
        self.trajectories = trajectories
        self.sampledWith = sampledWith
        self.temperature = temperature
    }
}

extension TrajectoryGroup {
    /// Responses that nobody sampled, each ended by ⊤: examples from data.
    package init(
        examples: [[Int32]], of problem: Int, prompt: [Int32], at address: GroupAddress, version: Int
    ) {
        self.init(
            address: address, promptID: problem, prompt: prompt,
            trajectories: examples.map { response in
                Trajectory(
                    response: response, stop: .stopToken, tokenLogProbabilities: [], stopLogProbabilities: [],
                    states: [TerminableState(index: response.count, process: 0, isFinished: true, isCorrect: true)])
            }, sampledWith: version)
    }

    /// Evaluates the responses under the reference policy.
    /// - Parameter legal: all that the policy may say; nil: anything.
    package mutating func addReference(of policy: Policy, legal: TokenTree?) {
        let tokens = TokenGroup(prompt: prompt, responses: trajectories.map(\.response), legal: legal)
        for (k, scores) in policy.forward([tokens], recording: false).scores[0].enumerated() {
            trajectories[k].referenceTokenLogProbabilities = scores.tokenLogProbabilities
            trajectories[k].referenceStopLogProbabilities = scores.stopLogProbabilities
        }
    }
}
