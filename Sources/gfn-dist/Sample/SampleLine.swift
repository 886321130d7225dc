internal import Foundation
internal import Model
internal import Problems
internal import Rollout

extension JSONLine {
    /// How the line of a sample begins: what says which sample of which problem it is.
    init(_ place: SamplePlan.Place, of task: any Task) {
        self.init()
        add(name: "problem_id", task.identifier(of: place.problem))
        add("sample_index", place.sample)
        add("dataset", task.name)
        add("temperature", place.temperature)
    }

    /// What a reward model says of a response: p of each step, and the whole (`ProcessScoring.whole`).
    ///
    /// Throws when a score is not finite.
    mutating func add(
        _ stepRewards: [Float], _ scoring: ProcessScoring, at place: SamplePlan.Place, of task: any Task
    ) throws(RunError) {
        guard stepRewards.allSatisfy(\.isFinite) else {
            throw .nonFinite(
                "problem \(task.identifier(of: place.problem)), sample \(place.sample): the score of a step is not finite; "
                    + "the weights of the model or of the reward model are damaged or diverged")
        }
        add("step_rewards", stepRewards)
        add("process_reward", scoring.whole(of: stepRewards))
    }

    /// The bytes that every line begins with that has these fields first and others behind them.
    var beginning: [UInt8] { Array(text.utf8.dropLast()) + [UInt8(ascii: ",")] }
}

extension SampledResponse {
    /// log π of the whole response, in nats; with log π(⊤) when it ended by itself.
    var logProbability: Double {
        let end = stop == .stopToken ? Double(scores.stopLogProbabilities.last ?? 0) : 0
        return scores.tokenLogProbabilities.reduce(end) { $0 + Double($1) }
    }
}

/// The lines of `sample` that a file has.
struct SampleRecognition: LineRecognition {
    private let work: SampleWork
    private var count = 0

    init(_ work: SampleWork) { self.work = work }

    mutating func problem(of line: [UInt8]) throws(ForeignLine) -> Int {
        guard count < work.plan.lineCount else { throw ForeignLine(difference: "this call writes \(work.plan.lineCount) lines") }
        let place = work.plan.place(ofLine: count)
        let beginning = JSONLine(place, of: work.task).beginning
        guard line.starts(with: beginning) else {
            throw ForeignLine(difference: "this call's begins with \(String(decoding: beginning, as: UTF8.self))")
        }
        count += 1
        return place.problem
    }
}

extension SampleWork {
    /// One line: the sample, how it was judged, and what it is worth.
    ///
    /// Throws when a log-probability is not finite.
    func line(
        of response: SampledResponse, _ states: [TerminableState], judged verdict: Verdict, at place: SamplePlan.Place, prompt: [Int32]
    ) throws(RunError) -> JSONLine {
        let (scores, hasEnded) = (response.scores, response.stop == .stopToken)
        let logProbability = response.logProbability
        let entropies = scores.entropies.map(Double.init)
        let entropy = entropies.reduce(0, +) / Double(max(1, entropies.count))
        guard logProbability.isFinite, entropy.isFinite else {
            throw .nonFinite(
                "problem \(task.identifier(of: place.problem)), sample \(place.sample): a log-probability is not finite; "
                    + "the weights of the model or of the adapter are damaged or diverged")
        }
        var rewards = configuration.rewards
        rewards.referenceExponent = LinearSchedule(constant: 0)

        var line = JSONLine(place, of: task)
        line.add("prompt", task.text(of: prompt))
        line.add("text", task.text(of: response.tokens))
        line.add("prompt_tokens", prompt.map(Int.init))
        line.add("tokens", response.tokens.map(Int.init))
        line.add("logprob", logProbability)
        line.add("logprobs", scores.tokenLogProbabilities)
        line.add("entropy", entropy)
        line.add("stop", hasEnded ? "stop" : "length")
        if let answer = verdict.answer { line.add("answer", answer) }
        line.add("correct", verdict.isCorrect)
        line.add("verdict", verdict.reason.rawValue)
        line.add("reward", states.last.map { rewards.logReward(of: $0, referenceLogProbability: 0, step: 0) })
        // How many updates an adapter has seen is not written in its folder.
        line.add("policy_version", configuration.text("adapter").isEmpty ? 0 : nil as Int?)
        return line
    }
}
