import Learner
import Tensor
import TestSupport
import Testing

/// The slope of `function` at x, by central differences.
private func slope(at x: Double, step: Double = 1e-6, _ function: (Double) -> Double) -> Double {
    (function(x + step) - function(x - step)) / (2 * step)
}

@Suite("Parts of policy gradients") struct PolicyGradientTests {
    @Test("estimators of KL are 0 without a difference, and their slopes derivatives up to the limit", arguments: KLEstimator.allCases)
    func divergence(estimator: KLEstimator) {
        for d in [-2.5, -0.3, 0.4, 3] {
            expectClose(estimator.estimate(d).slope, slope(at: d) { estimator.estimate($0).value }, relative: 1e-7)
        }
        #expect(estimator.estimate(0).value == 0)
        #expect(estimator.estimate(-1000, limit: 10) == (estimator == .k1 ? -10 : 10, 0))
        #expect(estimator.estimate(1000, limit: 10) == (10, 0))
        #expect(estimator.estimate(0.5, limit: 10) == estimator.estimate(0.5))
    }

    @Test("no coefficient is no term, even where the estimate is infinite")
    func noDivergence() {
        var losses = ActionLosses(losses: [1], slopes: [2])
        losses.add(.k3, differences: [-1000], coefficient: 0)
        #expect(losses == ActionLosses(losses: [1], slopes: [2]))
    }

    @Test("λ = 1 takes whole returns, λ = 0 the next value; rewards may come at any action")
    func generalizedAdvantage() {
        let rewards = [0.5, 0, -0.25, 1], values = [0.125, -0.5, 0.75, 0.25], discount = 0.5
        let whole = GeneralizedAdvantage(discount: discount, lambda: 1).advantages(rewards: rewards, values: values)
        #expect(whole.returns == [0.5 - 0.0625 + 0.125, -0.125 + 0.25, -0.25 + 0.5, 1])
        let next = GeneralizedAdvantage(discount: discount, lambda: 0).advantages(rewards: rewards, values: values)
        #expect(next.returns == [0.5 - 0.25, 0.375, -0.25 + 0.125, 1])
        #expect(next.advantages == zip(next.returns, values).map { $0 - $1 })
        let empty = GeneralizedAdvantage(discount: 1, lambda: 0.95).advantages(rewards: [], values: [])
        #expect(empty.advantages.isEmpty && empty.returns.isEmpty)
        #expect(GeneralizedAdvantage.rewards([0, 1], divergences: [0.5, -2], coefficient: 0.5) == [-0.25, 2])
    }

    @Test("whitened advantages have mean 0 and variance 1; equal ones are exactly 0", arguments: Whitening.Variance.allCases)
    func whitening(kind: Whitening.Variance) {
        let batch = [[3.0, -1, 4], [], [1, -5, 9, 2]]
        let whitened = batch.flatMap(Whitening(of: batch, variance: kind).callAsFunction)
        let squares = whitened.reduce(0) { $0 + $1 * $1 }
        expectClose(whitened.reduce(0, +), 0, absolute: 1e-14)
        expectClose(squares, kind == .population ? 7 : 6, relative: 1e-8)
        #expect(Whitening(of: [[0.1, 0.1], [0.1]], variance: kind)([0.1, 0.1, 0.1]) == [0, 0, 0])
        #expect(Whitening(of: [[-7.3]], variance: kind)([-7.3]) == [0])
        #expect(Whitening(of: [[], []], variance: kind)([]) == [])
    }

    @Test("on the first pass, where ρ = 1, the slope is −A and nothing is clipped, even between bounds of no width")
    func ties() {
        for (width, dualClip) in [(0.2, nil), (0, nil), (0.2, 3.0)] {
            let surrogate = ClippedSurrogate(low: width, high: width, dualClip: dualClip)
            let losses = surrogate.losses(logRatios: [0, 0, 0], advantages: [2, -3, 0])
            #expect(losses == ActionLosses(losses: [-2, 3, 0], slopes: [-2, 3, 0]))
        }
    }

    @Test("beyond the bounds, only the slope that would lead further is gone")
    func clipping() {
        let surrogate = ClippedSurrogate(low: 0.2, high: 0.3)
        for (logRatio, advantage, isClipped) in [(1.0, 2.0, true), (1, -2, false), (-1, 2, false), (-1, -2, true)] {
            let term = surrogate.loss(ImportanceRatio(logRatio: logRatio), advantage: advantage)
            let ratio = isClipped ? (logRatio > 0 ? 1.3 : 0.8) : Elementary.exp(logRatio)
            expectClose(term.value, -ratio * advantage, relative: 1e-15)
            expectClose(term.slope, isClipped ? 0 : -ratio * advantage, relative: 1e-15)
            #expect(term.isClipped == isClipped)
        }
        let dual = ClippedSurrogate(low: 0.2, high: 0.3, dualClip: 3).loss(ImportanceRatio(logRatio: 2), advantage: -2)
        #expect(dual == (6, 0, false))
    }

