internal import Collective
internal import Foundation
internal import Learner
internal import Model
internal import Problems
internal import Tensor

/// The nodes that a run is planned for.
struct PlannedNodes: Sendable, Equatable {
    var count = 1
    var cores: Int
    /// What ranks may use of a node, in bytes; nil: nobody knows.
    var memory: Int?
    /// Bytes a second between two nodes.
    var network = 1e9
}

/// What a run takes with one layout of ranks.
struct Plan {
    let nodes: PlannedNodes
    let ranksPerNode, threads: Int
    let layout: RankLayout?
    /// Of the node with rank 0, which has the most to hold.
    let memory: MemoryPlan
    /// What its learners keep of activations beyond what they must, each, in bytes.
    let budget: Int
    let step: PlanMeasurement.Step
    /// Tokens that a step samples.
    let tokensPerStep: Int
    /// Bytes that a learner receives for the sum of gradients, and a rollout for new weights before compression.
    let reductionBytes, weightBytes: Int
    /// Seconds of a step's exchange between nodes.
    let exchange: Double
    let steps: Int
    let evaluations: Double

    var ranks: Int { nodes.count * ranksPerNode }
    var secondsPerStep: Double { step.step + exchange }
    var seconds: Double { Double(steps) * secondsPerStep + evaluations }
    /// Of a node when the run ends, in bytes, at most; a run that has less recomputes more, down to `memory.bytes()`, which does not count
    /// what replay buffers will hold.
    var memoryBytes: Int { memory.bytes(budget: budget) + memory.growth }
    var fits: Bool { nodes.memory.map { memory.bytes() <= $0 } ?? true }
    /// What does not fit, for people.
    private var verdict: String {
        guard fits else { return ": TOO MUCH" }
        guard let most = nodes.memory, memoryBytes > most else { return "" }
        return ": TOO MUCH if replay buffers fill, for which a lower replay.per_prompt helps"
    }

    /// - Parameters:
    ///   - opened: the run, with its whole model.
    ///   - step: what a step takes with this layout on the node, without what travels between nodes.
    init(
        _ opened: OpenedWorkspace, _ nodes: PlannedNodes, ranksPerNode: Int, threads: Int, length: Int, step: PlanMeasurement.Step
    ) throws(RankLayoutError) {
        let configuration = opened.configuration, ranks = nodes.count * ranksPerNode
        (self.nodes, self.ranksPerNode, self.threads) = (nodes, ranksPerNode, threads)
        layout = configuration.needs.usesRollouts ? try configuration.layout(ofRanks: ranks) : nil
        memory = MemoryPlan(opened, NodeRoles(layout, ranks: Array(0..<ranksPerNode), of: ranks, processes: ranksPerNode), length: length)
        let limit = MemoryLimit(configuration.text("memory.limit"), available: nodes.memory)
        budget = limit.share(memory).budget
        self.step = step
        let perStep = configuration.promptsPerStep * configuration.samplesPerPrompt
        tokensPerStep = configuration.needs.usesRollouts ? perStep * (length + 1) : 0
        let parameters = ParameterLayout(opened.trainable, of: opened.base.model.configuration).count
        let learners = layout?.learners.count ?? ranks
        // docs/architecture.md, "What travels in a step".
        reductionBytes = learners > 1 ? (12 * parameters / learners * (learners - 1)) + 4 * (parameters - parameters / learners) : 0
        weightBytes = layout.map { $0.weightReceivers.isEmpty ? 0 : 2 * parameters } ?? 0
        exchange = nodes.count > 1 ? Double(reductionBytes + weightBytes) / nodes.network : 0
        steps = configuration.steps
        let each = configuration.optionalInteger("evaluate.every").map { configuration.steps / max(1, $0) } ?? 0
        // As fast a token as in the steps; an evaluation has all ranks.
        let perToken = tokensPerStep > 0 ? step.sample / Double(tokensPerStep) : 0
        let tokens = opened.evaluations.reduce(0) { sum, task in
            sum + configuration.evaluatedCount(of: task) * configuration.integer("evaluate.samples_per_problem") * (length + 1)
        }
        evaluations = Double(each + 2) * Double(tokens) * perToken
    }

