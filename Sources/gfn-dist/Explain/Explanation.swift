internal import Learner
internal import Problems
internal import Rollout

/// One response as one step of a run learned from it: what the policy gave it, what it was worth, and what the objective did to each token.
///
/// All numbers are those that the learner computed with; log-probabilities and rewards are in nats.
struct Explanation: Sendable {
    /// What a response is told from others by.
    struct Place: Sendable {
        /// The run's folder, and what the step was made again from.
        let run, start: String
        let step: Int
        let problem: String
        let sample: Int
        /// Whether the replay buffer gave the group, rather than the step's own sampling.
        let isReplayed: Bool
    }

    let place: Place
    let objective: ObjectiveRole
    let prompt, text: String
    let verdict: Verdict
    /// Whether the limit of tokens ended it.
    let isCut: Bool
    /// Of the policy that learned, and of the one that sampled.
    let version, sampledWith: Int
    let reward: RewardParts
    /// The one number that an objective makes of the reward of the whole response; nil where it makes none, or one for each action.
    let weighedReward: Double?
    let group: GroupFigures
    /// Of the whole step, as its line in the log has it; nil where it has none.
    let stepLoss: Double?
    /// From the prompt alone to the last token.
    let rows: [ExplanationRow]
    /// The file that has the same response bit for bit; nil where the step's samples were not written.
    let storedIn: String?

    var end: ExplanationRow { rows[rows.count - 1] }
    /// The share of the group's loss that this response has; nil where losses have no shares: one of the group as a whole, 0, or
    /// terms of either sign.
    var lossShare: Double? {
        group.losses.isEmpty || group.loss == 0 || group.losses.contains { $0 < 0 } ? nil : group.losses[place.sample] / group.loss
    }
    var loss: Double? { group.losses.isEmpty ? nil : group.losses[place.sample] }

    /// Numbers that sampler and learner both have and that are not the same.
    var differingLogProbabilities: Int {
        let actions = rows.compactMap { $0.token?.action } + rows.map(\.stop)
        return actions.count { action in action.sampler.map { $0 != action.logProbability } ?? false }
    }

    /// log π(y⊤ | x).
    var logProbability: Double {
        rows.reduce(0) { $0 + ($1.token?.action.logProbability ?? 0) } + (isCut ? 0 : end.stop.logProbability)
    }
}

/// What an objective looks at, so that what is said of a response is what the loss is about.
struct ObjectiveRole: Sendable {
    /// As `objective` names it.
    let name: String
    /// Whether the loss is a function of residuals H; otherwise of advantages, log-ratios or likelihoods.
    let isBalance: Bool
    /// Whether inner states count too.
    let usesInnerStates: Bool
    /// Whether its first response is chosen over the second.
    let isPair: Bool

    init(_ name: String, _ needs: Needs) {
        self.name = name
        (isBalance, isPair) = (needs.logRewards, needs.lesson == .pair)
        usesInnerStates = needs.innerStates != .unused
    }
}

/// The K responses that share the prompt.
struct GroupFigures: Sendable {
    let loss: Double
    /// By response; empty where the loss is of the group as a whole.
    let losses: [Double]
    let count: Int
    /// log Z(x): learned, or −mean H of the last states.
    let logPartition: Double
    let isLearned: Bool
    /// dL/d log Z(x); nil where nothing learns it.
    let rootSlope: Double?
}

/// What the reward of the whole response was made of, with the weights in force at the step.
struct RewardParts: Sendable {
    let settings: RewardSettings
    /// Before the step: what schedules go by.
    let version: Int
    let state: TerminableState
    /// log π_ref(y⊤ | x), without ⊤ where the limit ended y; nil where it is not known, or no part of what the objective counts.
    let reference: Double?
    /// What the objective counts: log R, or the task's part of it.
    let value: Double
    /// p_k of each step, 0…1, by a reward model; empty without one.
    let stepRewards: [Float]

    var temperature: Double { settings.temperature.value(at: version) }
    var referenceExponent: Double { settings.referenceExponent.value(at: version) }
    var task: Double { settings.untempered(state) }

    /// As a sum that can be checked: "(0.54 · -1.2 steps + 8 correct) / 1 + 0.25 · -11.2 log π_ref = 4.55".
    var formula: String {
        func number(_ value: Double) -> String { ReportNumber.short(value, digits: 5) }
        var terms = ["\(number(settings.processWeight)) · \(number(Double(state.process))) steps"]
        if state.isCorrect { terms.append("\(number(settings.correctBonus)) correct") }
        if !state.isFinished { terms.append("\(number(settings.unfinishedPenalty)) unfinished") }
        var text = "(\(terms.joined(separator: " + ")))"
        if task != settings.unclamped(state) { text = "\(text) clamped to \(number(task))" }
        if temperature != 1 { text += " / \(number(temperature))" }
        if let reference, referenceExponent != 0 { text += " + \(number(referenceExponent)) · \(number(reference)) log π_ref" }
        return "\(text) = \(number(value))"
    }
}