    @Test("ratios are limited at e^±20 and have no slope beyond", arguments: [1.0, -1])
    func limits(advantage: Double) {
        let surrogate = ClippedSurrogate(low: 0.2, high: 0.2)
        let losses = surrogate.losses(logRatios: [900, -900, 20, 20.5], advantages: Array(repeating: advantage, count: 4))
        #expect((losses.losses + losses.slopes).allSatisfy { $0.isFinite })
        let largest = Elementary.exp(20)
        // A large ratio is clipped where A > 0, a small one where A < 0.
        #expect(losses.losses == (advantage > 0 ? [-1.2, -Elementary.exp(-20), -1.2, -1.2] : [largest, 0.8, largest, largest]))
        #expect(losses.slopes == (advantage > 0 ? [0, 0, 0, 0] : [0, 0, largest, 0]))
    }

    @Test("slopes are derivatives of the sum of losses, whatever a ratio belongs to", arguments: ImportanceRatio.Level.allCases)
    func surrogateSlopes(level: ImportanceRatio.Level) {
        let surrogate = ClippedSurrogate(low: 0.2, high: 0.2, dualClip: 3)
        for logRatios in [[0.1, -0.05, 0.12], [0.5, 0.4, -0.1], [-0.5, -0.6, 0.1], [1.5, 1.25, 1.75]] {
            for advantages in [[1.5, 1.5, 1.5], [-0.75, -0.75, -0.75], [1, -2, 0.5]] {
                let losses = surrogate.losses(logRatios: logRatios, advantages: advantages, level: level)
                let expected = logRatios.indices.map { t in
                    slope(at: logRatios[t]) { x in
                        var changed = logRatios
                        changed[t] = x
                        return surrogate.losses(logRatios: changed, advantages: advantages, level: level).losses.reduce(0, +)
                    }
                }
                expectClose(losses.slopes, expected, relative: 1e-7, absolute: 1e-9)
            }
        }
        #expect(surrogate.losses(logRatios: [], advantages: [], level: level) == ActionLosses(losses: [], slopes: []))
    }

    @Test("a clipped value has the larger error, and a slope only where it moves")
    func valueLoss() {
        let loss = ClippedValueLoss(clip: 0.5)
        #expect(loss.loss(value: 2, oldValue: 1, target: 3) == (1.125, 0, true))
        #expect(loss.loss(value: 2, oldValue: 1, target: 0) == (2, 2, false))
        #expect(loss.loss(value: -2, oldValue: -1, target: -3) == (1.125, 0, true))
        // 0.3 + (0.1 − 0.3) is not 0.1: rounding alone must not cost the slope.
        #expect(loss.loss(value: 0.1, oldValue: 0.3, target: 3).slope == 0.1 - 3)
        #expect(ClippedValueLoss(clip: nil).loss(value: 2, oldValue: 1, target: 3) == (0.5, -1, false))
    }

    @Test("equal rewards and a single one have advantages of exactly 0; no response has none", arguments: GroupAdvantage.allCases)
    func degenerateGroups(scale: GroupAdvantage) {
        #expect(scale.advantages(of: [[0.1, 0.1, 0.1], [0.7], []]) == [[0, 0, 0], [0], []])
        #expect(scale.advantages(of: [[-4.2]]) == [[0]] && scale.advantages(of: []) == [])
        let mixed = scale.advantages(of: [[1e9 + 1, 1e9, 1e9], [0.3, 0.3]])
        #expect(mixed[1] == [0, 0] && mixed[0].allSatisfy { $0.isFinite } && mixed[0][0] > 0 && mixed[0][1] < 0)
    }

    @Test("advantages of two groups, by hand")
    func groups() {
        let rewards = [[1.0, 0, 0, 0], [3, 1]]
        #expect(GroupAdvantage.unscaled.advantages(of: rewards) == [[0.75, -0.25, -0.25, -0.25], [1, -1]])
        let others = GroupAdvantage.leaveOneOut.advantages(of: rewards)
        expectClose(others[0], [1, -1.0 / 3, -1.0 / 3, -1.0 / 3], relative: 1e-15)
        #expect(others[1] == [2, -2])
        expectClose(GroupAdvantage.group.advantages(of: rewards)[0][0], 0.75 / 0.5001, relative: 1e-15)
        // Six rewards of mean 5/6: Σ r² − 6 · 25/36 = 41/6.
        expectClose(GroupAdvantage.batch.advantages(of: rewards)[1][1], -1 / ((41.0 / 30).squareRoot() + 1e-4), relative: 1e-15)
    }

    @Test("weights of a batch add up to 1 where they should, and empty responses have none", arguments: TokenAggregation.allCases)
    func aggregation(aggregation: TokenAggregation) {
        let lengths = [4, 1, 3]
        let totals = TokenAggregation.Totals(actions: 8, responses: 3, maximumLength: 6)
        let sum = lengths.reduce(0) { $0 + Double($1) * aggregation.weight(ofActionAmong: $1, totals: totals) }
        expectClose(sum, aggregation == .fixedLength ? 8.0 / 18 : 1, relative: 1e-15)
        #expect(aggregation.weight(ofActionAmong: 0, totals: totals) == 0)
        #expect(aggregation.weight(ofActionAmong: 0, totals: .init(actions: 0, responses: 0, maximumLength: 0)) == 0)
        // An empty response counts as one of the responses.
        let expected: [TokenAggregation: Double] = [.token: 0.5, .sequence: 0.25, .fixedLength: 0.1]
        #expect(aggregation.weight(ofActionAmong: 2, totals: .init(actions: 2, responses: 2, maximumLength: 5)) == expected[aggregation])
    }
}
