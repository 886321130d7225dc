internal import Foundation
internal import Learner
internal import Model
internal import Problems
internal import Rollout
internal import Tensor

/// What all ranks of a process share while a reward model is trained: the base, the data, and where it starts.
struct RewardWork: Sendable {
    let configuration: RunConfiguration
    let base: BaseModel
    let basePath: String
    let baseDigest: String
    let trainable: Trainable
    /// How prompts are written.
    let template: String
    /// Empty where nothing is trained.
    let training: [LabelledResponse]
    let evaluations: [(name: String, solutions: [StepData.Judged])]
    let threads: Int
    let loss: StepLoss
    let notes: [String]
    /// The adapter, and the head if there is one, that training starts from; nil: fresh.
    private let start: (parameters: [Float], head: RewardHead?)?

    /// Opens model and data.
    init(_ configuration: RunConfiguration, on node: NodeShare) throws {
        threads = configuration.optionalInteger("threads") ?? max(1, ProcessInfo.processInfo.activeProcessorCount / max(1, node.ranks))
        let opened = try OpenedBase(
            configuration, gradients: configuration.steps > 0, parallel: Parallel(threads: threads))
        basePath = opened.path
        var notes = opened.files?.notes ?? []
        let encoder: StepEncoder
        if let files = opened.files, !configuration.model.isEmpty {
            let tokenizer = try files.requireTokenizer()
            let template = try files.chatTemplate(setting: configuration.text("data.chat_template"), for: tokenizer)
            notes += [template?.note].compactMap { $0 }
            encoder = .words(tokenizer, template)
        } else {
            encoder = .pathSum
        }
        template = encoder.name
        let data = StepData(encoder: encoder, configuration: configuration, contextLength: opened.model.configuration.contextLength)
        let path = configuration.text("data.train")
        let examples = configuration.steps == 0 ? [] : try data.training(path, notes: &notes)
        training = LabelNoise(share: configuration.number("labels.flipped"), seed: configuration.seed).turningOver(examples)
        evaluations = try configuration.evaluationPaths.map {
            (name: URL(fileURLWithPath: $0).lastPathComponent, solutions: try data.judged($0, notes: &notes))
        }
        let smoothing = configuration.number("labels.smoothing")
        loss = configuration.text("labels.balance") == "inverse"
            ? StepLoss(balancing: training.flatMap { $0.labels.compactMap { $0 } }, smoothing: smoothing) : StepLoss(smoothing: smoothing)
        try node.require(opened.model, opened.cache, gradients: configuration.steps > 0, limit: configuration.text("memory.limit"))
        base = try opened.load()
        baseDigest = try base.rewardModelDigest
        let adapter = configuration.text("adapter")
        if adapter.isEmpty {
            (self.configuration, trainable, start) = (configuration, configuration.trainable, nil)
        } else if RewardModelFolder.isThere(adapter) {
            let contents = try LoadedRewardModel.contents(adapter, base: base, template: template)
            self.configuration = try configuration.taking(contents.adapter, of: adapter)
            trainable = .lora(contents.adapter)
            start = (ParameterLayout(trainable, of: base.configuration).parameters(of: contents.matrices), contents.head)
        } else {
            let contents = try AdapterFolder.read(adapter, for: base.configuration)
            self.configuration = try configuration.taking(contents.configuration, of: adapter)
            trainable = .lora(contents.configuration)
            start = (ParameterLayout(trainable, of: base.configuration).parameters(of: contents.matrices), nil)
        }
        if configuration.steps == 0, start?.head == nil {
            throw RunError.configuration(
                "train.steps is 0, and there is no reward model to judge; name the folder of one with --set adapter=FOLDER")
        }
        self.notes = notes
    }

    func policy() -> Policy {
        let policy = Policy(base: base, trainable: trainable, parallel: Parallel(threads: threads))
        policy.activationBudget = MemoryLimit.usualBudget
        return policy
    }

    /// Where a new run starts.
    func initialState(of policy: Policy) throws -> PolicyLearner.State {
        let parameters = try start?.parameters ?? policy.initialParameters(seed: configuration.seed)
        return PolicyLearner.State(
            version: 0, parameters: parameters, optimizer: AdamW(AdamW.Settings(), count: parameters.count), root: nil,
            values: start?.head.map { ValueHead(LinearHead(direction: $0.weight, bias: $0.bias)) })
    }

    /// The files of the model that a learner holds.
    func write(_ learner: RewardLearner, to path: String) throws(ModelFileError) {
        try RewardModelFolder.write(
            path, bits: learner.publishedBits, trainable: trainable, head: learner.head, template: template, baseDigest: baseDigest,
            baseModel: basePath, model: base.configuration)
    }
}

extension BaseModel {
    /// Names the base that a reward model was trained on: the digest of the final norm's gains, which every file of a model keeps
    /// in full.
    var rewardModelDigest: String {
        get throws(ModelFileError) {
            let gains = try source.read("model.norm.weight")
            return sha256Hex(gains.flatMap { gain in withUnsafeBytes(of: gain.bitPattern.littleEndian) { Array($0) } })
        }
    }
}

/// Turns over a share of the labels, by their addresses: what noise in the labels does to a model.
struct LabelNoise {
    let share: Double
    let seed: UInt64

    func turningOver(_ examples: [LabelledResponse]) -> [LabelledResponse] {
        guard share > 0 else { return examples }
        return examples.enumerated().map { index, example in
            var example = example
            for (step, label) in example.labels.enumerated() {
                var random = RandomStream(seed: seed, purpose: .labelNoise, slot: index, sample: step)
                if let label, random.unitDouble() < share { example.labels[step] = 1 - label }
            }
            return example
        }
    }
}
