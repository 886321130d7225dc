internal import Model
internal import Rollout
internal import Tensor

/// What the scores of a process reward model cost: against the reference's log-probabilities of the same responses.
///
/// K responses of n random tokens to one prompt, as a group is scored in training: by `ProcessRewardModel.scores`, with an adapter on
/// all maps, and by the base's `forward` alone. Both take turns. A step is four tokens, and a response lacks the last line end, which
/// is fed to the reward model in addition: the dearest case.
struct RewardBench {
    let settings: BenchSettings
    let form: BaseForm

    private static let stepLength = 4
    /// Below this the clock of the machine's load says nothing.
    private static let secondsOfSample = 0.1

    func run(report: (Measurement) -> Void) throws {
        let path = settings.model.isEmpty ? EmbeddedResources.baseModelPath : settings.model
        let (base, name) = try form.open(path, gradients: false, threads: settings.threads.max() ?? 1)
        let context = base.configuration.contextLength
        guard settings.prompt + settings.generated <= context else {
            throw RunError.configuration(
                "BENCH_PROMPT and BENCH_GEN are \(settings.prompt) and \(settings.generated) tokens; "
                    + "expected no more than the model's context of \(context) in all")
        }
        for threads in settings.threads {
            let adapter = AdapterConfiguration(rank: 16, alpha: 32, targets: LinearKind.allCases)
            func policy() -> Policy { Policy(base: base, trainable: .lora(adapter), parallel: Parallel(threads: threads)) }
            let (reference, judge) = (policy(), policy())
            reference.adapterEnabled = false
            judge.adopt(values: try judge.initialParameters(seed: 0), version: 1)
            let width = base.configuration.hiddenSize
            let model = ProcessRewardModel(
                policy: judge, head: RewardHead(weight: [Float](repeating: 1 / Float(width), count: width), bias: 0))
            for count in settings.batches { measure(reference, model, form: name, responses: count, threads: threads).forEach(report) }
        }
    }

    private func measure(
        _ reference: Policy, _ model: ProcessRewardModel, form: String, responses count: Int, threads: Int
    ) -> [Measurement] {
        let vocabulary = reference.base.configuration.vocabularySize
        let random = RandomTokens(vocabulary: vocabulary)
        let prompt = random.tokens(settings.prompt, slot: 0), responses = (1...count).map { random.tokens(settings.generated, slot: $0) }
        let ends = Array(stride(from: Self.stepLength, to: settings.generated, by: Self.stepLength)) + [settings.generated]
        func byReference() { _ = reference.forward([TokenGroup(prompt: prompt, responses: responses)], recording: false) }
        func byRewardModel() {
            let readings = responses.map { StepReading(of: $0, ends: ends, isEnded: true, stepEnd: []) }
            _ = model.scores(of: [.init(prompt: prompt, readings: readings)])
        }
        func measurement(_ variant: String, _ metric: Measurement.Metric) -> Measurement {
            Measurement(
                suite: "reward", caseName: "K=\(count) prompt=\(settings.prompt) n=\(settings.generated)",
                variant: settings.variant("\(variant) \(form)"),
                threads: threads, metric: metric)
        }
        var referenceSpeed = measurement("reference", .tokensPerSecond), rewardSpeed = measurement("reward", .tokensPerSecond)
        var cost = measurement("reward/reference", .ratio)
        byReference()
        byRewardModel()
        let once = LoadMeter()
        byReference()
        let calls = max(1, Int(Self.secondsOfSample / max(once.read().seconds, 1e-6)))
        func sample(_ body: () -> Void) -> LoadMeter.Reading {
            let meter = LoadMeter()
            for _ in 0..<calls { body() }
            return meter.read()
        }
        let scored = Double(calls * count * settings.generated)
        for _ in 0..<settings.repetitions {
            let (a, b) = (sample(byReference), sample(byRewardModel))
            referenceSpeed.add(scored / a.seconds, a)
            rewardSpeed.add(scored / b.seconds, b)
            cost.add(b.seconds / a.seconds, b)
        }
        return [referenceSpeed, rewardSpeed, cost]
    }
}
