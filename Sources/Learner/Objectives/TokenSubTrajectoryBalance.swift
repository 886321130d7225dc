/// Sub-trajectory balance as Hu et al. publish it (gfn-lm-tuning, `modified_subtb_loss`): weights normalised once over
/// all trajectories, and distances counted in tokens.
///
///     L = Σ_k Σ_{i<j} λ^(j−i−1) Δ_ij² / Σ_k Σ_{i<j} λ^(j−i−1)
///
/// A trajectory of n states carries about n²/2 of the weight, so long responses dominate. There is no root: use it where
/// the empty response is a legal, if poor, answer.
package struct TokenSubTrajectoryBalance: Objective {
    package var lambda: Double

    package init(lambda: Double = 1) { self.lambda = lambda }

    package var needs: Needs { Needs(logRewards: true, innerStates: .required) }

    package var settings: [MethodSetting<Self>] { [.number("subtb.lambda", \.lambda, 0...10, "weight of longer sub-trajectories")] }

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        let residuals = responses.map { $0.residuals() }
        let pairs = zip(responses, residuals).map { WeightedPairs($1, positions: $0.states, lambda: lambda) }
        let weight = pairs.reduce(0) { $0 + $1.weight }
        let scale = weight > 0 ? 1 / weight : 0
        return ObjectiveValue(
            loss: scale * pairs.reduce(0) { $0 + $1.numerator }, lossByResponse: pairs.map { scale * $0.numerator },
            responses: responses, residuals: residuals,
            residualSlopes: pairs.map { $0.slopes.map { $0 * scale } })
    }
}
