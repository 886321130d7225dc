import Collective
import Learner
import Model
import Rollout
import TestSupport
import Testing

/// The methods whose loss is one of distances, so that steps on the same groups make it small.
private let distances: [ObjectiveKind] = [
    .subTrajectoryBalance, .pooledSubTrajectoryBalance, .tokenSubTrajectoryBalance, .unrootedSubTrajectoryBalance, .varianceGradient,
    .contrastiveTrajectoryBalance, .trajectoryBalance, .detailedBalance,
]

@Suite("Policy learner") struct PolicyLearnerTests {
    /// Two steps on five groups: the digest of the weights, and the metrics.
    private func twoSteps(
        ranks: Int, objective: any Objective, adapter: AdapterConfiguration = TinyTask.adapter, outlined: Bool = false
    ) throws -> [(String, [StepMetrics?], PolicyLearner.State)] {
        try runInProcess(ranks: ranks) { learners in
            let learner = try TinyTask.learner(learners, objective: objective, trainable: .lora(adapter))
            let metrics = try (0..<2).map { step in
                let groups = TinyTask.groups(for: objective, of: learner.policy, step: step)
                let parts = groups.enumerated().map { index, group in
                    learner.computes(index) || !outlined ? StepGroup.whole(group) : .outline(GroupOutline(group))
                }
                return try learner.update(on: parts).untimed
            }
            return (sha256Hex(learner.publishedBits), metrics, learner.state)
        }
    }

    @Test("weights, log Z, V and metrics have the same bits for any number of learners", arguments: ObjectiveKind.allCases)
    func sameBits(kind: ObjectiveKind) throws {
        let expected = try twoSteps(ranks: 1, objective: kind.defaults)[0]
        #expect(expected.1.allSatisfy { $0 != nil })
        for ranks in [2, 3] {
            for result in try twoSteps(ranks: ranks, objective: kind.defaults) {
                #expect(result.0 == expected.0 && result.1 == expected.1 && result.2 == expected.2)
            }
        }
    }

    @Test("and when a learner has only outlines of what others compute", arguments: ObjectiveKind.allCases.filter { !$0.defaults.needs.wholeBatch })
    func sameBitsOfOutlines(kind: ObjectiveKind) throws {
        let expected = try twoSteps(ranks: 1, objective: kind.defaults)[0]
        for ranks in [2, 3] {
            for result in try twoSteps(ranks: ranks, objective: kind.defaults, outlined: true) {
                #expect(result.0 == expected.0 && result.1 == expected.1 && result.2 == expected.2)
            }
        }
    }

    @Test("methods that look across groups say that a learner needs all of them")
    func wholeBatch() {
        let whole = ObjectiveKind.allCases.filter { $0.defaults.needs.wholeBatch }
        var grpo = GroupRelativePolicyOptimization()
        #expect(whole.contains(.proximalPolicyOptimization) && !whole.contains(.subTrajectoryBalance) && !grpo.needs.wholeBatch)
        grpo.scale = .batch
        #expect(grpo.needs.wholeBatch)
        grpo.scale = .group
        grpo.miniBatches = 2
        #expect(grpo.needs.wholeBatch)
    }

    @Test("the same holds for an adapter whose places differ")
    func sameBitsOfUnevenAdapter() throws {
        let runs = try [1, 2].flatMap { try twoSteps(ranks: $0, objective: SubTrajectoryBalance(), adapter: TinyTask.unevenAdapter) }
        #expect(runs.allSatisfy { $0.0 == runs[0].0 && $0.1 == runs[0].1 && $0.2 == runs[0].2 })
    }

    @Test("a step reports what it did, and sees no difference to the log-probabilities that the same version recorded")
    func metrics() throws {
        let results = try runInProcess(ranks: 1) { learners in
            let learner = try TinyTask.learner(learners)
            let groups = TinyTask.groups(4, of: learner.policy, step: 0)
            let first = try learner.update(on: groups).untimed
            let second = try learner.update(on: groups).untimed
            return (first, second, groups, learner.publishedBits, learner.state.parameters, learner.policy.version)
        }
        let (first, second, groups, bits, parameters, version) = results[0]
        let metrics = try #require(first), stale = try #require(second)
        #expect(metrics.logProbabilityDifference == 0 && metrics.ageMaximum == 0 && metrics.policyVersion == 1)
        #expect(stale.logProbabilityDifference == nil && stale.ageMaximum == 1 && stale.ageMean == 1 && version == 2)
        #expect(metrics.tokensLearned == groups.reduce(0) { $0 + $1.trajectories.reduce(0) { $0 + $1.response.count } })
        #expect(metrics.gradientNorm > 0 && metrics.learningRate == 3e-3)
        // b starts at −mean H over all responses, and w at zero.
        let residuals = groups.flatMap { group in
            group.trajectories.map { trajectory in
                ScoredResponse(
                    trajectory,
                    scores: ResponseScores(
                        tokenLogProbabilities: trajectory.tokenLogProbabilities,
                        stopLogProbabilities: trajectory.stopLogProbabilities, entropies: []),
                    reward: TinyTask.reward, step: 0
                ).residuals().last ?? .nan
            }
        }
        expectClose(metrics.logPartitionMean, -residuals.reduce(0, +) / Double(residuals.count), relative: 1e-6)
        expectClose(metrics.residualMean, residuals.reduce(0, +) / Double(residuals.count), relative: 1e-9)
        // What is published is the master, rounded to bf16.
        expectClose(bits.map { Float(bitPattern: UInt32($0) << 16) }, parameters, relative: 1.0 / 256)
    }

