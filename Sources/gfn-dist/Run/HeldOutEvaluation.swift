internal import Collective
internal import Evaluation
internal import Foundation
internal import Model
internal import Problems
internal import Rollout
internal import Tensor

/// Held-out problems, sampled and judged by all ranks together; nothing is learned from them.
struct HeldOutEvaluation {
    /// What one rank found out about one problem, as it travels to rank 0.
    private struct ProblemResult: Codable {
        var problem: Int
        var figures: ProblemFigures
        /// Where the task can list the correct solutions.
        var solutions: SolutionScores?
    }

    /// Problems whose samples are decoded together: bounds the memory of their caches.
    static let problemsAtOnce = 32

    let task: any Task
    let configuration: RunConfiguration
    let communicator: any Communicator
    let processScoring: ProcessScoring?

    private var options: EvaluationOptions { EvaluationOptions() }

    /// Evaluates `policy` as it is. Collective over all ranks; rank 0 gets the summary, the others nil.
    ///
    /// Samples are addressed by problem and not by version: two versions are compared on the same random numbers.
    func evaluate(_ policy: Policy, reference: Policy, step: Int, adapterDigest: String?) throws -> EvaluationSummary? {
        let mine = (0..<configuration.evaluatedCount(of: task)).filter { $0 % communicator.size == communicator.rank }
        var results: [ProblemResult] = []
        for start in stride(from: 0, to: mine.count, by: Self.problemsAtOnce) {
            let problems = Array(mine[start..<min(start + Self.problemsAtOnce, mine.count)])
            results += sample(problems, with: policy)
        }
        if task.problemCount > 0, task.listedResponses(to: 0) != nil {
            let scoring = SolutionScoring(
                task: task, policy: policy, reference: reference, rewards: configuration.rewards, processScoring: processScoring,
                step: step)
            for index in results.indices {
                results[index].solutions = scoring.scores(of: results[index].problem, poll: { communicator.poll() })
            }
        }
        let gathered = try communicator.allGather([UInt8](JSONEncoder().encode(results)))
        guard communicator.rank == 0 else { return nil }
        let all = try gathered.flatMap { try JSONDecoder().decode([ProblemResult].self, from: Data($0)) }
        return summarise(all.sorted { $0.problem < $1.problem }, version: policy.version, adapterDigest)
    }

    private func sample(_ problems: [Int], with policy: Policy) -> [ProblemResult] {
        let requests = problems.map { problem in
            SampleRequest(
                prompt: task.promptTokens(of: problem),
                streams: (0..<configuration.integer("evaluate.samples_per_problem")).map {
                    RandomStream(seed: configuration.seed, purpose: .evaluation, slot: problem, sample: $0)
                }, legal: task.legalResponses(to: problem))
        }
        let settings = SamplingSettings(
            temperature: Float(configuration.number("evaluate.temperature")), maxNewTokens: configuration.maxNewTokens(for: task))
        let sampled = policy.sample(requests, settings: settings, poll: { communicator.poll() })
        return zip(problems, sampled).map { problem, responses in
            let samples = responses.map { response in
                JudgedSamples.Sample(
                    text: task.text(of: response.tokens),
                    verdict: task.verdict(on: response.tokens, stop: response.stop, problem: problem),
                    isFinished: response.stop == .stopToken, length: response.tokens.count, entropyPerToken: response.scores.meanEntropy)
            }
            return ProblemResult(problem: problem, figures: JudgedSamples(samples).figures(options))
        }
    }

    private func summarise(_ results: [ProblemResult], version: Int, _ adapterDigest: String?) -> EvaluationSummary? {
        var tally = TemperatureTally(options)
        for result in results { tally.add(result.figures, of: result.problem, named: task.identifier(of: result.problem)) }
        guard let summary = tally.summary else { return nil }
        let temperature = Temperature(configuration.number("evaluate.temperature"))
        return EvaluationSummary(
            dataset: task.name, samplesPerProblem: configuration.integer("evaluate.samples_per_problem"), policyVersion: version,
            adapterSHA256: adapterDigest, all: EvaluationSummary.Part(problems: results.count, temperatures: [temperature: summary]),
            exact: ExactSummary(results.compactMap(\.solutions).map(\.distance)))
    }
}
