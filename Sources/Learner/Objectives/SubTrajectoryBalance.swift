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
///
/// With rooted pairs only, i is the root: n constraints in place of n², each on a prefix as a whole, which do not tie
/// the stop probabilities of neighbours to each other.
///
/// With `huber` δ, differences beyond δ count in proportion and not squared. The optimum is the same, where all are 0; on the way there,
/// the few responses that are far from balance, wrong ones as a rule, no longer drown what is left to learn about the others.
package struct SubTrajectoryBalance: Objective {
    package enum Pairs: String, Sendable, CaseIterable { case all, rooted }

    package var lambda: Double
    package var pairs: Pairs
    /// δ in nats; nil: squares throughout.
    package var huber: Double?
    package let isRooted: Bool

    package init(lambda: Double = 1, pairs: Pairs = .all, huber: Double? = nil, isRooted: Bool = true) {
        precondition(isRooted || pairs == .all, "rooted pairs need the root")
        (self.lambda, self.pairs, self.huber, self.isRooted) = (lambda, pairs, huber, isRooted)
    }

    package var needs: Needs { Needs(logRewards: true, innerStates: isRooted ? .used : .required, root: isRooted) }

    package var settings: [MethodSetting<Self>] {
        let lambda = MethodSetting<Self>.number("subtb.lambda", \.lambda, 0...10, "weight of longer sub-trajectories")
        let huber = MethodSetting<Self>.number(
            "subtb.huber", \.huber, 1e-3...1e6, "differences beyond this many nats count in proportion and not squared; none: squares")
        return isRooted
            ? [lambda, huber, .choice("subtb.pairs", \.pairs, "all pairs of states, or each state with the root only")] : [lambda, huber]
    }

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        precondition((root != nil) == isRooted, "sub-trajectory balance is given a root exactly when it has one")
        let share = 1 / Double(max(responses.count, 1))
        let residuals = responses.map { $0.residuals() }
        var loss = 0.0, rootSlope = 0.0
        var residualSlopes: [[Double]] = [], terms: [Double] = []
        for states in residuals {
            let path = (root.map { [-$0] } ?? []) + states
            let sum = huber.map { WeightedPairs(path, pairs: pairs, lambda: lambda, huber: $0) }
                ?? (pairs == .all ? WeightedPairs(path, lambda: lambda) : WeightedPairs(withFirstOf: path, lambda: lambda))
            let scale = sum.weight > 0 ? share / sum.weight : 0
            terms.append(scale * sum.numerator)
            loss += scale * sum.numerator
            var slopes = sum.slopes.map { $0 * scale }
            if isRooted { rootSlope -= slopes.removeFirst() }
            residualSlopes.append(slopes)
        }
        return ObjectiveValue(
            loss: loss, lossByResponse: terms, responses: responses, residuals: residuals, residualSlopes: residualSlopes,
            rootSlope: isRooted ? rootSlope : nil)
    }
}
