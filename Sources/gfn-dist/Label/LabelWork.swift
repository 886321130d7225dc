internal import Model
internal import Problems
internal import Tensor

/// Labels of the steps of solutions, estimated by completing them (Math-Shepherd, Wang et al. 2023, arXiv 2312.08935): what all ranks of
/// a process share.
struct LabelWork: LineWork {
    static let command = "reward"
    /// Of one step; bounds the address of a completion.
    static let completionLimits = 1...4096

    /// Samples the solutions where none are given, and completes them.
    let sampling: SampleWork
    let temperature: Double
    /// Of each step.
    let completions: Int
    /// What is labelled instead of sampled solutions.
    let given: GivenSolutions?

    var notes: [String] { sampling.notes + (given?.notes ?? []) }
    var task: any Task { sampling.task }
    /// Numbers of a problem's samples are below.
    var samplesPerProblem: Int { given?.samplesPerProblem ?? sampling.plan.samplesPerProblem }
    var problemCount: Int { sampling.plan.problemCount }

    /// Opens data and model.
    /// - Parameters:
    ///   - split: of the embedded task's problems; nil: what the settings name.
    ///   - samples: what is labelled instead of sampled solutions.
    ///   - node: what the ranks share.
    init(
        _ configuration: RunConfiguration, temperature: Double, completions: Int, split: PathSum.Split?, samples: SampleSelection?,
        on node: NodeShare
    ) throws {
        try samples?.set.requireFile()
        (self.temperature, self.completions) = (temperature, completions)
        sampling = try SampleWork(configuration, temperatures: [temperature], split: split, on: node)
        given = try samples.map { [sampling] in try GivenSolutions($0, of: sampling) }
    }

    /// Nearly all responses are completions, of which each solution has as many as one of its steps at least.
    var problemsAtOnce: Int {
        let completed = samplesPerProblem * completions
        return max(1, (SamplePlan.decodingRows + completed - 1) / completed)
    }

    func maker() -> ProblemLabeller { ProblemLabeller(self) }
    func recognition() -> LabelRecognition { LabelRecognition(self) }
    func progress(startingAt first: Int, quiet: Bool) -> LabelProgress { LabelProgress(self, startingAt: first, quiet: quiet) }

    /// Of one solution of a problem.
    func solutionStream(problem: Int, sample: Int) -> RandomStream {
        RandomStream(seed: sampling.configuration.seed, purpose: .labelSolutions, slot: problem, sample: sample)
    }

    /// Of the completions of the first `step` + 1 steps of a solution.
    func completionStreams(problem: Int, sample: Int, step: Int) -> [RandomStream] {
        (0..<completions).map {
            RandomStream(
                seed: sampling.configuration.seed, purpose: .labelCompletions, step: step, slot: problem,
                sample: sample * completions + $0)
        }
    }
}
