/// The variance of the residuals of all terminable states of all responses to one prompt: no learned log Z.
///
///     L = Σ_m w_m (H_m − H̄)² / W        H̄ = Σ_m w_m H_m / W        W = Σ_m w_m
///
/// With equal weights it is sub-trajectory balance (λ = 1) over pairs within *and* between responses. With weight on last
/// states only it is VarGrad trajectory balance (Zhang et al., arXiv 2302.05446; TBA, arXiv 2503.18929, eq. 5), where
/// −H̄ estimates log Z. H̄ needs no stop-gradient: Σ_m w_m (H_m − H̄) = 0, so its term vanishes. For K = 1 there is still
/// a loss between the states of the one response, and none if it has a single one.
package struct PooledSubTrajectoryBalance: Objective {
    package var finalWeight: Double
    package var intermediateWeight: Double
    /// VarGrad is the one choice of weights that has a name of its own.
    private let isSettable: Bool

    package init(finalWeight: Double = 1, intermediateWeight: Double = 1, isSettable: Bool = true) {
        (self.finalWeight, self.intermediateWeight, self.isSettable) = (finalWeight, intermediateWeight, isSettable)
    }

    /// Where only last states count, one response has nothing to be compared with.
    package var needs: Needs {
        intermediateWeight == 0
            ? Needs(logRewards: true, innerStates: .unused, smallestGroup: 2) : Needs(logRewards: true, innerStates: .used)
    }

    package var settings: [MethodSetting<Self>] {
        isSettable
            ? [
                .number("pooled.final_weight", \.finalWeight, 1e-6...1e6, "w of last states in the pooled variance"),
                .number("pooled.intermediate_weight", \.intermediateWeight, 0...1e6, "w of earlier terminable states"),
            ] : []
    }

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        let residuals = responses.map { $0.residuals() }
        let weights = residuals.map { states in
            states.indices.map { $0 == states.count - 1 ? finalWeight : intermediateWeight }
        }
        var total = 0.0, mean = 0.0, loss = 0.0
        for (w, h) in zip(weights.joined(), residuals.joined()) { total += w; mean += w * h }
        let scale = total > 0 ? 1 / total : 0
        mean *= scale
        for (w, h) in zip(weights.joined(), residuals.joined()) { loss += scale * w * (h - mean) * (h - mean) }
        let terms = zip(weights, residuals).map { zip($0, $1).reduce(0) { $0 + scale * $1.0 * ($1.1 - mean) * ($1.1 - mean) } }
        let slopes = zip(weights, residuals).map { zip($0, $1).map { w, h in 2 * scale * w * (h - mean) } }
        return ObjectiveValue(
            loss: loss, lossByResponse: terms, responses: responses, residuals: residuals, residualSlopes: slopes)
    }
}
