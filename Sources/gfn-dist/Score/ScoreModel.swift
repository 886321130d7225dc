internal import Model
internal import Problems
internal import Rollout
internal import Tensor

/// The model that `score` computes with, and the ends that it scores.
struct ScoreModel: Sendable {
    let files: ModelFiles
    private let model: LoadedModel
    private let stopTokens: StopTokens
    private let rewardModel: LoadedRewardModel?
    private let stepEnds: StepEnds?
    private let aggregate: ProcessAggregate
    private let floor: Double
    /// What people should know of how the files were read.
    let notes: [String]

    /// Takes what `LoadedModel` takes from the settings, and `model`, `data.chat_template`, `reward_model` and how its scores are put together.
    /// - Parameter node: what the ranks share.
    init(_ layers: ConfigurationLayers, on node: NodeShare) throws {
        try layers.check()
        guard layers.values["model"] != "random" else {
            throw RunError.configuration("model is 'random', which has learned nothing to score with; name a folder or a .gguf file")
        }
        files = try LoadedModel.files(layers)
        // No template is used here, but where training used one, its end of a turn belongs to ⊤ and is scored with it.
        let own = files.writtenTemplate.text.flatMap { ChatTemplate.recognise($0) }
        let template = ChatTemplate(setting: layers.values["data.chat_template"] ?? "") ?? own
        guard let ends = ResponseEnds(of: files, template: template) else {
            throw RunError.badData(
                "model \(files.path) names no token that ends a response, expected eos_token_id in its configuration: "
                    + "there is no end to score")
        }
        stopTokens = ends.stopTokens
        notes = files.notes + [ends.note].compactMap { $0 }
        model = try LoadedModel(files, layers, on: node)
        let path = layers.values["reward_model"] ?? ""
        // Prompts are as they stand in the lines, so there is no form of them to compare.
        rewardModel = path.isEmpty ? nil : try model.rewardModel(path, template: nil)
        stepEnds = path.isEmpty ? nil : StepEnds(try files.requireTokenizer())
        aggregate = ProcessAggregate(rawValue: layers.values["reward.aggregate"] ?? "") ?? .product
        floor = Double(layers.values["reward.process_floor"] ?? "") ?? 0
    }

    /// What one rank scores with.
    func scorer() -> LineScorer {
        let steps = zip(rewardModel, stepEnds).map { rewardModel, ends in
            LineScorer.Steps(scoring: ProcessScoring(model: rewardModel.model(), aggregate: aggregate, floor: floor), ends: ends)
        }
        return LineScorer(policy: model.policy(endingWith: stopTokens), steps: steps)
    }
}

/// Both, or nil.
private func zip<A, B>(_ a: A?, _ b: B?) -> (A, B)? {
    guard let a, let b else { return nil }
    return (a, b)
}

/// Scores lines on one rank.
struct LineScorer {
    /// How a reward model reads lines.
    struct Steps {
        let scoring: ProcessScoring
        let ends: StepEnds

        func scores(of group: TokenGroup) -> [[Float]] {
            let readings = group.responses.map { response in
                StepReading(
                    of: response, ends: ends.indices(in: response), isEnded: response.last.map(ends.isLineEnd) ?? false,
                    stepEnd: ends.lineEnd)
            }
            return scoring.model.scores(of: [.init(prompt: group.prompt, readings: readings)])[0]
        }
    }

    let policy: Policy
    let steps: Steps?

    func scores(of batch: ScoreBatch) -> [LineScores] {
        zip(batch.groups, policy.forward(batch.groups, recording: false).scores).flatMap { group, scores in
            let rewards = steps?.scores(of: group)
            return scores.enumerated().map { index, scores in LineScores(scores, steps: rewards?[index] ?? []) }
        }
    }
}
