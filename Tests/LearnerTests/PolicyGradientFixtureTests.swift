import Learner
import TestSupport
import Testing

private typealias Case = LossFixtures.Case

extension LossFixtures {
    /// The rows of a tensor without their padding: a mask is 1 up to the row's length.
    func unpadded(_ id: String, _ name: String) -> [[Double]] {
        zip(rows(id, name), rows(id, "mask")).map { Array($0.prefix(Int($1.reduce(0, +)))) }
    }

    /// Slopes of the actions against `grad.name`, where padding has none.
    func expectGradient(_ slopes: [[Double]], _ item: Case, _ name: String) {
        let gradient = rows(item.id, "grad.\(name)")
        #expect(gradient.count == slopes.count && !gradient.isEmpty, "\(item.id) \(name)")
        for (row, expected) in gradient.enumerated() {
            let padding = Array(repeating: 0.0, count: expected.count - slopes[row].count)
            expectClose(slopes[row] + padding, expected, relative: 1e-9, absolute: 1e-12, "\(item.id) \(name)")
        }
    }

    func expectOutput(_ actual: [[Double]], _ item: Case, _ name: String) {
        let expected = unpadded(item.id, "out.\(name)")
        #expect(actual.count == expected.count && !expected.isEmpty, "\(item.id) \(name)")
        for (a, e) in zip(actual, expected) { expectClose(a, e, relative: 1e-9, absolute: 1e-12, "\(item.id) \(name)") }
    }

    func expectLoss(_ actual: Double, _ item: Case) {
        expectClose(actual, (item.fields["loss"] as? Double) ?? .nan, relative: 1e-9, absolute: 1e-12, item.id)
    }
}

private func totals(_ batch: [[Double]], maximumLength: Int = 0) -> TokenAggregation.Totals {
    .init(actions: batch.reduce(0) { $0 + $1.count }, responses: batch.count, maximumLength: maximumLength)
}

private func differences(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] { zip(a, b).map { zip($0, $1).map { $0 - $1 } } }

/// The loss of a batch and its slopes, response by response.
private func aggregate(
    _ batch: [ActionLosses], _ aggregation: TokenAggregation, maximumLength: Int = 0
) -> (loss: Double, slopes: [[Double]]) {
    let totals = totals(batch.map(\.losses), maximumLength: maximumLength)
    let weights = batch.map { aggregation.weight(ofActionAmong: $0.losses.count, totals: totals) }
    let loss = zip(batch, weights).reduce(0) { $0 + $1.1 * $1.0.losses.reduce(0, +) }
    return (loss, zip(batch, weights).map { response, weight in response.slopes.map { $0 * weight } })
}

