internal import Collective
internal import Model
internal import Problems
internal import Rollout
internal import Tensor

/// All samples of one problem, as they are written.
struct SampledProblem: ProblemLines {
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

/// Samples problems on one rank.
struct ProblemSampler: LineMaker {
    let work: SampleWork
    let policy: Policy
    private let processScoring: ProcessScoring?

    init(_ work: SampleWork) { (self.work, policy, processScoring) = (work, work.policy(), work.processScoring()) }

    /// Samples neighbouring problems together.
    func lines(of problems: Range<Int>, poll: () throws -> Void) throws -> [SampledProblem] {
        var results = [SampledProblem](repeating: SampledProblem(), count: problems.count)
        let prompts = problems.map { work.task.promptTokens(of: $0) }
        for temperature in work.plan.temperatures {
            let sampled = try policy.sample(
                requests(problems, prompts, samples: work.plan.samples(at: temperature)),
                settings: work.samplingSettings(at: temperature), poll: poll)
            for (index, responses) in sampled.enumerated() {
                let problem = problems.lowerBound + index
                var scored = responses.map { response in
                    ProcessScoring.Response(
                        tokens: response.tokens, states: work.task.states(of: response.tokens, stop: response.stop, problem: problem))
                }
                if let processScoring { scored = processScoring.score(scored, to: prompts[index], of: work.task) }
                for (sample, response) in responses.enumerated() {
                    let place = SamplePlan.Place(problem: problem, temperature: temperature, sample: sample)
                    let verdict = work.task.verdict(on: response.tokens, stop: response.stop, problem: place.problem)
                    var line = try work.line(of: response, scored[sample].states, judged: verdict, at: place, prompt: prompts[index])
                    if let processScoring { try line.add(scored[sample].stepRewards, processScoring, at: place, of: work.task) }
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
}
