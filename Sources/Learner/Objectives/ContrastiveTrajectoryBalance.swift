/// Contrastive trajectory balance (S-GFN, arXiv 2605.00553): two responses to one prompt have the same log Z(x), so it cancels in the
/// difference of their residuals.
///
///     L = mean over pairs k < l with |log R^k − log R^l| ≥ σ of (H^k − H^l)²        H^k = log π(y^k ⊤ | x) − log R(x, y^k ⊤)
///
/// σ is the noise of the reward, in nats: which of two responses is better is not known where their rewards are nearer than that, so
/// the pair is left out. With σ = 0 all pairs count, those of equal rewards among them: the loss is then twice the unbiased
/// variance of H, and its gradient that of VarGrad times 2K/(K − 1). A group without a pair has no loss and no slope.
package struct ContrastiveTrajectoryBalance: Objective {
    package var noise: Double

    package init(noise: Double = 0) { self.noise = noise }

    package var needs: Needs { Needs(logRewards: true, smallestGroup: 2) }

    package var settings: [MethodSetting<Self>] {
        [.number("ctb.noise", \.noise, 0...1000, "pairs whose log rewards differ by less are left out; 0: all pairs count")]
    }

    package var measureNames: [String] { ["pair_share"] }

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        let residuals = responses.map { $0.residuals() }
        let final = residuals.map { $0[$0.count - 1] }, rewards = responses.map { $0.logRewards[$0.logRewards.count - 1] }
        var sum = 0.0, counted = 0.0, pairs = 0.0
        // A pair's loss is half of each.
        var terms = [Double](repeating: 0, count: responses.count)
        var slopes = residuals.map { Array(repeating: 0.0, count: $0.count) }
        for l in responses.indices {
            for k in 0..<l {
                pairs += 1
                guard (rewards[k] - rewards[l]).magnitude >= noise else { continue }
                counted += 1
                let difference = final[k] - final[l]
                sum += difference * difference
                terms[k] += difference * difference / 2
                terms[l] += difference * difference / 2
                slopes[k][slopes[k].count - 1] += 2 * difference
                slopes[l][slopes[l].count - 1] -= 2 * difference
            }
        }
        let share = counted > 0 ? 1 / counted : 0
        var value = ObjectiveValue(
            loss: share * sum, lossByResponse: terms.map { share * $0 }, responses: responses, residuals: residuals,
            residualSlopes: slopes.map { $0.map { share * $0 } })
        value.measures = [Measure(counted, of: pairs)]
        return value
    }
}
