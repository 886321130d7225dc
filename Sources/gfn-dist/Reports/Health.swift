internal import Foundation
internal import Learner
internal import Problems

/// Watches the figures of a run's steps and says in words when it goes wrong: a function of `metrics.jsonl`, so that a run that goes on,
/// and whoever reads the file, comes to the same.
///
/// Every finding has its threshold here, and is said once; once more only after the figures were well for `recovery` steps.
struct Health: Sendable {
    /// What can be wrong, as `metrics.jsonl` names it in `warnings`.
    enum Finding: String, CaseIterable, Sendable {
        case diversityCollapsing = "diversity_collapsing"
        case rewardStuck = "reward_stuck"
        case lengthDrifting = "length_drifting"
        case samplesUnfinished = "samples_unfinished"
        case stoppingEarly = "stopping_early"
        case noGradient = "no_gradient"
        case bufferDegenerate = "buffer_degenerate"
        case residualsGrowing = "residuals_growing"

        /// Whether a sample shows what is meant.
        var isOfSamples: Bool {
            switch self {
            case .rewardStuck, .lengthDrifting, .samplesUnfinished, .stoppingEarly: true
            case .diversityCollapsing, .noGradient, .bufferDegenerate, .residualsGrowing: false
            }
        }
    }

    struct Warning: Sendable, Equatable {
        let finding: Finding
        let step: Int
        let text: String
    }

    /// Means are of so many steps; the first of a run are what later ones are compared with.
    private static let window = 5
    /// A figure that must be bad without interruption is so for so many steps.
    private static let patience = 10
    private static let recovery = 20

    /// Whether the objective makes residuals small: those of others may do what they like.
    let minimisesResiduals: Bool

    private var recent: [MetricsLine] = []
    private var firstMeans: [String: Double] = [:]
    private var firstCount = 0
    /// How many steps in a row something has held.
    private var runs: [Finding: Int] = [:]
    /// The variance of residuals of each step, and the least of its means over an eighth of the run so far: of thousands of short means
    /// the least is small by chance, and so no measure of anything.
    private var residuals: [Double] = []
    private var leastResidual = Double.infinity
    /// What was said, and how many steps in a row the figures have been well since.
    private var said: [Finding: Int] = [:]

    /// What is compared with the beginning of the run.
    private static let compared = ["unique_share", "length_mean", "verdicts.unread"]

    init(minimisesResiduals: Bool) { self.minimisesResiduals = minimisesResiduals }

    /// Of a run with these settings; where they do not name its objective, residuals are watched.
    init(settings: [String: String]) {
        self.init(minimisesResiduals: settings["objective"].flatMap(ObjectiveKind.init)?.defaults.needs.logRewards ?? true)
    }

    /// Takes in the figures of the next step, and gives what has to be said now.
    mutating func note(_ line: MetricsLine) -> [Warning] {
        recent.append(line)
        if recent.count > Self.window { recent.removeFirst() }
        if firstCount < Self.window {
            firstCount += 1
            for key in Self.compared {
                if let value = line[key] { firstMeans[key, default: 0] += value / Double(Self.window) }
            }
        }
        return Finding.allCases.compactMap { finding in
            guard let text = sentence(on: finding, line) else {
                if let well = said[finding] { said[finding] = well + 1 == Self.recovery ? nil : well + 1 }
                return nil
            }
            defer { said[finding] = 0 }
            return said[finding] == nil ? Warning(finding: finding, step: line.step, text: text) : nil
        }
    }

