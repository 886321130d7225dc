internal import Foundation
internal import Learner
internal import Model
internal import Tensor

/// How fast an adapter on all seven maps learns to write given texts: forward, backward and AdamW, and the most memory that it takes.
///
/// Once with texts that have nothing in common, and once with texts of which the first half is one prompt, which is computed once for
/// all of them. Tokens a second are those of the texts, so that both compare: the second case does less for each.
struct TrainBench {
    let settings: BenchSettings
    let form: BaseForm

    private enum Phase: String, CaseIterable { case forward, backward, adamw }

    func run(report: (Measurement) -> Void) throws {
        let path = settings.model.isEmpty ? EmbeddedResources.baseModelPath : settings.model
        let (base, form) = try form.open(path, gradients: true, threads: settings.threads.max() ?? 1)
        let context = base.configuration.contextLength
        guard settings.sequence <= context else {
            throw RunError.configuration("BENCH_SEQ is \(settings.sequence) tokens, more than the model's context of \(context)")
        }
        let random = RandomTokens(vocabulary: base.configuration.vocabularySize)
        let texts = (1...settings.batch).map { random.tokens(settings.sequence, slot: $0) }
        let shared = settings.sequence / 2
        let name = "batch=\(settings.batch) tokens=\(settings.sequence) r=\(settings.rank)"
        for threads in settings.threads {
            measure(
                base, form, "\(name)", texts.map { TokenGroup(prompt: Array($0.prefix(1)), responses: [Array($0.dropFirst())]) },
                threads: threads, report)
            measure(
                base, form, "\(name) shared prompt=\(shared)",
                [TokenGroup(prompt: random.tokens(shared, slot: 0), responses: texts.map { Array($0.dropFirst(shared)) })],
                threads: threads, report)
        }
    }

    private func measure(
        _ base: BaseModel, _ form: String, _ name: String, _ groups: [TokenGroup], threads: Int, _ report: (Measurement) -> Void
    ) {
        PeakMemory.restart()
        let parallel = Parallel(threads: threads)
        let adapter = AdapterConfiguration(rank: settings.rank, alpha: 2 * Float(settings.rank), targets: LinearKind.allCases)
        let policy = Policy(base: base, trainable: .lora(adapter), parallel: parallel)
        policy.activationBudget = settings.recomputes ? 0 : .max
        var parameters = [Float](repeating: 0.001, count: policy.layout.count)
        policy.adopt(parameters.roundedToBFloat16, version: 0)
        var optimizer = AdamW(AdamW.Settings(), count: parameters.count)
        let gradient = FloatTensor(parameters.count)
        let learned = groups.reduce(0) { $0 + $1.responses.reduce(0) { $0 + $1.count } }
        let slope = -1 / Float(learned)
        let weights = groups.map { group in
            group.responses.map {
                ResponseWeights(
                    token: [Float](repeating: slope, count: $0.count), stop: [Float](repeating: 0, count: $0.count + 1))
            }
        }
        func measurement(_ metric: Measurement.Metric) -> Measurement {
            Measurement(
                suite: "train", caseName: name, variant: settings.variant(settings.recomputes ? "\(form) ckpt" : form), threads: threads,
                metric: metric)
        }
        var speed = measurement(.tokensPerSecond), phases = Phase.allCases.map { measurement(.seconds($0.rawValue)) }
        let tokens = Double(settings.batch * settings.sequence)
        for step in 0...settings.repetitions {
            settings.quiet.wait()
            let whole = LoadMeter()
            let forward = policy.forward(groups, recording: true)
            let afterForward = whole.read()
            gradient.zero()
            policy.backward(forward, weights: weights, into: gradient.base)
            let afterBackward = whole.read()
            optimizer.update(&parameters, gradient: gradient.base, learningRate: 1e-4, parallel: parallel)
            policy.adopt(parameters.roundedToBFloat16, version: step + 1)
            let all = whole.read()
            // The first one met cold memory.
            if step == 0 { continue }
            speed.add(tokens / all.seconds, all)
            let ends = [0, afterForward.seconds, afterBackward.seconds, all.seconds]
            for index in phases.indices { phases[index].add(ends[index + 1] - ends[index], all) }
        }
        let rows = groups.reduce(0) { $0 + $1.prompt.count + $1.responses.reduce(0) { $0 + $1.count } }
        speed.note = "\(String(format: "%.2f", Double(policy.layout.count) / 1e6))M trainable, \(rows) rows computed"
        report(speed)
        phases.forEach(report)
        if let peak = PeakMemory.mebibytes {
            var memory = measurement(.peakMemory)
            memory.add(peak)
            report(memory)
        }
    }
}