    @Test("steps on the same groups lower the loss", arguments: distances)
    func lossFalls(kind: ObjectiveKind) throws {
        let losses = try runInProcess(ranks: 1) { learners in
            let learner = try TinyTask.learner(learners, objective: kind.defaults, rate: 1e-2, trainable: .full)
            let groups = TinyTask.groups(2, of: learner.policy, step: 0)
            return try (0..<12).map { _ in try learner.update(on: groups).untimed?.loss ?? .nan }
        }[0]
        #expect(losses[11] < 0.5 * losses[0], "\(losses)")
    }

    @Test("demonstrations become likelier, and the batch counts every target once, ⊤ included")
    func fineTuning() throws {
        let (losses, expected, tokens) = try runInProcess(ranks: 2) { learners in
            let learner = try TinyTask.learner(learners, objective: SupervisedFineTuning(), rate: 1e-2, trainable: .full)
            // More than one slot, so that both ranks have work.
            let batch = (0..<40).map { index in
                let token = Int32(index % 10)
                var example = TrajectoryGroup(
                    examples: [[token, 3, 4].dropLast(index % 2)], of: index, prompt: [1, token], at: GroupAddress(step: 0, slot: index),
                    version: 0)
                if index == 5 { example.trajectories[0].stop = .length }
                return example
            }
            let scores = learner.policy.forward(
                batch.map { TokenGroup(prompt: $0.prompt, responses: [$0.trajectories[0].response]) }, recording: false).scores
            var sum = 0.0, targets = 0
            for (example, score) in zip(batch.map { $0.trajectories[0] }, scores) {
                sum -= score[0].tokenLogProbabilities.reduce(0) { $0 + Double($1) }
                targets += example.response.count
                if example.stop == .stopToken { sum -= Double(score[0].stopLogProbabilities[example.response.count]); targets += 1 }
            }
            let metrics = try (0..<40).map { _ in try learner.update(on: batch).untimed }
            return (metrics.map { $0?.loss ?? .nan }, sum / Double(targets), metrics[0]?.tokensLearned)
        }[0]
        expectClose(losses[0], expected, relative: 1e-9)
        #expect(losses[39] < 0.5 * losses[0], "\(losses)")
        #expect(tokens == 100)
    }

    @Test("a gradient that is no number stops every learner alike and changes nothing")
    func faults() throws {
        let outcomes = try runInProcess(ranks: 2) { learners in
            let learner = try TinyTask.learner(learners, objective: ObjectiveKind.varianceGradient.defaults)
            var groups = TinyTask.groups(3, of: learner.policy, step: 0)
            groups[1].trajectories[0].referenceTokenLogProbabilities[0] = -.infinity
            let before = learner.state
            let result = try learner.update(on: groups)
            return (result, learner.state == before && learner.policy.version == 0)
        }
        for (result, isUnchanged) in outcomes {
            let cause = "the reference's log-probability of token 0 of sample 0 of problem 1 is -inf"
            #expect(result == .fault(.loss(slot: 1, cause: cause)) && isUnchanged)
        }
    }

    @Test("a gradient beyond all bounds names its tensor")
    func faultNamesTensor() throws {
        let result = try runInProcess(ranks: 1) { learners in
            let learner = try TinyTask.learner(learners, objective: ObjectiveKind.varianceGradient.defaults)
            var groups = TinyTask.groups(2, of: learner.policy, step: 0)
            groups[1].trajectories[0].referenceTokenLogProbabilities[0] = -1e20
            return try learner.update(on: groups)
        }[0]
        guard case .fault(.gradient(let tensor, _, let slot, _)) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(slot == 1 && tensor.contains("lora_"))
    }
}
