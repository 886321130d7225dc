internal import Model
internal import Tensor

/// How fast responses are decoded, prompts read and given tokens scored, in tokens per second.
///
/// The prompts are random tokens, the likeliest token is taken, and nothing stops a response. The log-probabilities and entropies that
/// training needs of every token are part of what is measured.
struct DecodeBench {
    let settings: BenchSettings
    let form: BaseForm

    // As the scripts that measure other programs have them.
    /// Tokens of a prompt that is read alone; responses and tokens that are scored; responses to one prompt.
    private static let longPrompt = 512
    private static let scored = (rows: 8, tokens: 256)
    private static let sharing = 8

    func run(report: (Measurement) -> Void) throws {
        let (base, form) = try form.open(settings.model, gradients: false, threads: settings.threads.max() ?? 1)
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
            func measurement(_ suite: String, _ name: String) -> Measurement {
                Measurement(suite: suite, caseName: name, variant: settings.variant(form), threads: threads, metric: .tokensPerSecond)
            }
            let parts = settings.decodeParts
            if parts.contains("prefill") {
                let long = settings.prefillRows.map { (rows: $0, tokens: min(Self.longPrompt, context)) }
                for (rows, tokens) in long + settings.batches.map({ (rows: $0, tokens: settings.prompt) }) {
                    report(prefill(policy, rows, tokens, measurement("prefill", "batch=\(rows) tokens=\(tokens)")))
                }
            }
            if parts.contains("score") {
                let tokens = min(Self.scored.tokens, context)
                report(score(policy, tokens, measurement("score", "batch=\(Self.scored.rows) tokens=\(tokens) log-probs")))
            }
            if parts.contains("decode") {
                for batch in settings.batches {
                    let name = "batch=\(batch) prompt=\(settings.prompt) gen=\(settings.generated)"
                    report(decode(policy, batch, measurement("decode", name)))
                }
            }
            if parts.contains("shared") {
                let name = "batch=\(Self.sharing) shared prompt=\(settings.prompt) gen=\(settings.generated)"
                report(shared(policy, measurement("decode", name)))
            }
        }
    }

    /// Decode alone: the time of G tokens less that of one, which is reading the prompts: B·(G − 1) / (seconds(G) − seconds(1)). The
    /// program's sampler always feeds the last token too, to score the end there; both times hold that pass, so it cancels out.
    private func decode(_ policy: Policy, _ batch: Int, _ empty: Measurement) -> Measurement {
        let requests = requests(policy, batch, tokens: settings.prompt)
        func seconds(_ tokens: Int) -> LoadMeter.Reading {
            let meter = LoadMeter()
            _ = policy.sample(requests, settings: SamplingSettings(temperature: 0, maxNewTokens: tokens, maxRows: batch))
            return meter.read()
        }
        var measurement = empty
        _ = seconds(2)
        for _ in 0..<settings.repetitions {
            settings.quiet.wait()
            let first = seconds(1), all = seconds(settings.generated)
            measurement.add(Double(batch * (settings.generated - 1)) / max(1e-9, all.seconds - first.seconds), all)
        }
        return measurement
    }

    /// Prompts are read for responses of no token: the logits of their last rows are part of it.
    private func prefill(_ policy: Policy, _ rows: Int, _ tokens: Int, _ empty: Measurement) -> Measurement {
        let requests = requests(policy, rows, tokens: tokens)
        var measurement = empty
        measurement.sample(settings, work: Double(rows * tokens)) {
            _ = policy.sample(requests, settings: SamplingSettings(temperature: 0, maxNewTokens: 0, maxRows: rows))
        }
        return measurement
    }

    /// The log-probability of each token after the first of each row, of ⊤ and the entropy, at all positions.
    private func score(_ policy: Policy, _ tokens: Int, _ empty: Measurement) -> Measurement {
        let random = RandomTokens(vocabulary: policy.base.configuration.vocabularySize)
        let groups = (0..<Self.scored.rows).map { row in
            let text = random.tokens(tokens, slot: row)
            return TokenGroup(prompt: Array(text.prefix(1)), responses: [Array(text.dropFirst())])
        }
        var measurement = empty
        measurement.sample(settings, work: Double(Self.scored.rows * tokens)) {
            _ = policy.forward(groups, recording: false)
        }
        return measurement
    }

    /// Several responses to one prompt, which is read once; that is part of the time.
    private func shared(_ policy: Policy, _ empty: Measurement) -> Measurement {
        let prompt = RandomTokens(vocabulary: policy.base.configuration.vocabularySize).tokens(settings.prompt, slot: 0)
        let streams = (0..<Self.sharing).map { RandomStream(seed: 0, purpose: .sampling, sample: $0) }
        var measurement = empty
        measurement.note = "prefill included"
        measurement.sample(settings, work: Double(Self.sharing * settings.generated)) {
            // Drawn, since the likeliest tokens of all would be the same.
            _ = policy.sample(
                [SampleRequest(prompt: prompt, streams: streams)],
                settings: SamplingSettings(temperature: 1, maxNewTokens: settings.generated, maxRows: Self.sharing))
        }
        return measurement
    }

    private func requests(_ policy: Policy, _ rows: Int, tokens: Int) -> [SampleRequest] {
        let random = RandomTokens(vocabulary: policy.base.configuration.vocabularySize)
        return (0..<rows).map { row in
            SampleRequest(prompt: random.tokens(tokens, slot: row), streams: [RandomStream(seed: 0, purpose: .sampling, slot: row)])
        }
    }
}
