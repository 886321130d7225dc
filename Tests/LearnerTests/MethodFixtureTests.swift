import Learner
import TestSupport
import Testing

/// Whole methods, as the learner uses them: credits of all groups first, then the loss of each group, whose mean is the loss of the step.
@Suite("Methods agree with published values")
struct MethodFixtureTests {
    /// A row of a fixture as a response whose actions are its tokens.
    private func response(_ actions: [Double], sample: SampledResponse, credit: Credit?, values: [Double] = []) -> ScoredResponse {
        ScoredResponse(
            tokenLogProbabilities: actions, stopLogProbabilities: Array(repeating: 0, count: actions.count + 1), states: [actions.count],
            logRewards: [0], stopIsForced: true, sample: sample, credit: credit, values: values)
    }

    private func sample(
        behaviour: [Double], reference: [Double]? = nil, reward: Double = 0, values: [Double]? = nil
    ) -> SampledResponse {
        var rewards = Array(repeating: 0.0, count: behaviour.count)
        if let last = rewards.indices.last { rewards[last] = reward }
        return SampledResponse(
            behaviour: behaviour, reference: reference, rewards: rewards, reward: reward, isCorrect: false, values: values)
    }

    private func grouped<Row>(_ rows: [Row], _ size: Int) -> [[Row]] {
        stride(from: 0, to: rows.count, by: size).map { Array(rows[$0..<min($0 + size, rows.count)]) }
    }

    /// Loss and slopes in actions and values of a step.
    private func step(
        _ method: any Objective, policy: [[Double]], samples: [SampledResponse], credits: [[Credit]]? = nil, values: [[Double]]? = nil,
        groupSize: Int, maximumLength: Int = 0
    ) -> (loss: Double, slopes: [[Double]], valueSlopes: [[Double]], credits: [[Credit]], measures: [[Measure]]) {
        let groups = grouped(Array(samples.indices), groupSize)
        let credits = credits ?? method.credits(of: groups.map { $0.map { samples[$0] } }) ?? []
        let totals = BatchTotals(
            groups: groups.count, responses: samples.count, actions: policy.reduce(0) { $0 + $1.count }, maximumLength: maximumLength)
        var loss = 0.0, slopes: [[Double]] = [], valueSlopes: [[Double]] = [], measures: [[Measure]] = []
        let share = 1 / Double(groups.count)
        for (g, rows) in groups.enumerated() {
            let responses = rows.enumerated().map { k, row in
                response(policy[row], sample: samples[row], credit: credits.isEmpty ? nil : credits[g][k], values: values?[row] ?? [])
            }
            let value = method.evaluate(responses, root: nil, batch: totals)
            loss += share * value.loss
            slopes += value.slopes.map { $0.token.map { $0 * share } }
            valueSlopes += value.valueSlopes.map { $0.map { $0 * share } }
            measures.append(value.measures)
        }
        return (loss, slopes, valueSlopes, credits, measures)
    }

    @Test("GRPO and its descendants give the published advantages, losses and gradients")
    func groupRelative() throws {
        let means: [String: TokenAggregation] = [
            "grpo": .sequence, "grpo_sequence": .sequence, "bnpo": .token, "dapo": .token, "dr_grpo": .fixedLength,
        ]
        var ran: [String: Int] = [:]
        for fixtures in try LossFixtures.all("grpo") {
            for item in fixtures.cases {
                guard let mean = means[item.kind] else { continue }
                let size = try #require(item.number("group")), maximumLength = try #require(item.number("max_len"))
                #expect(item.number("std_eps") == GroupAdvantage.deviationFloor, "\(item.id)")
                var method = GroupRelativePolicyOptimization()
                method.scale = try #require(.init(rawValue: item.parameters["scale"] as? String ?? ""))
                method.aggregation = mean
                method.level = item.kind == "grpo_sequence" ? .sequence : .token
                method.clipLow = item.number("eps_low") ?? .nan
                method.clipHigh = item.number("eps_high") ?? .nan
                method.divergenceWeight = item.number("beta") ?? .nan
                let (old, reference) = (fixtures.unpadded(item.id, "old_logp"), fixtures.unpadded(item.id, "ref_logp"))
                let rewards = fixtures.vector(item.id, "rewards")
                let result = step(
                    method, policy: fixtures.unpadded(item.id, "logp"),
                    samples: rewards.indices.map { sample(behaviour: old[$0], reference: reference[$0], reward: rewards[$0]) },
                    groupSize: Int(size), maximumLength: Int(maximumLength))
                expectClose(
                    result.credits.joined().map { $0.advantages.first ?? .nan }, fixtures.vector(item.id, "out.advantages"),
                    relative: 1e-9, absolute: 1e-12, "\(item.id) advantages")
                fixtures.expectLoss(result.loss, item)
                fixtures.expectGradient(result.slopes, item, "logp")
                ran[item.kind, default: 0] += 1
            }
        }
        print("grpo: \(ran.sorted { $0.key < $1.key }.map { "\($0.value) of \($0.key)" }.joined(separator: ", "))")
        #expect(ran.values.reduce(0, +) >= 12 && means.keys.allSatisfy { ran[$0, default: 0] >= 2 })
    }

