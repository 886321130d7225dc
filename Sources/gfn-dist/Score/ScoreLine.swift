internal import Rollout

extension JSONLine {
    /// What `score` says of one line of its input.
    init(_ request: ScoreRequest, _ scores: LineScores, _ scoring: ProcessScoring?) {
        self.init()
        switch request.problem {
        case .number(let number): add("problem_id", number)
        case .text(let text): add("problem_id", text)
        case nil: break
        }
        if let sample = request.sample { add("sample_index", sample) }
        add("completion_tokens", request.completion.map(Int.init))
        add("logprobs", scores.tokens)
        add("stop_logprobs", scores.stops)
        add("sum_logprob", scores.tokens.reduce(0) { $0 + Double($1) })
        guard let scoring else { return }
        add("step_rewards", scores.steps)
        add("reward", scoring.whole(of: scores.steps))
    }
}
