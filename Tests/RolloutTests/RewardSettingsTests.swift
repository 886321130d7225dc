import Foundation
import Model
import TestSupport
import Testing

@testable import Problems
@testable import Rollout

@Suite("Rewards")
struct RewardSettingsTests {
    private let states = [
        TerminableState(index: 1, process: -0.5, isFinished: false, isCorrect: false),
        TerminableState(index: 3, process: -2, isFinished: true, isCorrect: true),
    ]

    private var trajectory: Trajectory {
        Trajectory(
            response: [5, 6, 7], stop: .stopToken, tokenLogProbabilities: [-1, -2, -3],
            stopLogProbabilities: [-4, -5, -6, -7], referenceTokenLogProbabilities: [-1.5, -2.5, -3.5],
            referenceStopLogProbabilities: [-4.5, -5.5, -6.5, -7.5], states: states)
    }

    @Test("log R is the tempered sum of the parts plus α times the reference")
    func formula() {
        let settings = RewardSettings(
            processWeight: 2, correctBonus: 9, unfinishedPenalty: -6,
            temperature: LinearSchedule(from: 1, to: 0.5, steps: 10),
            referenceExponent: LinearSchedule(from: 0.75, to: 0.25, steps: 20))
        expectClose(settings.logRewards(of: trajectory, step: 0), [-12.25, -6.25])
        expectClose(settings.logRewards(of: trajectory, step: 10), [-17.5, 2.5])
        expectClose(settings.logRewards(of: trajectory, step: 99), [-15.75, 6.25])
    }

    @Test("adding the bonus to everything moves log R by a constant, so a penalty for wrong is the same target")
    func constantShift() {
        let β = 8.0
        let settings = RewardSettings(
            processWeight: 0, correctBonus: β, unfinishedPenalty: 0, referenceExponent: LinearSchedule(constant: 0))
        for state in states {
            let penalised = state.isCorrect ? 0 : -β
            expectClose(settings.logReward(of: state, referenceLogProbability: 0, step: 4) - β, penalised)
        }
    }

    @Test("a trajectory without reference can be rewarded when α is zero, even where the reference is infinite")
    func withoutReference() {
        var bare = trajectory
        bare.referenceTokenLogProbabilities = []
        bare.referenceStopLogProbabilities = []
        let settings = RewardSettings(referenceExponent: LinearSchedule(constant: 0))
        #expect(!settings.usesReference && bare.referenceLogProbabilities == nil)
        expectClose(settings.logRewards(of: bare, step: 0), [-10.5, 8])
        expectClose(settings.logReward(of: states[1], referenceLogProbability: -.infinity, step: 0), 8)
    }
}
