internal import Collective
internal import Foundation
internal import Model
internal import Problems
internal import Rollout

/// What a reward model makes of whole solutions, from 0 to 1: by the file that has them, and by their lines in it.
typealias RewardsByLine = [String: [Int: Double]]

/// Asks a reward model about given samples of one data set: all ranks share a file's samples, and each reads all of it.
struct SampleRewards: Sendable {
    private let work: SampleWork
    private let key: AnswerKey
    /// By name: the problems that the model has room for.
    private let numbers: [String: Int]

    /// Samples in a row that one rank scores at once; changes no score.
    private static let batchSize = 32

    /// `work` has a reward model, and the problems of `key`.
    init(_ work: SampleWork, _ key: AnswerKey) {
        (self.work, self.key) = (work, key)
        numbers = Dictionary(uniqueKeysWithValues: (0..<work.task.problemCount).map { (work.task.identifier(of: $0), $0) })
    }

    /// One sample, as the reward model is asked about it.
    private struct Question {
        let line: Int
        let prompt: [Int32]
        let response: ProcessScoring.Response
    }

    /// Fails where a sample cannot be asked about, before the first one is.
    func check(_ set: SampleSet, _ census: SampleCensus) throws {
        var failure: (any Error)?
        try SampleFile.forEach(set.path) { sample in
            guard failure == nil, let problem = census.problem(of: sample) else { return }
            do { _ = try question(sample, problem, of: set) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// The rewards of a set's samples, by line. Collective; every rank gets all of them.
    func rewards(of set: SampleSet, _ census: SampleCensus, _ communicator: any Communicator) throws -> [Int: Double] {
        guard let scoring = work.processScoring() else { preconditionFailure("no reward model to ask about samples") }
        var (count, waiting, writer) = (0, [Question](), ByteWriter())
        func finishRound() throws {
            for (line, reward) in Self.rewards(of: waiting, scoring, work.task) {
                writer.write(line)
                writer.write(reward)
            }
            waiting = []
            if try communicator.any(SignalFlags.stopRequested != nil) {
                throw RunError.interrupted("a signal stopped the scoring of samples, and nothing of it is kept: the same call begins anew")
            }
        }
        var failure: (any Error)?
        try SampleFile.forEach(set.path) { sample in
            guard failure == nil, let problem = census.problem(of: sample) else { return }
            do {
                if count / Self.batchSize % communicator.size == communicator.rank {
                    waiting.append(try question(sample, problem, of: set))
                }
                count += 1
                if count % (Self.batchSize * communicator.size) == 0 { try finishRound() }
            } catch { failure = error }
        }
        if let failure { throw failure }
        try finishRound()
        var rewards: [Int: Double] = [:]
        for bytes in try communicator.allGather(writer.bytes) {
            var reader = ByteReader(bytes)
            while reader.remaining > 0 { rewards[try reader.readInt()] = try reader.read(Double.self) }
        }
        if let line = rewards.filter({ !$0.value.isFinite }).keys.min() {
            throw RunError.nonFinite(
                "\(set.path):\(line): the score of a step is not finite; the weights of the model or of the reward model are damaged or "
                    + "diverged")
        }
        return rewards
    }

    /// Neighbours with the same prompt share its computation.
    private static func rewards(of questions: [Question], _ scoring: ProcessScoring, _ task: any Task) -> [(line: Int, reward: Double)] {
        var rewards: [(Int, Double)] = []
        var rest = questions[...]
        while let first = rest.first {
            let group = rest.prefix { $0.prompt == first.prompt }
            for (question, scored) in zip(group, scoring.score(group.map(\.response), to: first.prompt, of: task)) {
                let steps = scored.stepRewards
                rewards.append((question.line, steps.allSatisfy(\.isFinite) ? scoring.whole(of: steps) ?? .nan : .nan))
            }
            rest = rest.dropFirst(group.count)
        }
        return rewards
    }

    /// The tokens that were sampled where the file has them, else those of the text behind its prompt.
    private func question(_ sample: SampleRecord, _ problem: Int, of set: SampleSet) throws(RunError) -> Question {
        let (task, place) = (work.task, "\(set.path):\(sample.line)")
        guard let number = numbers[key.names[problem]] else {
            throw .badData(
                "\(place) is of problem '\(sample.problemID)', whose prompt is too long for the reward model's context of "
                    + "\(work.contextLength) tokens beside an answer; lower rollout.max_new_tokens, or leave the problem's samples out")
        }
        let ids = sample.tokens ?? task.responseTokens(of: sample.text, to: number).map(Int.init)
        if let id = ids.first(where: { !(0..<work.vocabularySize).contains($0) }) {
            throw .badData(
                "\(place): tokens holds \(id), expected ids from 0 to \(work.vocabularySize - 1), which are the reward model's; "
                    + "leave tokens out where another model sampled, and its text counts")
        }
        let (prompt, tokens) = (task.promptTokens(of: number), ids.map(Int32.init))
        guard prompt.count + tokens.count <= work.contextLength else {
            throw .badData(
                "\(place): prompt and solution have \(prompt.count) + \(tokens.count) tokens, but the reward model's context is "
                    + "\(work.contextLength); shorten the solution or leave it out")
        }
        let states = task.states(of: tokens, stop: sample.isFinished == false ? .length : .stopToken, problem: number)
        return Question(line: sample.line, prompt: prompt, response: ProcessScoring.Response(tokens: tokens, states: states))
    }
}
