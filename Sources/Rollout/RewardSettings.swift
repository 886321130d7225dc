package import Problems

/// A value that moves linearly from `from` to `to` within the first `steps` steps and stays there.
package struct LinearSchedule: Codable, Sendable, Equatable {
    package var from: Double
    package var to: Double
    /// 0: `to` from the beginning.
    package var steps: Int

    package init(from: Double, to: Double, steps: Int) {
        (self.from, self.to, self.steps) = (from, to, steps)
    }

    package init(constant: Double) {
        self.init(from: constant, to: constant, steps: 0)
    }

    package func value(at step: Int) -> Double {
        guard steps > 0, step < steps else { return to }
        return from + (to - from) * (Double(max(0, step)) / Double(steps))
    }
}

/// How the parts of a state become its log reward (docs/reward.md; the paper's own map is not known).
///
///     log R(s_i⊤) = clamp( w·s(x, s_i) + b·1[correct] + u·1[not finished] ) / T_r + α·log π_ref(y_1…y_i ⊤ | x)
///
/// A task that rewards log R = 0 for right and −β for anything else is this with b = β, w = 0 and u = 0: both differ by
/// the constant β/T_r, which moves log Z and no probability.
package struct RewardSettings: Codable, Sendable, Equatable {
    /// w: how much the step scores count.
    package var processWeight: Double
    /// The lowest score of one step: that of a wrong or malformed one.
    package var processFloor: Double
    /// b, in nats.
    package var correctBonus: Double
    /// u, in nats, ≤ 0.
    package var unfinishedPenalty: Double
    /// What the task's part of log R is clamped to, in nats, before it is tempered; nil: no limit.
    package var minimum: Double?
    package var maximum: Double?
    /// T_r. It divides the reward and not the reference term.
    package var temperature: LinearSchedule
    /// α: exponent of the reference policy. 1: the optimum is the tilted posterior; 0: reward alone, which is not
    /// normalisable over all strings and collapses small models.
    package var referenceExponent: LinearSchedule

    package init(
        processWeight: Double = 1, processFloor: Double = 1e-4, correctBonus: Double = 10,
        unfinishedPenalty: Double = -10, minimum: Double? = nil, maximum: Double? = nil,
        temperature: LinearSchedule = LinearSchedule(constant: 1),
        referenceExponent: LinearSchedule = LinearSchedule(constant: 1)
    ) {
        self.processWeight = processWeight
        self.processFloor = processFloor
        self.correctBonus = correctBonus
        self.unfinishedPenalty = unfinishedPenalty
        (self.minimum, self.maximum) = (minimum, maximum)
        self.temperature = temperature
        self.referenceExponent = referenceExponent
    }

    /// Whether rollouts need to evaluate their responses under the reference policy at all.
    package var usesReference: Bool { referenceExponent.from != 0 || referenceExponent.to != 0 }

    /// The task's part of log R(s_i⊤), in nats: before tempering and without the reference.
    package func untempered(_ state: TerminableState) -> Double { clamped(unclamped(state)) }

    /// The same before the limits, `minimum` and `maximum`, apply.
    package func unclamped(_ state: TerminableState) -> Double {
        processWeight * Double(state.process) + (state.isCorrect ? correctBonus : 0)
            + (state.isFinished ? 0 : unfinishedPenalty)
    }

    /// The same of a response that goes on from this state: what its steps are worth so far, with no word on an answer.
    package func untemperedSteps(_ state: TerminableState) -> Double { clamped(processWeight * Double(state.process)) }

    private func clamped(_ reward: Double) -> Double {
        min(max(reward, minimum ?? -.infinity), maximum ?? .infinity)
    }

    /// log R(s_i⊤) at `step`; `referenceLogProbability` is log π_ref(y_1…y_i ⊤ | x).
    package func logReward(of state: TerminableState, referenceLogProbability: Double, step: Int) -> Double {
        let α = referenceExponent.value(at: step)
        return untempered(state) / temperature.value(at: step) + (α == 0 ? 0 : α * referenceLogProbability)
    }

    /// log R at each terminable state of `trajectory`, which needs its reference log-probabilities unless α is 0 at `step`.
    package func logRewards(of trajectory: Trajectory, step: Int) -> [Double] {
        let reference = trajectory.referenceLogProbabilities
        precondition(
            reference != nil || referenceExponent.value(at: step) == 0,
            "log R at step \(step): α is \(referenceExponent.value(at: step)) but the trajectory has no reference log-probabilities")
        return trajectory.states.enumerated().map { position, state in
            logReward(of: state, referenceLogProbability: reference?[position] ?? 0, step: step)
        }
    }
}
