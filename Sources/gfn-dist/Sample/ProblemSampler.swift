internal import Collective
internal import Model
internal import Problems
internal import Tensor

/// All samples of one problem, as they are written.
struct SampledProblem: Sendable, Equatable {
    /// The lines, each with its end.
    var text: [UInt8] = []
    var solutions = 0
    /// With the one that ends a response.
    var tokens = 0
    var correct = 0

    init() {}

    func write(to writer: inout ByteWriter) {
        writer.write(text)
        for count in [solutions, tokens, correct] { writer.write(count) }
    }

    init(_ reader: inout ByteReader) throws(ByteReaderError) {
        text = try reader.readArray()
        solutions = try reader.readCount(in: 0...Int.max)
        tokens = try reader.readCount(in: 0...Int.max)
        correct = try reader.readCount(in: 0...Int.max)
    }
}

/// Samples problems on one rank. A problem's lines depend on nothing but the problem: not on the rank, nor on its company.
struct ProblemSampler {
    let work: SampleWork
    let policy: Policy

    init(_ work: SampleWork) { (self.work, policy) = (work, work.policy()) }

    /// Samples neighbouring problems together. `poll` is called after every layer; what it throws ends the sampling.
    func sample(_ problems: Range<Int>, poll: () throws -> Void) throws -> [SampledProblem] {
        var results = [SampledProblem](repeating: SampledProblem(), count: problems.count)
        let prompts = problems.map { work.task.promptTokens(of: $0) }
        for temperature in work.plan.temperatures {
            let sampled = try policy.sample(
                requests(problems, prompts, samples: work.plan.samples(at: temperature)), settings: settings(at: temperature), poll: poll)
            for (index, responses) in sampled.enumerated() {
                for (sample, response) in responses.enumerated() {
                    let place = SamplePlan.Place(problem: problems.lowerBound + index, temperature: temperature, sample: sample)
                    let verdict = work.task.verdict(on: response.tokens, stop: response.stop, problem: place.problem)
                    let line = try work.line(of: response, judged: verdict, at: place, prompt: prompts[index])
                    results[index].text += Array(line.text.utf8) + [UInt8(ascii: "\n")]
                    results[index].solutions += 1
                    results[index].tokens += response.tokens.count + (response.stop == .stopToken ? 1 : 0)
                    results[index].correct += verdict.isCorrect ? 1 : 0
                }
            }
        }
        return results
    }

    /// The streams are those of the evaluations of `train`, and the same at every temperature.
    private func requests(_ problems: Range<Int>, _ prompts: [[Int32]], samples: Int) -> [SampleRequest] {
        zip(problems, prompts).map { problem, prompt in
            SampleRequest(
                prompt: prompt,
                streams: (0..<samples).map {
                    RandomStream(seed: work.configuration.seed, purpose: .evaluation, slot: problem, sample: $0)
                })
        }
    }

    private func settings(at temperature: Double) -> SamplingSettings {
        let configuration = work.configuration
        return SamplingSettings(
            temperature: Float(temperature), maxNewTokens: configuration.maxNewTokens(for: work.task), maxRows: SamplePlan.decodingRows,
            topK: configuration.optionalInteger("sample.top_k") ?? 0, topP: Float(configuration.number("sample.top_p")),
            minP: Float(configuration.number("sample.min_p")))
    }
}
