package import Rollout

/// What is fixed of a response before the first gradient of a step, however often the step learns from it.
///
/// Its m actions are its tokens and, unless it was cut at the length limit, ⊤: a_1…a_m with m = n + 1 or n. Action a_t is taken in s_{t−1}.
package struct SampledResponse: Sendable, Equatable {
    /// log π_old(a_t | s_{t−1}) of the policy that sampled it, at temperature 1. `[m]`; nil: nobody sampled it.
    package var behaviour: [Double]?
    /// log π_ref(a_t | s_{t−1}). `[m]`; nil: not evaluated.
    package var reference: [Double]?
    /// What an action earned: a step's score at its last token, the answer's reward at the last action. `[m]`
    ///
    /// As log R without its reference term, so in nats and divided by the reward's temperature. Differences of what the states are
    /// worth, each clamped: so they have the clamped reward of the whole as their sum.
    package var rewards: [Double]
    /// The reward of the whole: the sum of `rewards`, except where there was no action to earn it.
    package var reward: Double
    /// Whether the policy ended it itself and the whole of it is right.
    package var isCorrect: Bool
    /// V(s_{t−1}) under the weights before the step. `[m]`; nil: nothing learns V.
    package var values: [Double]?

    package init(
        behaviour: [Double]? = nil, reference: [Double]? = nil, rewards: [Double], reward: Double, isCorrect: Bool,
        values: [Double]? = nil
    ) {
        (self.behaviour, self.reference, self.rewards) = (behaviour, reference, rewards)
        (self.reward, self.isCorrect, self.values) = (reward, isCorrect, values)
    }

    package init(_ trajectory: Trajectory, reward settings: RewardSettings, step: Int) {
        let m = trajectory.actionCount
        let temperature = settings.temperature.value(at: step)
        rewards = Array(repeating: 0, count: m)
        reward = 0
        var earned = 0.0
        for state in trajectory.states {
            let isLast = state.index == trajectory.response.count
            let total = isLast ? settings.untempered(state) : settings.untemperedSteps(state)
            if isLast { reward = total / temperature }
            // Nothing was done yet in s_0, so what it is worth goes to the first action.
            let action = isLast ? m - 1 : state.index - 1
            guard action >= 0 else { continue }
            rewards[action] += (total - earned) / temperature
            earned = total
        }
        behaviour = trajectory.actions(tokens: trajectory.tokenLogProbabilities, stops: trajectory.stopLogProbabilities)
        reference = trajectory.actions(
            tokens: trajectory.referenceTokenLogProbabilities, stops: trajectory.referenceStopLogProbabilities)
        isCorrect = trajectory.isCorrect
        values = nil
    }
}

extension Trajectory {
    /// The log-probabilities of its actions; nil where there are none of a response.
    fileprivate func actions(tokens: [Float], stops: [Float]) -> [Double]? {
        guard tokens.count == response.count, let last = stops.last else { return nil }
        return tokens.map { Double($0) } + (stop == .length ? [] : [Double(last)])
    }
}

/// How good each action of a response was, as a method judges it before the first gradient of a step.
package struct Credit: Sendable, Equatable {
    /// A_t. `[m]`
    package var advantages: [Double]
    /// What V(s_{t−1}) should have been. `[m]`; nil: nothing learns V.
    package var returns: [Double]?

    package init(advantages: [Double], returns: [Double]? = nil) { (self.advantages, self.returns) = (advantages, returns) }
}

/// How much there is in one optimiser step: known to every learner before its gradient.
package struct BatchTotals: Sendable, Equatable {
    package var groups: Int
    package var responses: Int
    package var actions: Int
    /// The most actions that a response may have.
    package var maximumLength: Int

    package init(groups: Int, responses: Int, actions: Int, maximumLength: Int) {
        (self.groups, self.responses, self.actions, self.maximumLength) = (groups, responses, actions, maximumLength)
    }

    /// Of one group alone.
    package init(_ responses: [ScoredResponse]) {
        let counts = responses.map(\.actionLogProbabilities.count)
        self.init(groups: 1, responses: responses.count, actions: counts.reduce(0, +), maximumLength: counts.max() ?? 0)
    }
}
