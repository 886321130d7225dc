internal import Collective
internal import Evaluation
internal import Foundation
internal import Model
internal import Problems
internal import Rollout

/// log π(y⊤|x) and log R(y⊤) of every listed response to a problem.
struct SolutionScores: Codable {
    var logPolicy: [Double] = []
    var logReward: [Double] = []

    var distance: ExactDistance { ExactDistance(logPolicy: logPolicy, logReward: logReward) }
}

/// Teacher-forces every listed response under the policy and the reference, of a task that can list them.
struct SolutionScoring {
    /// Solutions that are scored in one forward pass.
    private static let solutionsAtOnce = 128

    let task: any Task
    let policy: Policy
    let reference: Policy
    let rewards: RewardSettings
    let processScoring: ProcessScoring?
    /// At which the schedules of the rewards are looked at.
    let step: Int

    /// Of all, or of some of them.
    func scores(of problem: Int, _ range: Range<Int>? = nil, poll: () -> Void) -> SolutionScores {
        var result = SolutionScores()
        guard let solutions = task.listedResponses(to: problem) else { preconditionFailure("\(task.name) lists no responses") }
        let prompt = task.promptTokens(of: problem), legal = task.legalResponses(to: problem), range = range ?? solutions.indices
        for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.solutionsAtOnce) {
            let part = Array(solutions[start..<min(start + Self.solutionsAtOnce, range.upperBound)])
            let group = TokenGroup(prompt: prompt, responses: part, legal: legal)
            let scores = policy.forward([group], recording: false).scores[0]
            let referenceScores = rewards.usesReference ? reference.forward([group], recording: false).scores[0] : []
            var responses = part.map {
                ProcessScoring.Response(tokens: $0, states: task.states(of: $0, stop: .stopToken, problem: problem))
            }
            if let processScoring { responses = processScoring.score(responses, to: prompt, of: task) }
            for (index, response) in responses.enumerated() {
                result.logPolicy.append(Self.logProbability(scores[index]))
                for state in response.states.suffix(1) {
                    result.logReward.append(
                        rewards.logReward(
                            of: state, referenceLogProbability: referenceScores.isEmpty ? 0 : Self.logProbability(referenceScores[index]),
                            step: step))
                }
            }
            poll()
        }
        return result
    }

    /// Of problems of `work`, shared by all ranks; rank 0 gets the summary in the order of the problems, the others nil. Collective.
    static func summary(_ work: SampleWork, _ communicator: any Communicator) throws -> ExactSummary? {
        guard work.task.problemCount > 0, work.task.listedResponses(to: 0) != nil else { return nil }
        let scoring = SolutionScoring(
            task: work.task, policy: work.policy(), reference: work.basePolicy(), rewards: work.configuration.rewards,
            processScoring: work.processScoring(), step: .max)
        let count = work.plan.problemCount
        var scores: [SolutionScores] = []
        for start in stride(from: 0, to: count, by: communicator.size) {
            let problem = start + communicator.rank
            if problem < count { scores.append(scoring.scores(of: problem, poll: { communicator.poll() })) }
            if try communicator.any(SignalFlags.stopRequested != nil) {
                throw RunError.interrupted("stopped while exact distances were computed: the same call with --resume samples nothing again")
            }
        }
        let gathered = try communicator.allGather([UInt8](JSONEncoder().encode(scores)))
        guard communicator.rank == 0 else { return nil }
        let all = try gathered.map { try JSONDecoder().decode([SolutionScores].self, from: Data($0)) }
        return ExactSummary((0..<count).map { all[$0 % communicator.size][$0 / communicator.size].distance })
    }

    /// log π(y⊤ | x) of a whole response.
    private static func logProbability(_ scores: ResponseScores) -> Double {
        scores.tokenLogProbabilities.reduce(0) { $0 + Double($1) } + Double(scores.stopLogProbabilities.last ?? 0)
    }
}
