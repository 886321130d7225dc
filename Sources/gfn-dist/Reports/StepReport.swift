internal import Foundation
internal import Learner
internal import Model
internal import Problems
internal import Rollout
internal import Tensor

/// Everything that is known of one step, as rank 0 reports it: a line of `metrics.jsonl` and the fields of the progress line.
struct StepReport {
    struct Seconds {
        var step = 0.0, wait = 0.0, sample = 0.0, score = 0.0, learn = 0.0, reduce = 0.0, sync = 0.0
    }

    /// What one rank spent on its own work; the rest of a step it waited for others.
    struct RankSeconds {
        var sample = 0.0, score = 0.0, learn = 0.0
    }

    /// The version after the step.
    var step: Int
    var metrics: StepMetrics
    /// What was sampled for this step; empty in supervised fine-tuning.
    var groups: [TrajectoryGroup]
    /// How each of these samples was judged.
    var verdicts: [Verdict.Reason] = []
    var replayedGroups = 0
    var replayTrajectories = 0
    /// Mean age of what the buffer holds, in versions.
    var replayAge: Double?
    /// Fresh responses that the buffer had already, or near-duplicates of them.
    var replayDuplicates = 0
    /// Worked solutions that came for the buffer.
    var replaySeeds = 0
    /// Of all groups learned from: versions between sampling and learning.
    var ages: [Int] = []
    var logProbabilityDifference: Double?
    var sync = WeightExchange.Sync()
    var digest: String
    /// Of OpenBLAS, which sums weight gradients where all weights are trained; nil where it has no part.
    var weightGradientCore: String?
    /// Whether another run would have the same bytes.
    var isRepeatable = true
    var rewards: RewardSettings
    var seconds = Seconds()
    /// By rank.
    var byRank: [RankSeconds] = []

    private var trajectories: [Trajectory] { groups.flatMap(\.trajectories) }

    /// Share of the samples that are right; nil when nothing was sampled.
    var accuracy: Double? { mean(trajectories.map { $0.isCorrect ? 1 : 0 }) }
    /// Mean over prompts of the number of different right responses in the group.
    var distinctCorrect: Double? { mean(groups.map { Double(Set($0.trajectories.filter(\.isCorrect).map(\.response)).count) }) }
    /// Share of the groups whose samples all have one reward (the task's, without the reference), from which nothing can be preferred.
    private var equalRewardShare: Double? {
        mean(groups.map { group in
            let all = group.trajectories.compactMap { $0.states.last.map(rewards.untempered) }
            return all.allSatisfy { $0 == all[0] } ? 1 : 0
        })
    }
    var tokensSampled: Int { trajectories.reduce(0) { $0 + $1.response.count + ($1.stop == .stopToken ? 1 : 0) } }

