import Foundation
import TestSupport
import Testing

@testable import Evaluation

@Suite("Exact distance")
struct ExactDistanceTests {
    private let logReward = [1.0, 0.2, -0.7]

    @Test("at the target every distance is zero and log Z is the normaliser")
    func atTheTarget() {
        let z = logReward.map(exp).reduce(0, +)
        let distance = ExactDistance(logPolicy: logReward.map { $0 - log(z) }, logReward: logReward)
        expectClose(
            [distance.totalVariation, distance.targetToPolicy, distance.policyToTarget, distance.logPartitionGap],
            [0, 0, 0, 0], absolute: 1e-14)
        expectClose([distance.correctMass, distance.logPartition], [1, log(z)], relative: 1e-14)
    }

    @Test("a policy that is right up to a factor m has TV 1 − m, KL −log m and a gap of −log m")
    func scaled() {
        let (m, z) = (0.3, logReward.map(exp).reduce(0, +))
        let distance = ExactDistance(logPolicy: logReward.map { $0 - log(z) + log(m) }, logReward: logReward)
        expectClose(
            [
                distance.totalVariation, distance.targetToPolicy, distance.correctMass, distance.logPartitionGap,
            ], [1 - m, -log(m), m, -log(m)], relative: 1e-13)
        expectClose(distance.policyToTarget, 0, absolute: 1e-14)
    }

    @Test("one mode of n equal ones: TV 1 − 1/n, KL log n, one effective solution")
    func oneMode() {
        let n = 5
        let distance = ExactDistance(
            logPolicy: [0] + [Double](repeating: -1000, count: n - 1), logReward: [Double](repeating: 2.5, count: n))
        expectClose(
            [distance.totalVariation, distance.policyToTarget, distance.effectiveCount, distance.logPartition],
            [0.8, log(5), 1, 2.5 + log(5)], relative: 1e-12)
        expectClose(distance.targetToPolicy, 0.8 * 1000 - log(5), relative: 1e-12)
    }

    @Test("shifting all rewards moves log Z and nothing else")
    func shift() {
        let logPolicy = [-1.0, -2, -1.5]
        let a = ExactDistance(logPolicy: logPolicy, logReward: logReward)
        let b = ExactDistance(logPolicy: logPolicy, logReward: logReward.map { $0 + 700 })
        expectClose(b.logPartition - a.logPartition, 700)
        expectClose(
            [a.totalVariation, a.targetToPolicy, a.policyToTarget, a.logPartitionGap],
            [b.totalVariation, b.targetToPolicy, b.policyToTarget, b.logPartitionGap], relative: 1e-10)
    }

    @Test("a uniform policy on the correct set has as many effective solutions as there are")
    func effective() {
        let distance = ExactDistance(logPolicy: [-3, -3, -3], logReward: logReward)
        expectClose([distance.effectiveCount, distance.correctMass], [3, 3 * exp(-3.0)], relative: 1e-13)
    }
}
