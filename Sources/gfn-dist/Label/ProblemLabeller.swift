internal import Collective
internal import Model
internal import Problems

/// The labelled solutions of one problem, as they are written.
struct LabelledProblem: ProblemLines {
    var text: [UInt8] = []
    var solutions = 0
    var steps = 0
    /// By the hard estimate.
    var goodSteps = 0
    /// Right completions of all steps.
    var rightCompletions = 0
    /// That were sampled.
    var completions = 0

    init() {}

    func write(to writer: inout ByteWriter) {
        writer.write(text)
        for count in [solutions, steps, goodSteps, rightCompletions, completions] { writer.write(count) }
    }

    init(_ reader: inout ByteReader) throws(ByteReaderError) {
        text = try reader.readArray()
        solutions = try reader.readCount(in: 0...Int.max)
        steps = try reader.readCount(in: 0...Int.max)
        goodSteps = try reader.readCount(in: 0...Int.max)
        rightCompletions = try reader.readCount(in: 0...Int.max)
        completions = try reader.readCount(in: 0...Int.max)
    }
}

/// Labels the steps of solutions on one rank.
struct ProblemLabeller: LineMaker {
    /// First steps of a solution, which are completed.
    private struct Beginning: Hashable {
        let problem: Int
        let tokens: [Int32]
    }

    private let work: LabelWork
    private let policy: Policy
    private var task: any Task { work.task }

    init(_ work: LabelWork) { (self.work, policy) = (work, work.sampling.policy()) }

    /// Decodes neighbouring problems together. A problem without a gold answer has no lines: no completion of it is right.
    func lines(of problems: Range<Int>, poll: () throws -> Void) throws -> [LabelledProblem] {
        let judged = problems.filter { task.gold(of: $0) != nil }
        let solutions = Dictionary(uniqueKeysWithValues: zip(judged, try self.solutions(of: judged, poll: poll)))
        let right = try rightCompletions(of: solutions, in: judged, poll: poll)
        return problems.map { problem in
            var result = LabelledProblem()
            let correctBeginnings = (task as? PathSum)?.correctBeginnings(of: problem)
            for solution in solutions[problem] ?? [] {
                let counts = solution.ends.indices.map { step in
                    let beginning = Beginning(problem: problem, tokens: solution.beginning(through: step))
                    guard let count = right[beginning] else { preconditionFailure("step \(step) of problem \(problem) was not completed") }
                    return count
                }
                let line = work.line(of: solution, problem: problem, right: counts, correctBeginnings: correctBeginnings)
                result.text += Array(line.text.utf8) + [UInt8(ascii: "\n")]
                result.solutions += 1
                result.steps += counts.count
                result.goodSteps += counts.count { $0 > 0 }
                result.rightCompletions += counts.reduce(0, +)
            }
            result.completions = work.completions * right.keys.count { $0.problem == problem }
            return result
        }
    }

    /// The solutions of each problem that have steps, each once.
    private func solutions(of problems: [Int], poll: () throws -> Void) throws -> [[StepwiseSolution]] {
        let given = work.given.map { given in problems.map { givenSolutions(of: $0, given) } }
        let all = try given ?? sampledSolutions(of: problems, poll: poll)
        return all.map { solutions in
            solutions.reduce(into: []) { distinct, solution in
                if !distinct.contains(where: solution.isSame(as:)) { distinct.append(solution) }
            }
        }
    }

    private func givenSolutions(of problem: Int, _ given: GivenSolutions) -> [StepwiseSolution] {
        given.solutions[problem].compactMap {
            StepwiseSolution(
                $0.tokens, stop: $0.stop, logProbability: $0.logProbability, of: problem, sample: $0.sample, task: task)
        }
    }

    private func sampledSolutions(of problems: [Int], poll: () throws -> Void) throws -> [[StepwiseSolution]] {
        let requests = problems.map { problem in
            SampleRequest(
                prompt: task.promptTokens(of: problem),
                streams: (0..<work.samplesPerProblem).map { work.solutionStream(problem: problem, sample: $0) })
        }
        return try zip(problems, sample(requests, of: problems, poll: poll)).map { problem, responses in
            responses.enumerated().compactMap { sample, response in
                StepwiseSolution(
                    response.tokens, stop: response.stop, logProbability: response.logProbability, of: problem, sample: sample, task: task)
            }
        }
    }

    /// How many completions of each beginning are right. Equal beginnings are completed once, with the address of the first.
    private func rightCompletions(
        of solutions: [Int: [StepwiseSolution]], in problems: [Int], poll: () throws -> Void
    ) throws -> [Beginning: Int] {
        let limit = work.sampling.configuration.maxNewTokens(for: task)
        var (beginnings, requests, seen): ([Beginning], [SampleRequest], Set<Beginning>) = ([], [], [])
        for problem in problems {
            for solution in solutions[problem] ?? [] {
                for step in solution.ends.indices {
                    let beginning = Beginning(problem: problem, tokens: solution.beginning(through: step))
                    guard seen.insert(beginning).inserted else { continue }
                    beginnings.append(beginning)
                    // A token is left of the limit at least: a solution that ended itself is shorter, since ⊤ is drawn within it.
                    requests.append(
                        SampleRequest(
                            prompt: task.promptTokens(of: problem) + beginning.tokens,
                            streams: work.completionStreams(problem: problem, sample: solution.sample, step: step),
                            maxNewTokens: limit - beginning.tokens.count))
                }
            }
        }
        let sampled = try sample(requests, of: beginnings.map(\.problem), poll: poll)
        var right: [Beginning: Int] = [:]
        for (beginning, completions) in zip(beginnings, sampled) {
            right[beginning] = completions.count {
                task.verdict(on: beginning.tokens + $0.tokens, stop: $0.stop, problem: beginning.problem).isCorrect
            }
        }
        return right
    }

    /// Throws when a log-probability is not finite: what was drawn means nothing then.
    private func sample(_ requests: [SampleRequest], of problems: [Int], poll: () throws -> Void) throws -> [[SampledResponse]] {
        let sampled = try policy.sample(requests, settings: work.sampling.samplingSettings(at: work.temperature), poll: poll)
        for (problem, responses) in zip(problems, sampled) {
            let scores = responses.lazy.map(\.scores)
            guard scores.allSatisfy({ $0.tokenLogProbabilities.allSatisfy(\.isFinite) && $0.entropies.allSatisfy(\.isFinite) }) else {
                throw RunError.nonFinite(
                    "problem \(task.identifier(of: problem)): a log-probability is not finite; the weights of the model or of the adapter "
                        + "are damaged or diverged")
            }
        }
        return sampled
    }
}
