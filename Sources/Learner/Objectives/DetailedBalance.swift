/// Detailed balance (Bengio et al., arXiv 2111.09266, eq. 11) of policies that may stop, with a learned root: sub-trajectory balance of
/// neighbours only, and the mean over all transitions of a group, so that long responses count more.
///
///     L = Σ_k Σ_i (H_i − H_{i−1})² / Σ_k (number of states of k)        H_root = −log Z(x) in front of every response
///
/// With F(s_i) = R(s_i ⊤) / π(⊤ | s_i), a difference is that of log F(s_{i−1}) π(s_i | s_{i−1}) and log F(s_i) (Hu et al.,
/// arXiv 2310.04363). What a transition misses reaches the root one state at a time, which is slow.
package struct DetailedBalance: Objective {
    package var needs: Needs { Needs(logRewards: true, innerStates: .used, root: true) }

    package init() {}

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        guard let root else { preconditionFailure("detailed balance needs log Z") }
        let residuals = responses.map { $0.residuals() }
        let share = 1 / Double(max(residuals.reduce(0) { $0 + $1.count }, 1))
        var loss = 0.0, rootSlope = 0.0
        var terms = [Double](repeating: 0, count: responses.count)
        var slopes = residuals.map { [Double](repeating: 0, count: $0.count) }
        for (k, states) in residuals.enumerated() {
            for (i, state) in states.enumerated() {
                let difference = state - (i > 0 ? states[i - 1] : -root)
                loss += share * difference * difference
                terms[k] += share * difference * difference
                slopes[k][i] += 2 * share * difference
                if i > 0 { slopes[k][i - 1] -= 2 * share * difference } else { rootSlope += 2 * share * difference }
            }
        }
        return ObjectiveValue(
            loss: loss, lossByResponse: terms, responses: responses, residuals: residuals, residualSlopes: slopes,
            rootSlope: rootSlope)
    }
}
