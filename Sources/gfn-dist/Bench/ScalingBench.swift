internal import Evaluation
internal import Foundation
internal import Model
internal import Tensor

/// Time per token of sampling and of learning, of models of different sizes, beside the floating-point operations that a token needs.
///
/// B responses of G random tokens to one prompt, with adapters of rank 16 on all maps. Sampling is decoding alone: the time of G tokens
/// less that of one, which is reading the prompt. Learning is a recorded forward and its backward, over all tokens, which keeps everything:
/// nothing is computed twice but the logits.
struct ScalingBench {
    let settings: BenchSettings
    let form: BaseForm

    /// What was measured of one model.
    struct Result {
        let parameters: Int
        let sampling, learning: (milliseconds: Double, gigaflops: Double)
    }

    /// Models in the order of their sizes; the embedded base where none is named.
    func run(report: (Measurement) -> Void) throws -> [Result] {
        let paths = settings.models.isEmpty ? [EmbeddedResources.baseModelPath] : settings.models
        let threads = settings.threads.max() ?? 1
        return try paths.map { path in
            // Each model leaves memory before the next one is read.
            let (base, form) = try form.open(path, gradients: true, threads: threads)
            let name = URL(fileURLWithPath: path).lastPathComponent
            return measure(base, form: form, name: path == EmbeddedResources.baseModelPath ? "embedded" : name, threads: threads, report)
        }.sorted { $0.parameters < $1.parameters }
    }

    private func measure(
        _ base: BaseModel, form: String, name: String, threads: Int, _ report: (Measurement) -> Void
    ) -> Result {
        let adapter = AdapterConfiguration(rank: 16, alpha: 32, targets: LinearKind.allCases)
        let policy = Policy(base: base, trainable: .lora(adapter), parallel: Parallel(threads: threads))
        policy.adopt(values: [Float](repeating: 0.001, count: policy.layout.count), version: 1)
        policy.stopTokens = .none
        policy.activationBudget = .max
        let batch = settings.batches.max() ?? 8, work = TokenWork(base.configuration, adapterParameters: policy.layout.count)
        let random = RandomTokens(vocabulary: base.configuration.vocabularySize)
        let prompt = random.tokens(settings.prompt, slot: 0)
        let streams = (0..<batch).map { RandomStream(seed: 0, purpose: .sampling, sample: $0) }

        func measurement(_ phase: String, _ gigaflops: Double) -> Measurement {
            Measurement(
                suite: "scaling", caseName: "\(name) \(phase) \(compact(gigaflops)) GFLOP",
                variant: settings.variant(form), threads: threads,
                metric: .millisecondsPerToken)
        }
        func sample(_ tokens: Int) -> LoadMeter.Reading {
            let meter = LoadMeter()
            _ = policy.sample(
                [SampleRequest(prompt: prompt, streams: streams)],
                settings: SamplingSettings(temperature: 1, maxNewTokens: tokens, maxRows: batch))
            return meter.read()
        }
        let samplingWork = work.sampling(position: settings.prompt + settings.generated / 2)
        var sampling = measurement("sampling", samplingWork)
        _ = sample(2)
        let decoded = Double(batch * (settings.generated - 1))
        for _ in 0..<settings.repetitions {
            let first = sample(1), all = sample(settings.generated)
            sampling.add(1000 * max(1e-9, all.seconds - first.seconds) / decoded, all)
        }
        report(sampling)

        let responses = (1...batch).map { random.tokens(settings.generated, slot: $0) }
        let group = TokenGroup(prompt: prompt, responses: responses), rows = settings.prompt + batch * settings.generated
        let weights = [responses.map { ResponseWeights(token: $0.map { _ in 1e-3 }, stop: [Float](repeating: 0, count: $0.count + 1)) }]
        var gradient = [Float](repeating: 0, count: policy.layout.count)
        let learningWork = work.learning(prompt: settings.prompt, responses: batch, length: settings.generated)
        var learning = measurement("learning", learningWork)
        for _ in 0...settings.repetitions {
            let meter = LoadMeter()
            policy.backward(policy.forward([group], recording: true), weights: weights, into: &gradient)
            let reading = meter.read()
            learning.add(1000 * reading.seconds / Double(rows), reading)
        }
        // The first one met cold memory.
        learning.dropFirst()
        report(learning)
        return Result(
            parameters: base.configuration.tensorShapes.reduce(0) { $0 + $1.shape.reduce(1, *) },
            sampling: (Measurement.median(sampling.values), samplingWork),
            learning: (Measurement.median(learning.values), learningWork))
    }

    /// The picture of some results.
    static func plot(_ results: [Result], note: String) -> String {
        func series(_ name: String, _ of: (Result) -> (milliseconds: Double, gigaflops: Double)) -> ScalingPlot.Series {
            ScalingPlot.Series(
                name: name,
                points: results.map {
                    ScalingPlot.Point(parameters: Double($0.parameters), milliseconds: of($0).milliseconds, gigaflops: of($0).gigaflops)
                })
        }
        return ScalingPlot([series("sampling", \.sampling), series("learning", \.learning)], note: note).svg
    }
}
