internal import Collective
internal import Foundation
internal import Learner
internal import Model
internal import Tensor

/// One step of GFlowNet fine-tuning by phase: sampling, the reference's log-probabilities, sub-trajectory balance forward and backward,
/// the exact sum of gradients, AdamW. Nothing ends a response, and rewards are random.
///
/// Beside the seconds of a phase are the operations that it needs, by the configuration's count, those that ran, by the kernels' own, and
/// what is needed as a share of what the processor's arithmetic could do meanwhile, measured before and after each step.
struct GFNBench {
    let settings: BenchSettings
    let form: BaseForm

    private enum Phase: String, CaseIterable { case sample, reference, forward, backward, reduce, adamw }

    /// Tokens of a prompt, as in the scripts that measure other programs.
    private static let usualPrompt = 65
    private static let lambda = 0.9

    /// What one phase took in one step.
    private struct Cost {
        var seconds = 0.0
        var work = Work()
    }

    func run(report: (Measurement) -> Void) throws {
        let path = settings.model.isEmpty ? EmbeddedResources.baseModelPath : settings.model
        let (base, form) = try form.open(path, gradients: true, threads: settings.threads.max() ?? 1)
        let context = base.configuration.contextLength, prompt = min(Self.usualPrompt, context - settings.generated)
        guard prompt > 0 else {
            throw RunError.configuration(
                "BENCH_GEN is \(settings.generated) tokens, which leaves no room for a prompt in the model's context of \(context)")
        }
        for threads in settings.threads { try measure(base, form, prompt: prompt, threads: threads, report) }
    }

    private func measure(
        _ base: BaseModel, _ form: String, prompt: Int, threads: Int, _ report: (Measurement) -> Void
    ) throws {
        PeakMemory.restart()
        let step = try Step(self, base, prompt: prompt, threads: threads)
        func measurement(_ metric: Measurement.Metric) -> Measurement {
            Measurement(
                suite: "gfn", caseName: "\(settings.prompts)x\(settings.samples) gen=\(settings.generated) prompt=\(prompt)",
                variant: settings.variant(form), threads: threads, metric: metric)
        }
        var limit = limit(threads: threads)
        // Warms up, on a quarter of the work.
        _ = try step.run(0, samples: max(1, settings.samples / 4))
        var names = Phase.allCases.map(\.rawValue)
        names.append("step")
        var seconds = names.map { measurement(.seconds($0)) }, shares = names.map { measurement(.share($0)) }
        var done = names.map { measurement(.doneWork($0)) }, speed = measurement(.newTokensPerSecond)
        let needs = needs(of: step)
        let all = needs.reduce(into: TokenWork.Needs()) { $0 += $1 }
        var before = limit?.sample()
        for number in 1...settings.steps {
            settings.quiet.wait()
            let whole = LoadMeter()
            var costs = try step.run(number, samples: settings.samples)
            let reading = whole.read()
            costs.append(Cost(seconds: reading.seconds, work: costs.reduce(into: Work()) { $0 += $1.work }))
            let after = limit?.sample(), bound = before.flatMap { before in after.map { (before + $0) / 2 } }
            before = after
            for (index, cost) in costs.enumerated() {
                seconds[index].add(cost.seconds, reading)
                done[index].add(Double(cost.work.total) / 1e9, reading)
                if let bound { shares[index].add((needs + [all])[index].total / cost.seconds / bound, reading) }
            }
            speed.add(Double(settings.prompts * settings.samples * settings.generated) / reading.seconds, reading)
        }
        if let limit { report(limit.measurement) }
        for (index, need) in (needs + [all]).enumerated() {
            report(seconds[index])
            guard need.total > 0 else { continue }
            var needed = measurement(.neededWork(names[index]))
            needed.add(need.total)
            needed.note = "weights \(figure(need.weights)), attention \(figure(need.attention)), adapters \(figure(need.adapters))"
            report(needed)
            report(done[index])
            if limit != nil { report(shares[index]) }
        }
        report(speed)
        if let peak = PeakMemory.mebibytes {
            var memory = measurement(.peakMemory)
            memory.add(peak)
            report(memory)
        }
    }

    private func figure(_ gigaflops: Double) -> String { String(format: gigaflops < 1 ? "%.4f" : "%.1f", gigaflops) }

    /// What arithmetic allows: of bf16 products, or where the precision or the processor has none, of fp32.
    private func limit(threads: Int) -> PeakRate? {
        let instructions: [MachineLimit.Instruction] = form.precision == .bf16 ? [.vdpbf16ps, .fma] : [.fma]
        return instructions.first(where: \.isPresent).map { PeakRate($0, threads: threads, settings) }
    }

    /// By phase. A prompt is computed once for all responses to it, and its last row has logits.
    private func needs(of step: Step) -> [TokenWork.Needs] {
        let responses = settings.samples, length = settings.generated
        let rows = step.prompt + responses * length, states = 1 + responses * length
        let keys = TokenWork.keys(prompt: step.prompt, responses: responses, length: length)
        let policy = step.work.forward(rows: rows, states: states, keys: keys) * settings.prompts
        var reference = policy
        reference.adapters = 0
        let backward = step.work.backward(rows: rows, states: states, keys: keys) * settings.prompts
        return [policy, reference, policy, backward, TokenWork.Needs(), TokenWork.Needs()]
    }

