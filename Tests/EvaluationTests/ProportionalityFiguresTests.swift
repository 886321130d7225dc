import Foundation
import TestSupport
import Testing

@testable import Evaluation

@Suite("Figures of proportionality")
struct ProportionalityFiguresTests {
    /// log Z of rewards 1, 2, 3, 4.
    private let log10 = Foundation.log(10.0)

    @Test("a perfect sampler has distances of 0, and the line log π = log R − log Z")
    func perfect() throws {
        let figures = ProportionalityFigures(HandmadeEnds.proportional(learned: log10))
        let gap = try #require(figures.learnedLogPartitionGap)
        expectClose(
            [
                figures.totalVariation, figures.outsideMass, figures.targetToPolicy, figures.policyToTarget, gap,
                figures.impliedLogPartitionGap,
            ], [0, 0, 0, 0, 0, 0], absolute: 1e-14)
        expectClose([figures.logPartition, figures.impliedLogPartition], [log10, log10], relative: 1e-14)
        expectClose([try #require(figures.slope), try #require(figures.correlation)], [1, 1], relative: 1e-14)
        expectClose(try #require(figures.intercept), -log10, relative: 1e-14)
        expectClose([figures.correctMass, figures.targetCorrectMass], [0.4, 0.4], relative: 1e-14)
        #expect(figures.ends == 4)
    }

    @Test("a uniform policy against rewards 1, 2, 3, 4: TV 0.2, a level line without a correlation")
    func uniform() throws {
        let figures = ProportionalityFigures(
            HandmadeEnds.problem(rewards: [1, 2, 3, 4], policy: [0.25, 0.25, 0.25, 0.25], correct: 2, learned: 3))
        let forward = Self.dot([0.1, 0.2, 0.3, 0.4], [0.4, 0.8, 1.2, 1.6].map { log($0) })
        let reverse = 0.25 * log(2.5 * 1.25 * (0.25 / 0.3) * 0.625)
        expectClose(
            [figures.totalVariation, figures.targetToPolicy, figures.policyToTarget, figures.correctMass, figures.targetCorrectMass],
            [0.2, forward, reverse, 0.5, 0.7], relative: 1e-13)
        expectClose(
            [figures.impliedLogPartition, try #require(figures.learnedLogPartitionGap)], [log10 + forward, 3 - log10], relative: 1e-13)
        expectClose([try #require(figures.slope), try #require(figures.intercept)], [0, log(0.25)], relative: 1e-13, absolute: 1e-15)
        #expect(figures.correlation == nil && figures.outsideMass == 0)
    }

    @Test("mass m on the ends: TV 1 − m, KL −log m one way; the other way the ends alone, which are right")
    func outside() throws {
        let m = 0.3
        let figures = ProportionalityFigures(HandmadeEnds.proportional(mass: m))
        expectClose(
            [figures.totalVariation, figures.outsideMass, figures.targetToPolicy, figures.correctMass], [1 - m, 1 - m, -log(m), 0.4 * m],
            relative: 1e-13)
        expectClose(figures.policyToTarget, 0, absolute: 1e-14)
        expectClose(try #require(figures.intercept), log(m / 10), relative: 1e-13)
        #expect(figures.learnedLogPartitionGap == nil)
    }

    @Test("what rounding leaves outside is not renormalised")
    func rounding() {
        // KL of π as it is is m log m: −(1 − m) to first order.
        let inside = ProportionalityFigures(HandmadeEnds.proportional(mass: 1 - 5e-7))
        expectClose(inside.policyToTarget, -5e-7, relative: 1e-5)
        let outside = ProportionalityFigures(HandmadeEnds.proportional(mass: 1 - 2e-6))
        expectClose(outside.policyToTarget, 0, absolute: 1e-14)
    }

    @Test("π = 0 where there is a reward: KL of the target is infinite, and so is the implied log Z; the line is of the others")
    func neverSaid() throws {
        let figures = ProportionalityFigures(HandmadeEnds.problem(rewards: [1, 1, 2], policy: [0, 0.5, 0.5]))
        #expect([figures.targetToPolicy, figures.impliedLogPartition, figures.impliedLogPartitionGap].allSatisfy { $0 == .infinity })
        expectClose([figures.totalVariation, figures.policyToTarget], [0.25, 0.5 * log(2.0)], relative: 1e-13)
        expectClose([try #require(figures.slope), try #require(figures.intercept)], [0, log(0.5)], relative: 1e-13, absolute: 1e-15)
        let mute = ProportionalityFigures(HandmadeEnds.problem(rewards: [1, 2], policy: [0, 0]))
        #expect(mute.totalVariation == 1 && mute.outsideMass == 1 && mute.policyToTarget.isNaN && mute.slope == nil)
    }

    @Test("R = 0 where the policy has mass: KL of the policy is infinite, the other is not; without any reward nothing is defined")
    func neverRewarded() {
        let figures = ProportionalityFigures(HandmadeEnds.problem(rewards: [0, 1, 1], policy: [0.5, 0.25, 0.25]))
        expectClose([figures.totalVariation, figures.targetToPolicy, figures.logPartition], [0.5, log(2.0), log(2.0)], relative: 1e-13)
        #expect(figures.policyToTarget == .infinity)
        let nothing = ProportionalityFigures(HandmadeEnds.problem(rewards: [0, 0], policy: [0.5, 0.5]))
        #expect(nothing.totalVariation.isNaN && nothing.impliedLogPartitionGap.isNaN && nothing.policyToTarget.isNaN)
        #expect(nothing.logPartition == -.infinity && nothing.outsideMass == 0 && nothing.slope == nil)
    }

    @Test("NaN anywhere makes every distance NaN", arguments: [0, 1, 2])
    func notANumber(place: Int) {
        var (policy, reward) = (HandmadeEnds.proportional(), HandmadeEnds.proportional())
        policy.ends[place].logPolicy = .nan
        reward.ends[place].logReward = .nan
        for scores in [policy, reward] {
            let figures = ProportionalityFigures(scores)
            let distances = [figures.totalVariation, figures.targetToPolicy, figures.policyToTarget, figures.impliedLogPartitionGap]
            #expect(distances.allSatisfy(\.isNaN) && figures.slope == nil, "\(figures)")
        }
    }

    @Test("all log R equal, even up to their rounding: no line; one end: nothing to compare")
    func equalRewards() {
        var scores = HandmadeEnds.problem(rewards: [0.1, 0.1, 0.1], policy: [0.2, 0.3, 0.5])
        scores.ends[1].logReward = scores.ends[1].logReward.nextUp
        let figures = ProportionalityFigures(scores)
        #expect(figures.slope == nil && figures.intercept == nil && figures.correlation == nil)
        expectClose(figures.totalVariation, 1.0 / 6, relative: 1e-12)
        let single = ProportionalityFigures(HandmadeEnds.problem(rewards: [3], policy: [1]))
        #expect(single.totalVariation == 0 && single.targetToPolicy == 0 && single.slope == nil)
    }

    @Test("a slow twin that knows only sums of probabilities agrees", arguments: [(16, 0.5), (300, 3.0), (4096, 0.02)])
    func slowTwin(count: Int, noise: Double) throws {
        let scores = HandmadeEnds.scattered(count, noise: noise)
        let figures = ProportionalityFigures(scores)
        let (π, r) = (scores.ends.map { exp($0.logPolicy) }, scores.ends.map { exp($0.logReward) })
        let z = r.reduce(0, +)
        let q = r.map { $0 / z }
        let logs = (policy: π.map { log($0) }, target: q.map { log($0) }, reward: r.map { log($0) })
        let (ones, overlap) = ([Double](repeating: 1, count: count), zip(π, q).map { min($0, $1) })
        let forward: Double = Self.dot(q, logs.target) - Self.dot(q, logs.policy)
        let reverse: Double = Self.dot(π, logs.policy) - Self.dot(π, logs.target)
        expectClose(
            [figures.totalVariation, figures.targetToPolicy, figures.policyToTarget, figures.logPartition],
            [1 - Self.dot(ones, overlap), forward, reverse, log(z)], relative: 1e-8, absolute: 1e-12)
        let correct: [Double] = scores.ends.map { $0.isCorrect ? 1 : 0 }
        let implied: Double = Self.dot(q, logs.reward) - Self.dot(q, logs.policy)
        expectClose(
            [figures.correctMass, figures.targetCorrectMass, figures.impliedLogPartition],
            [Self.dot(π, correct), Self.dot(q, correct), implied], relative: 1e-10)
        // The normal equations, solved without centring.
        let (x, y, n) = (logs.reward, logs.policy, Double(count))
        let sx: Double = Self.dot(x, ones), sy: Double = Self.dot(y, ones)
        let sxx: Double = n * Self.dot(x, x) - sx * sx, syy: Double = n * Self.dot(y, y) - sy * sy
        let sxy: Double = n * Self.dot(x, y) - sx * sy
        let slope: Double = sxy / sxx, intercept: Double = (sy - slope * sx) / n, correlation: Double = sxy / (sxx * syy).squareRoot()
        let line = [try #require(figures.slope), try #require(figures.intercept), try #require(figures.correlation)]
        expectClose(line, [slope, intercept, correlation], relative: 1e-9)
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for (x, y) in zip(a, b) { sum += x * y }
        return sum
    }

    @Test("scores are encoded and read back, −∞ and all")
    func coding() throws {
        let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
        encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let scores = [HandmadeEnds.problem(rewards: [0, 1], policy: [0, 1]), HandmadeEnds.proportional(learned: 2.5)]
        #expect(try decoder.decode([EndScores].self, from: encoder.encode(scores)) == scores)
    }
}
