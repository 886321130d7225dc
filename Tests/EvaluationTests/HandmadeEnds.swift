import Foundation

@testable import Evaluation

/// Problems with few ends whose every number is known.
enum HandmadeEnds {
    /// Ends of given rewards and probabilities; the last `correct` of them are right.
    static func problem(
        _ name: String = " 37 84:", rewards: [Double], policy: [Double], correct: Int = 1, learned: Double? = nil
    ) -> EndScores {
        let ends = zip(rewards, policy).enumerated().map { index, pair in
            EndScores.End(
                text: " \(index)", logPolicy: log(pair.1), logReward: log(pair.0), isCorrect: index >= rewards.count - correct)
        }
        return EndScores(name: name, ends: ends, learnedLogPartition: learned)
    }

    /// One that samples the target but gives the share `1 − mass` to no end.
    static func proportional(
        _ name: String = " 37 84:", _ rewards: [Double] = [1, 2, 3, 4], mass: Double = 1, learned: Double? = nil
    ) -> EndScores {
        let sum = rewards.reduce(0, +)
        return problem(name, rewards: rewards, policy: rewards.map { $0 / sum * mass }, learned: learned)
    }

    static func certificate(_ problems: [EndScores], bounds: CertificateBounds = CertificateBounds()) -> Certificate {
        Certificate(
            task: "sums", objective: "subtb", start: "random, full parameters", lag: 4, steps: 400, problems: problems, bounds: bounds)
    }

    /// As many ends as wanted with log R in −6 … 0, and log π off by up to `noise` before it is normalised.
    static func scattered(_ count: Int, noise: Double, seed: UInt64 = 1) -> EndScores {
        var state = seed
        func uniform() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) * 0x1p-53
        }
        let logRewards = (0..<count).map { _ in -6 * uniform() }
        let weights = logRewards.map { exp($0 + noise * (2 * uniform() - 1)) }
        let sum = weights.reduce(0, +)
        return problem("scattered \(seed)", rewards: logRewards.map { exp($0) }, policy: weights.map { $0 / sum }, correct: count / 8)
    }
}