    var line: JSONLine {
        var line = JSONLine()
        line.add("step", step)
        line.add("policy_version", metrics.policyVersion)
        line.add("loss", metrics.loss)
        if !groups.isEmpty {
            let logRewards = trajectories.compactMap { rewards.logRewards(of: $0, step: step - 1).last }
            line.add("reward_mean", mean(trajectories.compactMap { $0.states.last.map(rewards.untempered) }))
            line.add("log_reward_mean", mean(logRewards))
            line.add("accuracy", accuracy)
            line.add("verdicts", verdictShares)
            line.add("distinct_correct", distinctCorrect)
            line.add("unique_share", mean(groups.map { Double(Set($0.trajectories.map(\.response)).count) / Double($0.trajectories.count) }))
            line.add("equal_reward_share", equalRewardShare)
            line.add("log_z_mean", learned(metrics.logPartitionMean))
            line.add("residual_mean", learned(metrics.residualMean))
            line.add("residual_variance", learned(metrics.residualVariance))
            line.add("residual_pooled_variance", learned(metrics.pooledResidualVariance))
            line.add("kl_to_reference", mean(trajectories.compactMap(Self.logRatioToReference)))
            line.add("stop_probability_unfinished", mean(trajectories.flatMap(Self.innerStopProbabilities)))
            line.add("length_mean", mean(trajectories.map { Double($0.response.count) }))
            line.add("unfinished_share", mean(trajectories.map { $0.stop == .length ? 1 : 0 }))
        }
        for measure in metrics.measures { line.add(measure.name, measure.mean) }
        line.add("entropy", learned(metrics.entropy))
        line.add("gradient_norm", learned(metrics.gradientNorm))
        line.add("learning_rate", learned(metrics.learningRate))
        if !groups.isEmpty {
            line.add("age_max", metrics.ageMaximum)
            line.add("age_mean", metrics.ageMean)
            // Three parts of one whole.
            let learnedGroups = Double(replayedGroups + groups.count)
            line.add("on_policy_share", Double(groups.count { $0.temperature == 1 }) / learnedGroups)
            line.add("tempered_share", Double(groups.count { $0.temperature != 1 }) / learnedGroups)
            line.add("replay_share", Double(replayedGroups) / learnedGroups)
            line.add("age_histogram", Self.histogram(ofAges: ages))
            line.add("replay_trajectories", replayTrajectories)
            line.add("replay_age_mean", replayAge)
            line.add("replay_seeds", replaySeeds)
            line.add("replay_duplicate_share", Double(replayDuplicates) / Double(max(1, trajectories.count)))
            line.add("logprob_difference_max", logProbabilityDifference)
            line.add("tokens_sampled", tokensSampled)
        }
        line.add("tokens_learned", metrics.tokensLearned)
        line.add("sync_raw_bytes", sync.rawBytes)
        line.add("sync_delta_bytes", sync.deltaBytes)
        line.add("sync_compressed_bytes", sync.compressedBytes)
        line.add("adapter_sha256", digest)
        if let weightGradientCore { line.add("openblas_core", weightGradientCore) }
        if !isRepeatable { line.add("repeatable", false) }
        for (name, value) in [
            ("step", seconds.step), ("wait", seconds.wait), ("sample", seconds.sample), ("score", seconds.score),
            ("learn", seconds.learn), ("reduce", seconds.reduce), ("sync", seconds.sync),
        ] {
            line.add("seconds_\(name)", value)
        }
        guard !byRank.isEmpty else { return line }
        for (name, values) in [("sample", byRank.map(\.sample)), ("score", byRank.map(\.score)), ("learn", byRank.map(\.learn))] {
            // A clock's microseconds; the lines of many ranks stay short.
            line.add("seconds_\(name)_by_rank", values.map { (1e6 * $0).rounded() / 1e6 })
        }
        return line
    }

    /// How many groups are 0, 1, 2 to 3, 4 to 7, … steps old: what is replayed may be as old as the run, and lines stay short.
    static func histogram(ofAges ages: [Int]) -> [Int] {
        func bin(_ age: Int) -> Int { Int.bitWidth - age.leadingZeroBitCount }
        return ages.reduce(into: [Int](repeating: 0, count: 1 + bin(ages.max() ?? 0))) { $0[bin($1)] += 1 }
    }

    /// Nothing is known of a gradient in a step that only collects samples.
    private func learned(_ value: Double) -> Double? { metrics.loss == nil ? nil : value }

    private var verdictShares: JSONLine {
        let shares = Verdict.shares(of: verdicts)
        var line = JSONLine()
        for reason in Verdict.Reason.allCases where reason != .noGold || shares[reason] != nil {
            line.add(reason.rawValue, shares[reason] ?? 0)
        }
        return line
    }

    var progress: [(String, String)] {
        var fields = [("loss", metrics.loss.map { decimals($0, 3) } ?? "none")]
        if !groups.isEmpty {
            fields += [
                ("reward", decimals(mean(trajectories.compactMap { $0.states.last.map(rewards.untempered) }) ?? 0, 2)),
                ("accuracy", decimals(accuracy ?? 0, 3)), ("distinct", decimals(distinctCorrect ?? 0, 2)),
            ]
        }
        let tokens = groups.isEmpty ? metrics.tokensLearned : tokensSampled
        fields.append(("tok/s", decimals(Double(tokens) / max(seconds.step, 1e-9), 0)))
        // Nothing is sent where every rank learns.
        if sync.compressedBytes > 0 { fields.append(("sync", bytes(sync.compressedBytes))) }
        if !groups.isEmpty { fields.append(("age", decimals(metrics.ageMean, 1))) }
        return fields
    }

    /// log π(y⊤|x) − log π_ref(y⊤|x): its mean over samples estimates the divergence from the reference.
    private static func logRatioToReference(_ trajectory: Trajectory) -> Double? {
        guard let reference = trajectory.referenceLogProbabilities?.last else { return nil }
        let policy = Trajectory.terminatedLogProbabilities(
            at: trajectory.states, tokens: trajectory.tokenLogProbabilities, stops: trajectory.stopLogProbabilities)
        return (policy.last ?? 0) - reference
    }

    /// π(⊤) where the response could have ended and did not.
    private static func innerStopProbabilities(_ trajectory: Trajectory) -> [Double] {
        trajectory.states.dropLast().map { Elementary.exp(Double(trajectory.stopLogProbabilities[$0.index])) }
    }
}

/// The mean of some numbers; nil when there are none.
func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}
