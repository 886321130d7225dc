import Foundation
import Model
import Tensor
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

    /// s of some steps by its definition, from the scores themselves rather than from what came of the steps before.
    private func process(_ scores: [Double], _ aggregate: ProcessAggregate) -> Double {
        switch aggregate {
        case .min: log(scores.reduce(1) { Swift.min($0, $1) })
        case .product: log(scores.reduce(1, *))
        case .meanLog: log(pow(scores.reduce(1, *), 1 / Double(scores.count)))
        case .last: log(scores[scores.count - 1])
        }
    }

    @Test(
        "log R is made of the parts by its definition: every aggregate, with clamps, schedules and α",
        arguments: ProcessAggregate.allCases)
    func everyAggregate(aggregate: ProcessAggregate) {
        let settings = RewardSettings(
            processWeight: 1.5, correctBonus: 6, unfinishedPenalty: -3, minimum: -5, maximum: 4.5,
            temperature: LinearSchedule(from: 2, to: 0.5, steps: 8), referenceExponent: LinearSchedule(from: 1, to: 0, steps: 4))
        var clamps = (below: 0, above: 0, between: 0)
        for sample in 0..<40 {
            var random = RandomStream(seed: 7, purpose: .task, slot: sample)
            let scores = (0..<1 + sample % 5).map { _ in Swift.max(0.05, Double(random.uniform())) }
            let states = aggregate.running(over: scores.map { log($0) }).enumerated().map { position, process in
                TerminableState(
                    index: position + 1, process: Float(process), isFinished: position + 1 == scores.count && sample % 3 > 0,
                    isCorrect: position + 1 == scores.count && sample % 3 == 2)
            }
            let trajectory = Trajectory(
                response: scores.map { _ in 5 }, stop: .stopToken, tokenLogProbabilities: scores.map { _ in -1 },
                stopLogProbabilities: [-1] + scores.map { _ in -1 }, referenceTokenLogProbabilities: scores.map { _ in -0.5 },
                referenceStopLogProbabilities: [-0.25] + scores.map { _ in -0.25 }, states: states)
            for (step, temperature, α) in [(0, 2.0, 1.0), (2, 1.625, 0.5), (100, 0.5, 0.0)] {
                let expected = states.map { state in
                    let sum = 1.5 * process(Array(scores.prefix(state.index)), aggregate) + (state.isCorrect ? 6 : 0)
                        - (state.isFinished ? 0 : 3)
                    if sum < -5 { clamps.below += 1 } else if sum > 4.5 { clamps.above += 1 } else { clamps.between += 1 }
                    let reference = α * (-0.5 * Double(state.index) - 0.25)
                    return (sum < -5 ? -5 : sum > 4.5 ? 4.5 : sum) / temperature + reference
                }
                expectClose(settings.logRewards(of: trajectory, step: step), expected, relative: 1e-5, absolute: 1e-6)
            }
        }
        #expect(clamps.below > 0 && clamps.above > 0 && clamps.between > 0, "\(clamps): each side of the clamps has to be there")
    }

    @Test("the example of docs/reward.md", arguments: [
        (ProcessAggregate.product, -9.539, 0.461), (.min, -9.210, 0.790), (.meanLog, -3.180, 6.820), (.last, -0.223, 9.777),
    ])
    func example(aggregate: ProcessAggregate, process: Double, reward: Double) {
        let running = aggregate.running(over: [0.9, 1e-4, 0.8].map { log($0) })
        var settings = RewardSettings(correctBonus: 10, unfinishedPenalty: -5)
        let state = TerminableState(index: 3, process: Float(running[2]), isFinished: true, isCorrect: true)
        expectClose([running[2], settings.untempered(state)], [process, reward], relative: 0, absolute: 5e-4)
        guard aggregate == .min else { return }
        (settings.minimum, settings.maximum) = (-10, 0.5)
        settings.temperature = LinearSchedule(constant: 0.5)
        settings.referenceExponent = LinearSchedule(constant: 0.25)
        #expect(settings.logReward(of: state, referenceLogProbability: -12, step: 0) == -2)
        let cut = TerminableState(index: 2, process: Float(running[1]), isFinished: false, isCorrect: false)
        #expect(settings.logReward(of: cut, referenceLogProbability: 0, step: 0) == -20)
    }

    @Test(
        "aggregates of no steps are none, and a prefix has the bits that it has in a longer response",
        arguments: ProcessAggregate.allCases)
    func prefixes(aggregate: ProcessAggregate) {
        #expect(aggregate.running(over: []).isEmpty)
        let logScores = [-0.1, -0.7, -0.3, -9.2, 0, -0.2]
        let whole = aggregate.running(over: logScores)
        for count in 1...logScores.count { #expect(aggregate.running(over: Array(logScores.prefix(count))) == Array(whole.prefix(count))) }
    }

    @Test("clamps are of the task's part before tempering, and leave the reference alone")
    func clamps() {
        var settings = RewardSettings(
            correctBonus: 10, unfinishedPenalty: -10, minimum: -4, maximum: 6, temperature: LinearSchedule(constant: 0.5),
            referenceExponent: LinearSchedule(constant: 1))
        #expect(settings.logReward(of: states[0], referenceLogProbability: -20, step: 0) == -28)
        #expect(settings.logReward(of: states[1], referenceLogProbability: -20, step: 0) == -8)
        #expect(states.map(settings.untempered) == [-4, 6] && states.map(settings.untemperedSteps) == [-0.5, -2])
        (settings.minimum, settings.maximum) = (nil, nil)
        #expect(states.map(settings.untempered) == [-10.5, 8])
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
