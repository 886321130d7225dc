internal import Learner
internal import Model
internal import Problems
internal import Rollout

extension Explanation {
    /// Of a response as a learner saw it.
    init(
        _ place: Place, of learned: LearnedGroup, objective: ObjectiveRole, rewards: RewardSettings, task: any Task, stepLoss: Double?,
        storedIn: String?
    ) {
        let trajectory = learned.group.trajectories[place.sample], scored = learned.responses[place.sample]
        self.place = place
        self.objective = objective
        (self.stepLoss, self.storedIn) = (stepLoss, storedIn)
        prompt = task.text(of: learned.group.prompt)
        text = task.text(of: trajectory.response)
        verdict = task.verdict(on: trajectory.response, stop: trajectory.stop, problem: learned.group.promptID)
        isCut = trajectory.stop == .length
        (version, sampledWith) = (learned.version, learned.group.sampledWith)
        let logReward = scored.logRewards[scored.logRewards.count - 1]
        let forced = isCut ? Double(trajectory.referenceStopLogProbabilities.last ?? 0) : 0
        reward = RewardParts(
            settings: rewards, version: learned.version, state: trajectory.states[trajectory.states.count - 1],
            reference: objective.isBalance ? trajectory.referenceLogProbabilities?.last.map { $0 - forced } : nil,
            value: objective.isBalance ? logReward : scored.sample?.reward ?? logReward, stepRewards: trajectory.stepRewards)
        let advantages = scored.credit?.advantages ?? []
        weighedReward = advantages.count == 1 && trajectory.actionCount != 1 ? advantages[0] : nil
        group = GroupFigures(
            loss: learned.value.loss, losses: learned.value.lossByResponse, count: learned.responses.count,
            logPartition: learned.root ?? learned.value.residuals.logPartition, isLearned: learned.root != nil,
            rootSlope: learned.value.rootSlope)
        rows = Self.rows(trajectory, scored, learned.value.slopes[place.sample], pieces: Self.pieces(of: trajectory.response, task))
    }

    private static func rows(
        _ trajectory: Trajectory, _ scored: ScoredResponse, _ slopes: ResponseSlopes, pieces: [String]
    ) -> [ExplanationRow] {
        let n = trajectory.response.count, residuals = scored.residuals()
        // The one number of a credit that is not of actions is no advantage of the first of them.
        let actionCount = n + (scored.stopIsForced ? 0 : 1)
        let credit = scored.credit.flatMap { $0.advantages.count == actionCount ? $0 : nil }
        func credited(_ action: ExplanationRow.Action, _ t: Int) -> ExplanationRow.Action {
            var action = action
            if let credit, t < actionCount {
                action.advantage = credit.advantages[t]
                action.target = credit.returns?[t]
            }
            if t < scored.values.count { action.value = scored.values[t] }
            return action
        }
        return (0...n).map { i in
            let token: ExplanationRow.Token? = i == 0 ? nil : ExplanationRow.Token(
                id: trajectory.response[i - 1], text: pieces[i - 1],
                action: credited(
                    ExplanationRow.Action(
                        logProbability: scored.tokenLogProbabilities[i - 1],
                        sampler: trajectory.isSampled ? Double(trajectory.tokenLogProbabilities[i - 1]) : nil,
                        reference: trajectory.hasReference ? Double(trajectory.referenceTokenLogProbabilities[i - 1]) : nil,
                        slope: slopes.token[i - 1]), i - 1))
            let stop = ExplanationRow.Action(
                logProbability: scored.stopLogProbabilities[i],
                sampler: trajectory.isSampled ? Double(trajectory.stopLogProbabilities[i]) : nil,
                reference: trajectory.hasReference ? Double(trajectory.referenceStopLogProbabilities[i]) : nil, slope: slopes.stop[i])
            let state = scored.states.firstIndex(of: i).map { place in
                let state = trajectory.states[place]
                return ExplanationRow.State(
                    isFinished: state.isFinished, isCorrect: state.isCorrect, process: Double(state.process),
                    logReward: scored.logRewards[place], residual: residuals[place])
            }
            return ExplanationRow(
                index: i, token: token, stop: i == n ? credited(stop, n) : stop, isForced: i == n && scored.stopIsForced, state: state)
        }
    }

    /// What each token adds to the text of those before it: a part of a character adds nothing, and what completes it the whole.
    static func pieces(of response: [Int32], _ task: any Task) -> [String] {
        var before = ""
        return response.indices.map { index in
            var text = task.text(of: Array(response[...index]))
            while text.hasSuffix("\u{FFFD}") { text.removeLast() }
            guard text.unicodeScalars.starts(with: before.unicodeScalars) else {
                before = text
                return task.text(of: [response[index]])
            }
            defer { before = text }
            return String(String.UnicodeScalarView(text.unicodeScalars.dropFirst(before.unicodeScalars.count)))
        }
    }
}
