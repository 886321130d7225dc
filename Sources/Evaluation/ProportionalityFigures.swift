internal import Tensor

/// How far a policy is from proportional to the reward on one problem, when every legal response is known: no sampling error.
///
/// The target is `q(y) = R(y) / Z` with `Z = Σ_y R(y)` over the ends. Whatever else the policy may say is one more outcome, of target
/// mass 0 and policy mass `1 − Σ_y π(y)`. With `H(y) = log π(y) − log R(y)`, a policy is proportional when H is `−log Z` at every end.
///
/// All are NaN (apart from the masses and log Z, which are what they are) where a logarithm is NaN or no end has a reward.
package struct ProportionalityFigures: Sendable, Equatable {
    /// How many legal responses there are.
    package let ends: Int
    /// `½ ( Σ_y |π(y) − q(y)| + outside mass )`
    package let totalVariation: Double
    /// `max(0, 1 − Σ_y π(y))`: what the policy gives to no end.
    package let outsideMass: Double
    /// KL(q ‖ π), nats: ∞ where π is 0 at an end that has a reward.
    package let targetToPolicy: Double
    /// KL(π ‖ q), nats. Mass outside of the ends would make it ∞, so it is over the ends: of π as it is where no more than `rounding`
    /// is outside, and otherwise of π restricted to the ends and renormalised, as in ``ExactDistance``. NaN where π is 0 at every end.
    package let policyToTarget: Double
    /// log Z, nats, exact.
    package let logPartition: Double
    /// log Z(x) of a learned root head; nil where the method has none.
    package let learnedLogPartition: Double?
    /// `Σ_y π(y)` and `Σ_y q(y)` over the correct ends.
    package let correctMass, targetCorrectMass: Double
    /// The line of log π against log R over ends where both are finite, each counting alike, and Pearson's correlation: 1, −log Z and 1
    /// at the target. Nil when all log R are equal; the correlation also when all log π are.
    package let slope, intercept, correlation: Double?

    /// What rounding may take from a sum of probabilities.
    private static let rounding = 1e-6

    package init(_ scores: EndScores) {
        precondition(!scores.ends.isEmpty, "proportionality: problem \"\(scores.name)\" has no ends")
        let distance = ExactDistance(logPolicy: scores.ends.map(\.logPolicy), logReward: scores.ends.map(\.logReward))
        // NaN among the rewards makes log Z NaN or infinite.
        let isDefined = distance.logPartition.isFinite && !scores.ends.contains { $0.logPolicy.isNaN }
        func target(_ end: EndScores.End) -> Double { Elementary.exp(end.logReward - distance.logPartition) }
        let mass = scores.ends.reduce(0) { $0 + Elementary.exp($1.logPolicy) }
        let correct = scores.ends.filter(\.isCorrect)
        let outside = mass.isNaN ? .nan : max(0, 1 - mass)
        ends = scores.ends.count
        outsideMass = outside
        totalVariation = isDefined ? distance.totalVariation : .nan
        targetToPolicy = isDefined ? distance.targetToPolicy : .nan
        policyToTarget =
            !isDefined || mass == 0 ? .nan : outside > Self.rounding ? distance.policyToTarget : Self.divergence(scores, distance)
        logPartition = distance.logPartition
        learnedLogPartition = scores.learnedLogPartition
        correctMass = correct.reduce(0) { $0 + Elementary.exp($1.logPolicy) }
        targetCorrectMass = isDefined ? correct.reduce(0) { $0 + target($1) } : .nan
        let points = scores.ends.filter { $0.logPolicy.isFinite && $0.logReward.isFinite }
        let line = isDefined ? LineFit(points.map { (x: $0.logReward, y: $0.logPolicy) }) : nil
        (slope, intercept, correlation) = (line?.slope, line?.intercept, line?.correlation)
    }

    /// Of π as it is.
    private static func divergence(_ scores: EndScores, _ distance: ExactDistance) -> Double {
        scores.ends.reduce(0) { sum, end in
            let π = Elementary.exp(end.logPolicy)
            return π > 0 ? sum + π * (end.logPolicy - end.logReward + distance.logPartition) : sum
        }
    }
}

extension ProportionalityFigures {
    /// What samples of the target would make of log Z: `E_q[−H] = log Z + KL(q ‖ π)`, nats.
    package var impliedLogPartition: Double { logPartition + targetToPolicy }
    /// Implied minus exact, nats: KL(q ‖ π), without the rounding of a difference.
    package var impliedLogPartitionGap: Double { targetToPolicy }
    /// Learned minus exact, nats.
    package var learnedLogPartitionGap: Double? { learnedLogPartition.map { $0 - logPartition } }
}
