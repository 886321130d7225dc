/// An explanation as one object: every number as it was computed with.
struct ExplanationJSON {
    private let explanation: Explanation

    init(_ explanation: Explanation) { self.explanation = explanation }

    var line: JSONLine {
        let place = explanation.place, group = explanation.group, reward = explanation.reward
        var line = JSONLine()
        line.add("run", place.run)
        line.add("step", place.step)
        line.add("objective", explanation.objective.name)
        line.add("policy_version", explanation.version)
        line.add("sampled_with", explanation.sampledWith)
        line.add("replayed", place.isReplayed)
        line.add(name: "problem_id", place.problem)
        line.add("sample_index", place.sample)
        line.add("prompt", explanation.prompt)
        line.add("text", explanation.text)
        line.add("verdict", explanation.verdict.reason.rawValue)
        if let answer = explanation.verdict.answer { line.add("answer", answer) }
        line.add("stop", explanation.isCut ? "length" : "stop")
        line.add(explanation.objective.isBalance ? "log_reward" : "reward", reward.value)
        if let weighed = explanation.weighedReward { line.add("weighed_reward", weighed) }
        line.add("reward_parts", parts(of: reward))
        if !reward.stepRewards.isEmpty { line.add("step_rewards", reward.stepRewards) }
        line.add("logprob", explanation.logProbability)
        line.add("log_z", group.logPartition)
        line.add("log_z_learned", group.isLearned)
        if let slope = group.rootSlope { line.add("log_z_slope", slope) }
        if let loss = explanation.loss { line.add("loss", loss) }
        line.add("group_loss", group.loss)
        if !group.losses.isEmpty { line.add("losses", group.losses) }
        if let loss = explanation.stepLoss { line.add("step_loss", loss) }
        if let file = explanation.storedIn { line.add("stored_in", file) }
        line.add("differing_logprobs", explanation.differingLogProbabilities)
        line.add("states", explanation.rows.map(object))
        line.add("words", ExplanationWords(explanation).sentences)
        return line
    }

    private func parts(of reward: RewardParts) -> JSONLine {
        var line = JSONLine()
        line.add("process", Double(reward.state.process))
        line.add("finished", reward.state.isFinished)
        line.add("correct", reward.state.isCorrect)
        line.add("task", reward.task)
        line.add("temperature", reward.temperature)
        line.add("reference_exponent", reward.referenceExponent)
        if let reference = reward.reference { line.add("log_reference", reference) }
        return line
    }

    private func object(_ row: ExplanationRow) -> JSONLine {
        var line = JSONLine()
        line.add("index", row.index)
        if let token = row.token {
            line.add("id", Int(token.id))
            line.add("text", token.text)
            add(token.action, to: &line, prefix: "")
        }
        add(row.stop, to: &line, prefix: "stop_")
        if row.isForced { line.add("stop_forced", true) }
        if let state = row.state {
            line.add("process", state.process)
            line.add("log_reward", state.logReward)
            line.add("residual", state.residual)
        }
        return line
    }

    private func add(_ action: ExplanationRow.Action, to line: inout JSONLine, prefix: String) {
        line.add("\(prefix)logprob", action.logProbability)
        if let sampler = action.sampler { line.add("\(prefix)sampler_logprob", sampler) }
        if let reference = action.reference { line.add("\(prefix)reference_logprob", reference) }
        line.add("\(prefix)slope", action.slope)
        if let advantage = action.advantage { line.add("\(prefix)advantage", advantage) }
        if let value = action.value { line.add("\(prefix)value", value) }
        if let target = action.target { line.add("\(prefix)return", target) }
    }
}