@Suite("Parts of policy gradients agree with published values")
struct PolicyGradientFixtureTests {
    @Test("estimators of KL give the published values and gradients, clamped or not")
    func divergences() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("ppo") {
            for item in fixtures.cases where item.kind == "kl" {
                let estimator = try #require(KLEstimator(rawValue: item.parameters["estimator"] as? String ?? ""))
                let limit = item.number("clamp")
                let (policy, reference) = (fixtures.rows(item.id, "logp"), fixtures.rows(item.id, "ref_logp"))
                // The fixture has estimates of padding too.
                let padded = differences(policy, reference).map { $0.map { estimator.estimate($0, limit: limit).value } }
                for (row, expected) in fixtures.rows(item.id, "out.per_token").enumerated() {
                    expectClose(padded[row], expected, relative: 1e-9, absolute: 1e-12, "\(item.id) per token")
                }
                let batch = differences(fixtures.unpadded(item.id, "logp"), fixtures.unpadded(item.id, "ref_logp")).map { row in
                    var losses = ActionLosses(losses: row.map { _ in 0 }, slopes: row.map { _ in 0 })
                    losses.add(estimator, differences: row, coefficient: 1, limit: limit)
                    return losses
                }
                let value = aggregate(batch, .token)
                fixtures.expectLoss(value.loss, item)
                fixtures.expectGradient(value.slopes, item, "logp")
                ran += 1
            }
        }
        print("kl: \(ran) cases")
        #expect(ran >= 9)
    }

    @Test("generalized advantages, returns and both whitenings are the published ones")
    func generalizedAdvantages() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("ppo") {
            for item in fixtures.cases where item.kind == "gae" {
                let estimate = GeneralizedAdvantage(discount: item.number("gamma") ?? .nan, lambda: item.number("lambda") ?? .nan)
                let divergences = differences(fixtures.unpadded(item.id, "logp"), fixtures.unpadded(item.id, "ref_logp"))
                let scores = fixtures.vector(item.id, "score")
                let rewards = zip(divergences, scores).map { row, score in
                    GeneralizedAdvantage.rewards(
                        row.indices.map { $0 == row.count - 1 ? score : 0 },
                        divergences: row.map { KLEstimator.k1.estimate($0).value }, coefficient: item.number("kl_coef") ?? .nan)
                }
                let results = zip(rewards, fixtures.unpadded(item.id, "values")).map { estimate.advantages(rewards: $0, values: $1) }
                let advantages = results.map(\.advantages)
                fixtures.expectOutput(rewards, item, "token_rewards")
                fixtures.expectOutput(advantages, item, "advantages")
                fixtures.expectOutput(results.map(\.returns), item, "returns")
                for kind in Whitening.Variance.allCases {
                    let whitening = Whitening(of: advantages, variance: kind)
                    fixtures.expectOutput(advantages.map { whitening($0) }, item, "whitened_\(kind.rawValue)")
                }
                ran += 1
            }
        }
        print("gae: \(ran) cases")
        #expect(ran >= 10)
    }

    @Test("PPO gives the published losses of policy and values, their gradients and the share of clipped actions")
    func proximalPolicy() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("ppo") {
            for item in fixtures.cases where item.kind == "ppo" {
                let surrogate = ClippedSurrogate(
                    low: item.number("clip_low") ?? .nan, high: item.number("clip_high") ?? .nan, dualClip: item.number("dual_clip"))
                let valueLoss = ClippedValueLoss(clip: item.number("value_clip"))
                let aggregation = try #require(TokenAggregation(rawValue: item.parameters["aggregate"] as? String ?? ""))
                let ratios = differences(fixtures.unpadded(item.id, "logp"), fixtures.unpadded(item.id, "old_logp"))
                let policy = zip(ratios, fixtures.unpadded(item.id, "advantages")).map { surrogate.losses(logRatios: $0, advantages: $1) }
                let (old, targets) = (fixtures.unpadded(item.id, "old_values"), fixtures.unpadded(item.id, "returns"))
                let critic = fixtures.unpadded(item.id, "values").enumerated().map { row, values in
                    let terms = values.indices.map {
                        valueLoss.loss(value: values[$0], oldValue: old[row][$0], target: targets[row][$0])
                    }
                    return ActionLosses(losses: terms.map(\.value), slopes: terms.map(\.slope))
                }
                let (policyValue, criticValue) = (aggregate(policy, aggregation), aggregate(critic, aggregation))
                let coefficient = item.number("vf_coef") ?? .nan
                fixtures.expectLoss(policyValue.loss + coefficient * criticValue.loss, item)
                fixtures.expectGradient(policyValue.slopes, item, "logp")
                fixtures.expectGradient(criticValue.slopes.map { $0.map { $0 * coefficient } }, item, "values")
                let clipped = Double(policy.reduce(0) { $0 + $1.clipped }) / Double(totals(ratios).actions)
                for (name, actual) in [
                    ("policy_loss", policyValue.loss), ("value_loss", criticValue.loss), ("clip_fraction", clipped),
                ] {
                    expectClose(
                        [actual], fixtures.vector(item.id, "out.\(name)"), relative: 1e-9, absolute: 1e-12, "\(item.id) \(name)")
                }
                ran += 1
            }
        }
        print("ppo: \(ran) cases")
        #expect(ran >= 10)
    }
}
