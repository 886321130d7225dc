/// Sub-trajectory balance of Hu et al. (arXiv 2310.04363, eq. 3), each trajectory normalised alone, with a learned root.
///
/// If every prefix in question may terminate, its flow needs no network: F(s_i) = R(s_i ⊤) / π(⊤ | s_i). Put into
/// sub-trajectory balance (Madan et al., arXiv 2209.12782), a pair of states is a difference of two residuals:
///
///     Δ_ij = H_j − H_i        L = mean_k [ Σ_{i<j} λ^(j−i−1) Δ_ij² / Σ_{i<j} λ^(j−i−1) ]
///
/// i and j count terminable states. Where no empty answer is legal, two responses that differ in their first step share
/// no terminable state, and nothing would relate their probabilities. The root flow does: it is the element
/// H_root = −log Z(x) in front of every trajectory. Without it, a trajectory of one state has no pair and no loss.
package struct SubTrajectoryBalance: Objective {
    package let lambda: Double
    package let usesRoot: Bool

    package init(lambda: Double, isRooted: Bool) {
        self.lambda = lambda
        self.usesRoot = isRooted
    }

    package func evaluate(_ responses: [ScoredResponse], root: Double?) -> ObjectiveValue {
        precondition((root != nil) == usesRoot, "sub-trajectory balance is given a root exactly when it has one")
        let share = 1 / Double(max(responses.count, 1))
        let residuals = responses.map { $0.residuals() }
        var loss = 0.0, rootSlope = 0.0
        var residualSlopes: [[Double]] = []
        for states in residuals {
            let pairs = WeightedPairs((root.map { [-$0] } ?? []) + states, lambda: lambda)
            let scale = pairs.weight > 0 ? share / pairs.weight : 0
            loss += scale * pairs.numerator
            var slopes = pairs.slopes.map { $0 * scale }
            if usesRoot { rootSlope -= slopes.removeFirst() }
            residualSlopes.append(slopes)
        }
        return ObjectiveValue(
            loss: loss, responses: responses, residuals: residuals, residualSlopes: residualSlopes,
            rootSlope: usesRoot ? rootSlope : nil)
    }
}
