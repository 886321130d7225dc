/// Trajectory balance (Malkin et al., arXiv 2201.13259, eq. 9) with a learned log Z(x); only whole responses count.
///
///     L = mean_k (log Z + H^k)²        H^k = log π(y^k ⊤ | x) − log R(x, y^k ⊤)
package struct TrajectoryBalance: Objective {
    package var needs: Needs { Needs(logRewards: true, root: true) }

    package init() {}

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        guard let root else { preconditionFailure("trajectory balance needs log Z") }
        let share = 1 / Double(max(responses.count, 1))
        let residuals = responses.map { $0.residuals() }
        var loss = 0.0, rootSlope = 0.0, terms: [Double] = []
        let slopes = residuals.map { states in
            states.indices.map { index in
                guard index == states.count - 1 else { return 0.0 }
                let residual = root + states[index]
                loss += share * residual * residual
                terms.append(share * residual * residual)
                rootSlope += 2 * share * residual
                return 2 * share * residual
            }
        }
        return ObjectiveValue(
            loss: loss, lossByResponse: terms, responses: responses, residuals: residuals, residualSlopes: slopes, rootSlope: rootSlope)
    }
}