    @Test("Dr. GRPO by its name has the published settings")
    func drGRPO() {
        let method = ObjectiveKind.groupRelativePolicyOptimizationDoneRight.defaults as? GroupRelativePolicyOptimization
        #expect(method?.scale == GroupRelativePolicyOptimization.Scale.none && method?.aggregation == .fixedLength)
    }

    @Test("RLOO gives the published advantages, loss and gradients")
    func leaveOneOut() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("grpo") {
            for item in fixtures.cases where item.kind == "rloo" {
                let size = try #require(item.number("group"))
                let rewards = fixtures.vector(item.id, "rewards"), sums = fixtures.vector(item.id, "seq_logp")
                var method = ReinforceLeaveOneOut()
                method.divergenceWeight = 0
                let result = step(
                    method, policy: sums.map { [$0] }, samples: zip(sums, rewards).map { sample(behaviour: [$0], reward: $1) },
                    groupSize: Int(size))
                expectClose(
                    result.credits.joined().map { $0.advantages.first ?? .nan }, fixtures.vector(item.id, "out.advantages"),
                    relative: 1e-9, absolute: 1e-12, "\(item.id) advantages")
                fixtures.expectLoss(result.loss, item)
                expectClose(
                    result.slopes.flatMap { $0 }, fixtures.vector(item.id, "grad.seq_logp"), relative: 1e-9, absolute: 1e-12,
                    "\(item.id) seq_logp")
                ran += 1
            }
        }
        print("rloo: \(ran) cases")
        #expect(ran >= 4)
    }

    @Test("PPO gives the published losses of policy and values, their gradients and the share of clipped actions")
    func proximalPolicy() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("ppo") {
            for item in fixtures.cases where item.kind == "ppo" {
                var method = ProximalPolicyOptimization()
                method.clipLow = item.number("clip_low") ?? .nan
                method.clipHigh = item.number("clip_high") ?? .nan
                method.dualClip = item.number("dual_clip")
                method.valueClip = item.number("value_clip")
                method.valueWeight = item.number("vf_coef") ?? .nan
                method.aggregation = try #require(.init(rawValue: item.parameters["aggregate"] as? String ?? ""))
                let old = fixtures.unpadded(item.id, "old_values"), behaviour = fixtures.unpadded(item.id, "old_logp")
                let credits = zip(fixtures.unpadded(item.id, "advantages"), fixtures.unpadded(item.id, "returns")).map {
                    Credit(advantages: $0, returns: $1)
                }
                for size in [1, behaviour.count] {
                    let result = step(
                        method, policy: fixtures.unpadded(item.id, "logp"),
                        samples: behaviour.indices.map { sample(behaviour: behaviour[$0], values: old[$0]) },
                        credits: grouped(credits, size), values: fixtures.unpadded(item.id, "values"), groupSize: size)
                    fixtures.expectLoss(result.loss, item)
                    fixtures.expectGradient(result.slopes, item, "logp")
                    fixtures.expectGradient(result.valueSlopes, item, "values")
                    let terms = result.measures.map { $0[0] }
                    expectClose(
                        [terms.reduce(0) { $0 + $1.sum } / terms.reduce(0) { $0 + $1.count }],
                        fixtures.vector(item.id, "out.clip_fraction"), relative: 1e-9, absolute: 1e-12, "\(item.id) clip_fraction")
                }
                ran += 1
            }
        }
        print("ppo: \(ran) cases")
        #expect(ran >= 10)
    }

    @Test("PPO credits actions with the published advantages and returns, with the divergence in the reward")
    func proximalPolicyCredits() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("ppo") {
            for item in fixtures.cases where item.kind == "gae" {
                var method = ProximalPolicyOptimization()
                method.discount = item.number("gamma") ?? .nan
                method.lambda = item.number("lambda") ?? .nan
                method.divergenceWeight = item.number("kl_coef") ?? .nan
                let (policy, reference) = (fixtures.unpadded(item.id, "logp"), fixtures.unpadded(item.id, "ref_logp"))
                let (values, scores) = (fixtures.unpadded(item.id, "values"), fixtures.vector(item.id, "score"))
                let samples = policy.indices.map {
                    sample(behaviour: policy[$0], reference: reference[$0], reward: scores[$0], values: values[$0])
                }
                // The fixture masks values beyond a row's end, which a response does not have.
                let whitened = try #require(method.credits(of: grouped(samples, 2)))
                fixtures.expectOutput(whitened.joined().map(\.advantages), item, "whitened_population")
                method.isWhitened = false
                let plain = try #require(method.credits(of: grouped(samples, 2)))
                fixtures.expectOutput(plain.joined().map(\.advantages), item, "advantages")
                fixtures.expectOutput(plain.joined().map { $0.returns ?? [] }, item, "returns")
                ran += 1
            }
        }
        print("gae: \(ran) cases")
        #expect(ran >= 10)
    }

    @Test("DPO and its forms give the published losses and gradients")
    func preferences() throws {
        var ran: [String: Int] = [:]
        for fixtures in try LossFixtures.all("preference") {
            for item in fixtures.cases where item.kind.isEmpty {
                let name = try #require(item.parameters["loss_type"] as? String)
                var method = DirectPreferenceOptimization()
                method.loss = try #require(.init(rawValue: name))
                method.beta = item.number("beta") ?? .nan
                method.labelSmoothing = item.number("label_smoothing") ?? 0
                func rows(_ tensor: String, _ side: String) -> [[Double]] {
                    zip(fixtures.rows(item.id, "\(tensor)_\(side)"), fixtures.rows(item.id, "\(side)_mask")).map { row, mask in
                        Array(row.prefix(Int(mask.reduce(0, +))))
                    }
                }
                let sides = ["chosen", "rejected"].map { (policy: rows("policy", $0), reference: rows("ref", $0)) }
                let policy = sides[0].policy.indices.flatMap { row in sides.map { $0.policy[row] } }
                let samples = sides[0].policy.indices.flatMap { row in
                    sides.map { sample(behaviour: $0.policy[row], reference: $0.reference[row]) }
                }
                let result = step(method, policy: policy, samples: samples, groupSize: 2)
                fixtures.expectLoss(result.loss, item)
                for (offset, side) in ["chosen", "rejected"].enumerated() {
                    let slopes = stride(from: offset, to: result.slopes.count, by: 2).map { result.slopes[$0] }
                    fixtures.expectGradient(slopes, item, "policy_\(side)")
                }
                let wins = result.measures.map { $0[0].sum }
                expectClose(
                    [wins.reduce(0, +) / Double(wins.count)], fixtures.vector(item.id, "out.reward_accuracy"), relative: 1e-9,
                    absolute: 1e-12, "\(item.id) accuracy")
                ran[name, default: 0] += 1
            }
        }
        print("dpo: \(ran.sorted { $0.key < $1.key }.map { "\($0.value) of \($0.key)" }.joined(separator: ", "))")
        #expect(ran.values.reduce(0, +) >= 16)
    }
}
