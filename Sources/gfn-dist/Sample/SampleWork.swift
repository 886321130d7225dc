internal import Foundation
internal import Model
internal import Problems
internal import Rollout

/// What all ranks of a process share while they sample: the problems, the model, and what is asked for.
struct SampleWork: LineWork {
    static let command = "sample"

    let configuration: RunConfiguration
    let task: any Task
    let plan: SamplePlan
    private let model: LoadedModel
    private let rewardModel: LoadedRewardModel?
    /// Of texts; nil for the embedded task, which has tokens of its own.
    let tokenizer: Tokenizer?
    let contextLength, vocabularySize: Int
    let notes: [String]

    /// Opens data and model.
    /// - Parameters:
    ///   - temperatures: of the samples, in the order of their lines.
    ///   - split: of the embedded task's problems, where they are sampled; nil: what the settings name.
    ///   - node: what the ranks share.
    init(_ configuration: RunConfiguration, temperatures: [Double], split: PathSum.Split? = nil, on node: NodeShare) throws {
        self.configuration = configuration
        let files = try LoadedModel.files(configuration.layers)
        let template: String
        if let split = split ?? RunConfiguration.split(named: configuration.text("data.evaluate")) {
            task = configuration.pathSum(split)
            tokenizer = nil
            template = RunConfiguration.embeddedTask
            notes = files.notes
            try Self.requireRoom(for: task, configuration, files)
        } else {
            let opening = try TaskOpening(files, configuration)
            tokenizer = opening.tokenizer
            template = opening.templateName
            var notes = files.notes + opening.notes
            task = try opening.task(configuration.text("data.evaluate"), notes: &notes)
            self.notes = notes
        }
        (contextLength, vocabularySize) = (files.configuration.contextLength, files.configuration.vocabularySize)
        plan = SamplePlan(
            problemCount: configuration.evaluatedCount(of: task), temperatures: temperatures,
            samplesPerProblem: configuration.integer("evaluate.samples_per_problem"))
        model = try LoadedModel(files, configuration.layers, on: node)
        let path = configuration.text("reward_model")
        rewardModel = path.isEmpty ? nil : try model.rewardModel(path, template: template)
    }

    /// The embedded task has tokens and lengths of its own, whatever the model.
    private static func requireRoom(
        for task: any Task, _ configuration: RunConfiguration, _ files: ModelFiles
    ) throws(RunError) {
        let (expected, model) = (PathSum.modelConfiguration, files.configuration)
        guard model.vocabularySize == expected.vocabularySize else {
            throw .configuration(
                "the model \(files.path) has \(model.vocabularySize) tokens, but the embedded task is written in "
                    + "\(expected.vocabularySize) of its own: name a model that was trained on it, or none")
        }
        let (prompt, answer) = (task.promptTokens(of: 0).count, configuration.maxNewTokens(for: task))
        guard prompt + answer <= model.contextLength else {
            throw .configuration(
                "the model's context of \(model.contextLength) tokens has no room for an answer of \(answer) behind a prompt of "
                    + "\(prompt); lower rollout.max_new_tokens")
        }
    }

    /// How many of the data set's problems lie before the end of those that are sampled; too long ones among them are not.
    var coveredCount: Int {
        guard let words = task as? WordProblems, plan.problemCount > 0 else { return plan.problemCount }
        return words.place(of: plan.problemCount - 1) + 1
    }

    var problemCount: Int { plan.problemCount }
    var problemsAtOnce: Int { plan.problemsAtOnce }

    func maker() -> ProblemSampler { ProblemSampler(self) }
    func recognition() -> SampleRecognition { SampleRecognition(self) }
    func progress(startingAt first: Int, quiet: Bool) -> SampleProgress { SampleProgress(plan, startingAt: first, quiet: quiet) }

    /// How responses are drawn.
    func samplingSettings(at temperature: Double) -> SamplingSettings {
        SamplingSettings(
            temperature: Float(temperature), maxNewTokens: configuration.maxNewTokens(for: task), maxRows: SamplePlan.decodingRows,
            topK: configuration.optionalInteger("sample.top_k") ?? 0, topP: Float(configuration.number("sample.top_p")),
            minP: Float(configuration.number("sample.min_p")))
    }

    /// What one rank samples with.
    func policy() -> Policy { model.policy(endingWith: task.stopTokens) }

    /// What a rank scores steps with, where a reward model is named.
    func processScoring() -> ProcessScoring? { rewardModel.map { configuration.processScoring($0.model()) } }

    /// The same without the adapter.
    func basePolicy() -> Policy { model.basePolicy(endingWith: task.stopTokens) }

    /// Of the adapter's bf16 bits, as a run reports it; nil without one.
    var adapterDigest: String? { model.adapterDigest }
}
