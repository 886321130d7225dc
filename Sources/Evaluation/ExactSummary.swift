internal import Tensor

/// The mean over problems of their exact distances.
package struct ExactSummary: Sendable, Equatable {
    package var totalVariation, targetToPolicy, policyToTarget, logPartitionGap, correctMass, effectiveCount: Estimate

    private enum Part: Hashable { case totalVariation, targetToPolicy, policyToTarget, logPartitionGap, correctMass, effectiveCount }

    /// Of problems in the order of their file. Nil when there are none.
    package init?(_ distances: [ExactDistance], resamples: Int = 1000, seed: UInt64 = 0) {
        var tally = Tally<Part>(resamples: resamples, seed: seed)
        for (problem, distance) in distances.enumerated() {
            tally.add(
                [
                    .totalVariation: distance.totalVariation, .targetToPolicy: distance.targetToPolicy,
                    .policyToTarget: distance.policyToTarget, .logPartitionGap: distance.logPartitionGap,
                    .correctMass: distance.correctMass, .effectiveCount: distance.effectiveCount,
                ], of: problem)
        }
        let estimates = tally.estimates
        guard let totalVariation = estimates[.totalVariation], let targetToPolicy = estimates[.targetToPolicy],
            let policyToTarget = estimates[.policyToTarget], let logPartitionGap = estimates[.logPartitionGap],
            let correctMass = estimates[.correctMass], let effectiveCount = estimates[.effectiveCount]
        else { return nil }
        (self.totalVariation, self.targetToPolicy, self.policyToTarget) = (totalVariation, targetToPolicy, policyToTarget)
        (self.logPartitionGap, self.correctMass, self.effectiveCount) = (logPartitionGap, correctMass, effectiveCount)
    }
}
