/// Proximal policy optimisation (Schulman et al., arXiv 1707.06347) with a value head on the policy's hidden states.
///
///     r_t  = R_t − β (log π_old − log π_ref)(a_t | s_{t−1})                        KL in the reward, estimator k1, k2 or k3
///     δ_t  = r_t + γ V(s_t) − V(s_{t−1})      A_t = δ_t + γ λ A_{t+1}              GAE, arXiv 1506.02438, eq. 16
///     L_π  = −mean_t min(ρ_t Ã_t, clip(ρ_t, 1 − ε_low, 1 + ε_high) Ã_t)             eq. 7, with A whitened over the step
///     L_V  = ½ mean_t max((V − R̂_t)², (V_old + clip(V − V_old, ±c) − R̂_t)²)        R̂_t = A_t + V_old(s_{t−1})
///     L    = L_π + v L_V (+ β mean_t KL_t, with the KL in the loss)                eq. 9
///
/// V shares all layers with the policy, so L_V trains them too. ρ_t = π/π_old, with π_old the policy that sampled: it is as old as
/// the lag says, and the same for all epochs of a step. Rewards are those of the task without `reward.reference`.
package struct ProximalPolicyOptimization: Objective {
    package enum Rewards: String, Sendable, CaseIterable { case end, steps }
    package enum Divergence: String, Sendable, CaseIterable { case reward, loss }

    package var epochs = 4
    package var miniBatches = 1
    package var clipLow = 0.2
    package var clipHigh = 0.2
    package var dualClip: Double?
    package var valueClip: Double? = 0.2
    package var valueWeight = 0.1
    package var discount = 1.0
    package var lambda = 0.95
    package var rewards = Rewards.end
    package var divergenceWeight = 0.05
    package var divergence = Divergence.reward
    package var estimator = KLEstimator.k1
    package var isWhitened = true
    package var aggregation = Mean.token

    /// Over what the losses of actions are averaged.
    package enum Mean: String, Sendable, CaseIterable { case token, sequence }

    package init() {}

    package var needs: Needs {
        Needs(
            innerStates: rewards == .steps ? .used : .unused, values: true, reference: divergenceWeight > 0, ownSamples: true, epochs: epochs,
            miniBatches: miniBatches, batchCredits: true)
    }

    package var settings: [MethodSetting<Self>] {
        [
            .integer("ppo.epochs", \.epochs, 1...100, "passes over the samples of a step"),
            .integer("ppo.mini_batches", \.miniBatches, 1...10_000, "optimiser steps of one pass, at most one a prompt"),
            .number("ppo.clip_low", \.clipLow, 0...1, "how far below 1 the ratio to the sampling policy may go"),
            .number("ppo.clip_high", \.clipHigh, 0...1e6, "how far above 1 it may go"),
            .number("ppo.dual_clip", \.dualClip, 1...1e6, "limit of the loss where the advantage is negative, in its multiples"),
            .number("ppo.value_clip", \.valueClip, 0...1e9, "how far V may leave its old value"),
            .number("ppo.value_weight", \.valueWeight, 0...1e6, "of the loss of V"),
            .number("ppo.discount", \.discount, 0...1, "gamma"),
            .number("ppo.lambda", \.lambda, 0...1, "of generalised advantage estimation"),
            .choice("ppo.rewards", \.rewards, "all of it at the end, or each step's score where the step ends"),
            .number("ppo.kl_weight", \.divergenceWeight, 0...1e6, "of the divergence from the reference"),
            .choice("ppo.kl_in", \.divergence, "where the divergence counts"),
            .choice("ppo.kl_estimator", \.estimator, "d, d²/2 or exp(-d) - 1 + d, with d = log policy - log reference"),
            .flag("ppo.whiten", \.isWhitened, "advantages to mean 0 and variance 1 over the step"),
            .choice("ppo.mean", \.aggregation, "over all tokens, or over responses of their means"),
        ]
    }

    package var measureNames: [String] { ["clip_fraction", "value_loss"] }

    package func credits(of groups: [[SampledResponse]]) -> [[Credit]]? {
        var credits = groups.map { $0.map(credit(of:)) }
        if isWhitened {
            let whitening = Whitening(of: credits.flatMap { $0.map(\.advantages) })
            for g in credits.indices {
                for k in credits[g].indices { credits[g][k].advantages = whitening(credits[g][k].advantages) }
            }
        }
        return credits
    }

    private func credit(of response: SampledResponse) -> Credit {
        guard let values = response.values, let behaviour = response.behaviour else {
            preconditionFailure("PPO needs V and the sampler's log-probabilities")
        }
        var earned = response.rewards
        if rewards == .end, let last = earned.indices.last {
            earned = Array(repeating: 0, count: earned.count)
            earned[last] = response.reward
        }
        if divergence == .reward, divergenceWeight > 0 {
            let divergences = zip(behaviour, reference(of: response)).map { estimator.estimate($0 - $1).value }
            earned = GeneralizedAdvantage.rewards(earned, divergences: divergences, coefficient: divergenceWeight)
        }
        let estimate = GeneralizedAdvantage(discount: discount, lambda: lambda).advantages(rewards: earned, values: values)
        return Credit(advantages: estimate.advantages, returns: estimate.returns)
    }

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        let surrogate = ClippedSurrogate(low: clipLow, high: clipHigh, dualClip: dualClip), valueLoss = ClippedValueLoss(clip: valueClip)
        let totals = TokenAggregation.Totals(actions: batch.actions, responses: batch.responses, maximumLength: batch.maximumLength)
        let mean: TokenAggregation = aggregation == .token ? .token : .sequence
        var loss = 0.0, clipped = 0.0, actionCount = 0.0, valueSum = 0.0
        var slopes: [[Double]] = [], valueSlopes: [[Double]] = [], shares: [Double] = []
        for response in responses {
            guard let sample = response.sample, let behaviour = sample.behaviour, let old = sample.values, let credit = response.credit,
                let returns = credit.returns
            else { preconditionFailure("PPO needs samples, V and advantages") }
            let actions = response.actionLogProbabilities
            // The loss of a step is the mean over its groups.
            let weight = Double(batch.groups) * mean.weight(ofActionAmong: actions.count, totals: totals)
            var policy = surrogate.losses(logRatios: zip(actions, behaviour).map { $0 - $1 }, advantages: credit.advantages)
            if divergence == .loss, divergenceWeight > 0 {
                policy.add(
                    estimator, differences: zip(actions, reference(of: sample)).map { $0 - $1 }, coefficient: divergenceWeight)
            }
            let values = actions.indices.map { valueLoss.loss(value: response.values[$0], oldValue: old[$0], target: returns[$0]) }
            let share = weight * (policy.losses.reduce(0, +) + valueWeight * values.reduce(0) { $0 + $1.value })
            shares.append(share)
            loss += share
            slopes.append(policy.slopes.map { weight * $0 })
            valueSlopes.append(values.map { weight * valueWeight * $0.slope })
            clipped += Double(policy.clipped)
            actionCount += Double(actions.count)
            valueSum += values.reduce(0) { $0 + $1.value }
        }
        return ObjectiveValue(
            loss: loss, lossByResponse: shares, responses: responses, actionSlopes: slopes, valueSlopes: valueSlopes,
            measures: [Measure(clipped, of: actionCount), Measure(valueSum, of: actionCount)])
    }

    private func reference(of response: SampledResponse) -> [Double] {
        guard let reference = response.reference else { preconditionFailure("a divergence needs reference log-probabilities") }
        return reference
    }
}