    /// Seconds of a step or of a part of one, for people: as many digits as steps of this length need.
    func stepText(_ seconds: Double) -> String { decimals(seconds, secondsPerStep < 1 ? 3 : 2) }

    var layoutText: String {
        func text(_ count: Int, _ name: String) -> String { "\(count) \(name)\(count == 1 ? "" : "s")" }
        return [text(nodes.count, "node"), text(ranksPerNode, "rank"), text(threads, "thread")].joined(separator: " × ")
    }

    /// For people.
    func text(_ opened: OpenedWorkspace) -> String {
        var lines = ["layout           \(layoutText)" + (layout.map { ", \($0)" } ?? "")]
        let limit = nodes.memory.map { " of \(ByteSize($0).roundedDown)" } ?? ""
        lines.append("memory of a node \(ByteSize(memoryBytes))\(limit)\(verdict)")
        lines += memory.account.split(separator: ", ").map { "                   \($0)" }
        let kept = memory.bytes(budget: budget) - memory.bytes()
        if kept > 0 { lines.append("                   activations kept \(ByteSize(kept)), where there is room") }
        if memory.growth >= 1 << 20 {
            let (kept, saving) = (ByteSize(memory.replay.bytes), ByteSize(memory.saving.bytes))
            lines.append(
                "                   replay buffers \(kept) and \(saving) to save one, where all that is sampled is worth keeping")
        }
        lines.append(
            "a step           \(stepText(secondsPerStep)) s: sampling \(stepText(step.sample)), scoring \(stepText(step.score)), "
                + "learning \(stepText(step.learn))" + (exchange > 0 ? ", between nodes \(stepText(exchange))" : ""))
        if tokensPerStep > 0 {
            let rate = decimals(Double(tokensPerStep) / max(secondsPerStep, 1e-9), 0)
            lines.append("                   \(tokensPerStep) tokens sampled, \(rate) tok/s")
        }
        lines.append(
            "traffic a step   \(bytes(reductionBytes)) to each learner"
                + (weightBytes > 0 ? ", at most \(bytes(weightBytes)) to each rollout, less as a change" : ""))
        lines.append("the whole run    \(ProgressLine.clock(seconds)): \(steps) steps, evaluations \(ProgressLine.clock(evaluations))")
        return lines.joined(separator: "\n")
    }

    func json(_ opened: OpenedWorkspace, length: Int) -> JSONLine {
        var line = JSONLine()
        line.add("nodes", nodes.count)
        line.add("ranks_per_node", ranksPerNode)
        line.add("threads", threads)
        line.add("learners", layout?.learners.count ?? ranks)
        line.add("rollouts", layout?.rollouts.count ?? 0)
        line.add("memory_node_bytes", memoryBytes)
        line.add("memory_least_bytes", memory.bytes())
        line.add("memory_limit_bytes", nodes.memory)
        line.add("fits", fits)
        var parts = JSONLine()
        for part in memory.parts where part.bytes > 0 { parts.add(part.name, part.bytes) }
        for part in [memory.replay, memory.saving] where part.bytes > 0 { parts.add(part.name, part.bytes) }
        parts.add("passes of learners", memory.roles.learning * memory.learner.bytes(budget: budget))
        parts.add("passes of rollouts", memory.roles.rollouts * memory.rollout.bytes())
        line.add("memory_parts", parts)
        line.add("response_tokens", length)
        line.add("seconds_step", secondsPerStep)
        line.add("seconds_sample", step.sample)
        line.add("seconds_score", step.score)
        line.add("seconds_learn", step.learn)
        line.add("seconds_exchange", exchange)
        line.add("tokens_per_step", tokensPerStep)
        line.add("sync_reduce_bytes", reductionBytes)
        line.add("sync_weight_bytes", weightBytes)
        line.add("steps", steps)
        line.add("seconds_evaluations", evaluations)
        line.add("seconds_run", seconds)
        return line
    }
}