    /// A policy, its reference and its optimiser, as one rank of `train` has them.
    private final class Step {
        let prompt: Int
        let work: TokenWork
        private let settings: BenchSettings
        private let policy, reference: Policy
        private let parallel: Parallel
        private let ends: StopTokens
        private let ranks: any Communicator
        private var parameters: [Float]
        private var optimizer: AdamW
        private var reduction: GradientReduction
        private let gradient: FloatTensor

        init(_ bench: GFNBench, _ base: BaseModel, prompt: Int, threads: Int) throws {
            self.prompt = prompt
            settings = bench.settings
            parallel = Parallel(threads: threads)
            let adapter = AdapterConfiguration(rank: settings.rank, alpha: 2 * Float(settings.rank), targets: LinearKind.allCases)
            policy = Policy(base: base, trainable: .lora(adapter), parallel: parallel)
            policy.activationBudget = MemoryLimit.usualBudget
            // It adopts nothing, and so is the base.
            reference = Policy(base: base, trainable: .full, parallel: parallel)
            ends = base.configuration.endTokens.isEmpty ? StopTokens([0]) : policy.stopTokens
            reference.stopTokens = ends
            work = TokenWork(base.configuration, adapterParameters: policy.layout.count)
            ranks = InProcessCommunicator.ranks(1)[0]
            parameters = try policy.initialParameters(seed: 0)
            policy.adopt(parameters.roundedToBFloat16, version: 0)
            optimizer = AdamW(AdamW.Settings(), count: parameters.count)
            reduction = GradientReduction(count: parameters.count)
            gradient = FloatTensor(parameters.count)
        }

        /// Takes step `number`; the costs are by phase.
        func run(_ number: Int, samples: Int) throws -> [Cost] {
            var costs = Phase.allCases.map { _ in Cost() }
            func timed<Value>(_ phase: Phase, _ body: () throws -> Value) rethrows -> Value {
                let index = Phase.allCases.firstIndex(of: phase) ?? 0
                var watch = StopWatch()
                let meter = WorkMeter()
                defer {
                    costs[index].seconds += watch.lap()
                    costs[index].work += meter.read()
                }
                return try body()
            }
            let random = RandomTokens(vocabulary: policy.base.configuration.vocabularySize)
            let prompts = (0..<settings.prompts).map { random.tokens(prompt, slot: $0) }
            let groups = timed(.sample) { sampled(prompts, samples: samples, step: number) }
            let references = timed(.reference) { groups.map { reference.forward([$0], recording: false).scores[0] } }
            policy.stopTokens = ends
            reduction.begin()
            for (slot, group) in groups.enumerated() {
                let (forward, weights) = timed(.forward) {
                    let forward = policy.forward([group], recording: true)
                    return (forward, slopes(of: forward.scores[0], references[slot], step: number, slot: slot))
                }
                timed(.backward) {
                    gradient.zero()
                    policy.backward(forward, weights: [weights], into: gradient.base)
                }
                timed(.reduce) { reduction.add(gradient.base, slot: slot) }
            }
            let fault = try timed(.reduce) { try reduction.finish(over: ranks, into: gradient.base) }
            precondition(fault == nil, "the gradient of the measured step is no number")
            timed(.adamw) {
                let norm = Kernel.sumOfSquares(gradient.base, count: parameters.count).squareRoot()
                optimizer.update(
                    &parameters, gradient: gradient.base, gradientScale: clippingScale(norm: norm, maximum: 1), learningRate: 1e-4,
                    parallel: parallel)
                policy.adopt(parameters.roundedToBFloat16, version: number + 1)
            }
            return costs
        }

        private func sampled(_ prompts: [[Int32]], samples: Int, step: Int) -> [TokenGroup] {
            policy.stopTokens = .none
            let requests = prompts.enumerated().map { slot, prompt in
                SampleRequest(
                    prompt: prompt,
                    streams: (0..<samples).map { RandomStream(seed: 0, purpose: .sampling, step: step, slot: slot, sample: $0) })
            }
            let responses = policy.sample(
                requests, settings: SamplingSettings(temperature: 1, maxNewTokens: settings.generated))
            return zip(prompts, responses).map { TokenGroup(prompt: $0, responses: $1.map(\.tokens)) }
        }

        /// dL/d log π of a group, as a part of the step's mean: every state may end, and is worth what the reference says of it and a
        /// random number.
        private func slopes(of scores: [ResponseScores], _ reference: [ResponseScores], step: Int, slot: Int) -> [ResponseWeights] {
            var random = RandomStream(seed: 0, purpose: .task, step: step, slot: slot)
            let responses = zip(scores, reference).map { own, reference in
                var sum = 0.0
                let rewards = reference.stopLogProbabilities.indices.map { i in
                    if i > 0 { sum += Double(reference.tokenLogProbabilities[i - 1]) }
                    return sum + Double(reference.stopLogProbabilities[i]) + Double(random.uniform())
                }
                return ScoredResponse(
                    tokenLogProbabilities: own.tokenLogProbabilities.map(Double.init),
                    stopLogProbabilities: own.stopLogProbabilities.map(Double.init), states: Array(rewards.indices),
                    logRewards: rewards, stopIsForced: true)
            }
            let share = 1 / Double(settings.prompts)
            return SubTrajectoryBalance(lambda: GFNBench.lambda).evaluate(responses, root: 0).slopes.map { slopes in
                ResponseWeights(token: slopes.token.map { Float($0 * share) }, stop: slopes.stop.map { Float($0 * share) })
            }
        }
    }
}
