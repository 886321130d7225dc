internal import Learner
internal import Model

/// What the ranks of a run may use of their node's memory together.
struct MemoryLimit: Sendable, Equatable {
    /// Nil: nobody knows.
    private let bytes: Int?
    /// Whether the setting names it; otherwise it is what the node had left when the program started.
    private let isChosen: Bool

    /// What learners keep of activations where no limit is named, at most: enough for small models, and room for what else runs.
    static let usualBudget = 1 << 30

    /// - Parameters:
    ///   - setting: the value of `memory.limit`.
    ///   - available: what the node had left, in bytes; nil: it does not say.
    init(_ setting: String, available: Int?) {
        let chosen = ByteSize(setting)?.bytes
        (bytes, isChosen) = (chosen ?? available, chosen != nil)
    }

    /// Fails where less is there than is needed. The base's weights are not read by then.
    /// - Parameter advice: what would take less.
    func require(_ plan: MemoryPlan, advice: [String]) throws(RunError) {
        let needed = plan.bytes()
        guard let bytes, needed > bytes else { return }
        let left = ByteSize(bytes).roundedDown
        let place = isChosen ? "memory.limit is \(left) for a node" : "the node has \(left) of memory left"
        let advice = advice + (isChosen ? ["raise memory.limit"] : ["take a node with more memory"])
        throw .configuration(
            "\(place), but \(plan.subject) at least \(ByteSize(needed)): \(plan.account); " + Self.alternatives(advice))
    }

    /// What the ranks of a node take, and how many bytes of activations each learner may keep.
    func share(_ plan: MemoryPlan) -> MemoryShare {
        let budget = bytes.map { plan.budget(within: $0) } ?? plan.learner.recomputed
        let most = plan.bytes() + plan.growth
        return MemoryShare(
            plan: plan, budget: isChosen ? budget : min(budget, Self.usualBudget),
            limitReached: bytes.flatMap { $0 < most ? $0 : nil })
    }

    private static func alternatives(_ advice: [String]) -> String {
        guard let last = advice.last, advice.count > 1 else { return advice.joined() }
        return advice.dropLast().joined(separator: ", ") + ", or " + last
    }
}

/// What a run takes of a node's memory, as it was settled before its model was read.
struct MemoryShare: Sendable, Equatable {
    let plan: MemoryPlan
    /// Of activations that each learner may keep, in bytes.
    let budget: Int
    /// What may be used of the node, in bytes, where full replay buffers would need more; nil: there is room for them.
    let limitReached: Int?

    /// Of the node when the run ends, in bytes, at most.
    var bytes: Int { plan.bytes(budget: budget) + plan.growth }

    /// For people.
    var note: String {
        let start = "memory of this node: about \(ByteSize(plan.bytes(budget: budget))) for \(plan.roles.description)"
        guard plan.growth >= 1 << 20 else { return start }
        let full = "\(start), and up to \(ByteSize(plan.growth)) for replay buffers and saving them"
        guard let limitReached else { return full }
        return "\(full), more than the \(ByteSize(limitReached).roundedDown) there are: a lower replay.per_prompt needs less"
    }
}

extension RunConfiguration {
    /// What makes a training run take less memory.
    func memoryAdvice(_ roles: NodeRoles, _ model: UnloadedModel) -> [String] {
        var advice = [needs.lesson == .group ? "lower rollout.samples_per_prompt or rollout.max_new_tokens" : "take shorter examples"]
        if trainable == .full { advice.append("train adapters (trainable=lora)") }
        if roles.both > 1 { advice.append("let fewer ranks learn (ranks.learners=1)") }
        return advice + MemoryPlan.advice(model, processes: roles.processes)
    }
}

extension MemoryPlan {
    /// What makes a base take less memory.
    static func advice(_ model: UnloadedModel, processes: Int) -> [String] {
        (model.couldUseCodes ? ["set base.weights=blocks"] : []) + (processes > 1 ? ["start fewer ranks on a node"] : [])
    }

    /// Who needs it, with the verb.
    fileprivate var subject: String {
        let isOne = roles.ranks == 1 || roles.ranks == 0 && roles.processes == 1
        let who = roles.ranks > 0 ? roles.description : "\(roles.processes) process\(isOne ? "" : "es")"
        return "its \(who) need\(isOne ? "s" : "")"
    }
}
