internal import Tensor

/// How far a policy is from the target of one prompt, when all correct responses are known: no sampling error.
///
/// The target has all its mass on the correct set C: `q(y) = R(y) / Z`, `Z = Σ_{y ∈ C} R(y)`. Everything else is one more
/// outcome, of target mass 0 and policy mass `1 − Σ_{y ∈ C} π(y)`.
package struct ExactDistance: Sendable, Equatable {
    /// `½ ( Σ_{y ∈ C} |π(y) − q(y)| + 1 − Σ_{y ∈ C} π(y) )`
    package let totalVariation: Double
    /// KL(q ‖ π): large when modes are missed.
    package let targetToPolicy: Double
    /// KL(π(· | C) ‖ q), of the policy restricted to C.
    package let policyToTarget: Double
    /// `Σ_{y ∈ C} π(y)`
    package let correctMass: Double
    /// `exp H(π(· | C))`: how many correct responses the policy effectively chooses from.
    package let effectiveCount: Double
    /// |C|
    package let solutionCount: Int
    /// log Z of the correct set.
    package let logPartition: Double
    /// What samples from C would make of log Z, `E_{π(·|C)}[log R − log π]`, minus log Z. It equals
    /// `−log(correct mass) − KL(π(·|C) ‖ q)`: 0 at the target.
    package let logPartitionGap: Double

    /// - Parameters:
    ///   - logPolicy: log π(y⊤ | x) of each correct response.
    ///   - logReward: log R(y⊤) of each, in the same order.
    package init(logPolicy: [Double], logReward: [Double]) {
        precondition(
            logPolicy.count == logReward.count && !logPolicy.isEmpty,
            "exact distance: \(logPolicy.count) log-probabilities, \(logReward.count) log rewards")
        let logZ = logSumExp(logReward)
        let logMass = logSumExp(logPolicy)
        var (distance, missed, garbled, entropy) = (0.0, 0.0, 0.0, 0.0)
        for (logπ, logR) in zip(logPolicy, logReward) {
            let logq = logR - logZ
            let (π, q) = (Elementary.exp(logπ), Elementary.exp(logq))
            distance += abs(π - q)
            if q > 0 { missed += q * (logq - logπ) }
            let conditional = Elementary.exp(logπ - logMass)
            if conditional > 0 {
                garbled += conditional * (logπ - logMass - logq)
                entropy -= conditional * (logπ - logMass)
            }
        }
        correctMass = Elementary.exp(logMass)
        totalVariation = 0.5 * (distance + max(0, 1 - correctMass))
        targetToPolicy = missed
        policyToTarget = garbled
        effectiveCount = Elementary.exp(entropy)
        solutionCount = logPolicy.count
        logPartition = logZ
        logPartitionGap = -logMass - garbled
    }
}

/// log Σ exp, without overflow.
func logSumExp(_ values: [Double]) -> Double {
    guard let largest = values.max(), largest > -.infinity else { return -.infinity }
    return largest + Elementary.log(values.reduce(0) { $0 + Elementary.exp($1 - largest) })
}
