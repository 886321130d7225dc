internal import Foundation
internal import Problems
internal import Rollout

/// `samples/step-<n>.jsonl`: what was sampled for a step, one solution a line.
struct SampleLog {
    let task: any Task
    let rewards: RewardSettings

    func text(of groups: [TrajectoryGroup], step: Int) -> String {
        groups.flatMap { group in
            group.trajectories.enumerated().map { index, trajectory in line(trajectory, index, group, step: step).text + "\n" }
        }.joined()
    }

    private func line(_ trajectory: Trajectory, _ index: Int, _ group: TrajectoryGroup, step: Int) -> JSONLine {
        let verdict = task.verdict(on: trajectory.response, stop: trajectory.stop, problem: group.promptID)
        let logProbability = Trajectory.terminatedLogProbabilities(
            at: trajectory.states, tokens: trajectory.tokenLogProbabilities, stops: trajectory.stopLogProbabilities).last
        var line = JSONLine()
        line.add(name: "problem_id", task.identifier(of: group.promptID))
        line.add("sample_index", index)
        line.add("prompt", task.text(of: group.prompt))
        line.add("text", task.text(of: trajectory.response))
        line.add("prompt_tokens", group.prompt.map(Int.init))
        line.add("tokens", trajectory.response.map(Int.init))
        line.add("logprob", logProbability)
        line.add("logprobs", trajectory.tokenLogProbabilities.map(Double.init))
        line.add("stop", trajectory.stop == .stopToken ? "stop" : "length")
        if let answer = verdict.answer { line.add("answer", answer) }
        line.add("correct", verdict.isCorrect)
        line.add("verdict", verdict.reason.rawValue)
        line.add("reward", rewards.logRewards(of: trajectory, step: step - 1).last)
        addParts(of: trajectory, to: &line)
        line.add("policy_version", group.sampledWith)
        return line
    }

    /// What the reward was made of, before schedules, weights and clamps: enough to make another of it.
    private func addParts(of trajectory: Trajectory, to line: inout JSONLine) {
        guard let end = trajectory.states.last else { return }
        line.add("process", Double(end.process))
        line.add("finished", end.isFinished)
        if let reference = trajectory.referenceLogProbabilities?.last { line.add("log_reference", reference) }
        if !trajectory.stepRewards.isEmpty { line.add("step_rewards", trajectory.stepRewards) }
    }
}
