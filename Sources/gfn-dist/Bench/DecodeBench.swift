internal import Model
internal import Tensor

/// How fast B responses to B different prompts are decoded together: tokens per second after the prompts were read.
///
/// The prompts are random tokens, the likeliest token is taken, and nothing stops a response. Decode alone is the time of G
/// tokens less that of one, which is reading the prompts: B·(G − 1) / (seconds(G) − seconds(1)). The program's sampler
/// always feeds the last token too, to score the end there; both times hold that pass, so it cancels out. The log-probabilities
/// and entropies that training needs of every token are part of what is measured.
struct DecodeBench {
    let settings: BenchSettings
    let precision: Precision

    func run(report: (Measurement) -> Void) throws {
        let loading = Parallel(threads: settings.threads.max() ?? 1)
        let files = try ModelFiles.open(settings.model)
        let base = try BaseModel(files, precision: precision, gradients: false, parallel: loading)
        let context = base.configuration.contextLength
        guard settings.prompt + settings.generated <= context else {
            throw RunError.configuration(
                "BENCH_PROMPT and BENCH_GEN are \(settings.prompt) and \(settings.generated) tokens, more than the model's context of \(context)")
        }
        for threads in settings.threads {
            let untouched = AdapterConfiguration(rank: 1, alpha: 1, targets: [], rankStabilised: false)
            let policy = Policy(base: base, trainable: .lora(untouched), parallel: Parallel(threads: threads))
            policy.adapterEnabled = false
            policy.stopTokens = .none
            for batch in settings.batches { report(measure(policy, batch: batch, threads: threads)) }
        }
    }

    private func measure(_ policy: Policy, batch: Int, threads: Int) -> Measurement {
        let requests = prompts(batch, vocabulary: policy.base.configuration.vocabularySize)
        func seconds(_ tokens: Int) -> LoadMeter.Reading {
            let meter = LoadMeter()
            _ = policy.sample(requests, settings: SamplingSettings(temperature: 0, maxNewTokens: tokens, maxRows: batch))
            return meter.read()
        }
        var measurement = Measurement(
            suite: "decode", caseName: "batch=\(batch) prompt=\(settings.prompt) gen=\(settings.generated)",
            variant: settings.tag.isEmpty ? precision.rawValue : "\(precision.rawValue) \(settings.tag)", threads: threads,
            metric: .tokensPerSecond)
        _ = seconds(2)
        for _ in 0..<settings.repetitions {
            let first = seconds(1), all = seconds(settings.generated)
            measurement.add(Double(batch * (settings.generated - 1)) / max(1e-9, all.seconds - first.seconds), all)
        }
        return measurement
    }

    private func prompts(_ batch: Int, vocabulary: Int) -> [SampleRequest] {
        let random = RandomTokens(vocabulary: vocabulary)
        return (0..<batch).map { row in
            SampleRequest(
                prompt: random.tokens(settings.prompt, slot: row), streams: [RandomStream(seed: 0, purpose: .sampling, slot: row)])
        }
    }
}