    /// What is wrong, in words; nil: nothing.
    private mutating func sentence(on finding: Finding, _ line: MetricsLine) -> String? {
        switch finding {
        case .diversityCollapsing:
            guard let now = mean("unique_share"), let first = first("unique_share"), now < 0.5 * first, now < 0.5 else { return nil }
            return "diversity is collapsing: of the samples of a prompt \(percent(now)) are different from each other, \(percent(first)) at "
                + "the beginning; a lower train.learning_rate, a larger reward.temperature or replay.share may help"
        case .rewardStuck:
            guard holds(finding, line["equal_reward_share"].map { $0 == 1 }) else { return nil }
            return "the reward is stuck: for \(Self.patience) steps all samples of a prompt have had the same reward, so that none is "
                + "preferred; " + verdicts(line)
        case .lengthDrifting:
            guard let now = mean("length_mean"), let first = first("length_mean"), now > 2 * first || now < 0.5 * first, abs(now - first) > 1
            else { return nil }
            return "lengths drift: samples have \(decimals(now, 1)) tokens, \(decimals(first, 1)) at the beginning; see what is written "
                + "(samples.every=1) and whether the reward pays for it"
        case .samplesUnfinished:
            guard let now = mean("unfinished_share"), now > 0.5 else { return nil }
            return "\(percent(now)) of the samples are cut off by the limit of tokens: raise rollout.max_new_tokens, or start from a model "
                + "that ends its solutions"
        case .stoppingEarly:
            guard let now = mean("verdicts.unread"), let first = first("verdicts.unread"), now > 0.5, now > 2 * first else { return nil }
            return "samples stop in mid-solution: \(percent(now)) end without an answer that can be read, \(percent(first)) at the "
                + "beginning; see what is written (samples.every=1), and whether states=end or a lower train.learning_rate helps"
        case .noGradient:
            guard holds(finding, line["gradient_norm"].map { $0 == 0 }) else { return nil }
            return "nothing is learned: for \(Self.patience) steps the gradient has been zero; rewards that are equal, or a coefficient of 0 "
                + "in the objective, make it so"
        case .bufferDegenerate:
            guard holds(finding, line["replay_duplicate_share"].map { $0 > 0.95 && line["replay_share"] ?? 0 > 0 }) else { return nil }
            return "the replay buffer gets nothing new: for \(Self.patience) steps more than 95 % of the samples have been in it already, so "
                + "that the same \(Int(line["replay_trajectories"] ?? 0)) solutions are learned from again and again; lower replay.share"
        case .residualsGrowing:
            guard minimisesResiduals, let value = line["residual_variance"] else { return nil }
            residuals.append(value)
            guard recent.count == Self.window, let now = mean("residual_variance") else { return nil }
            defer {
                let lately = residuals.suffix(max(Self.window, residuals.count / 8))
                leastResidual = min(leastResidual, lately.reduce(0, +) / Double(lately.count))
            }
            guard now > 10 * leastResidual, now > 1 else { return nil }
            return "residuals grow: the variance of H is \(decimals(now, 1)), more than ten times its least, \(decimals(leastResidual, 2)): "
                + "learning diverges; lower train.learning_rate"
        }
    }

    /// Whether something has held for `patience` steps, this one included; what is not known does not count.
    private mutating func holds(_ finding: Finding, _ condition: Bool?) -> Bool {
        guard let condition else { return false }
        runs[finding] = condition ? runs[finding, default: 0] + 1 : 0
        return runs[finding, default: 0] >= Self.patience
    }

    /// Over the last steps; nil where one of them lacks the figure, or there are not so many yet.
    private func mean(_ key: String) -> Double? {
        let values = recent.compactMap { $0[key] }
        return values.count == Self.window ? values.reduce(0, +) / Double(Self.window) : nil
    }

    private func first(_ key: String) -> Double? { firstCount == Self.window ? firstMeans[key] : nil }

    private func verdicts(_ line: MetricsLine) -> String {
        let shares = Verdict.Reason.allCases.compactMap { reason in
            line["verdicts.\(reason.rawValue)"].flatMap { $0 > 0 ? (reason.rawValue, $0) : nil }
        }
        guard !shares.isEmpty else { return "see what is written (samples.every=1)" }
        return "verdicts: " + shares.sorted { $0.1 > $1.1 }.map { "\($0.0) \(percent($0.1))" }.joined(separator: ", ")
    }

    private func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }
}
