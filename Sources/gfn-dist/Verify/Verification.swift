internal import Collective
internal import Evaluation
internal import Learner
internal import Model
internal import Problems
internal import Rollout
internal import Tensor

/// The whole distribution of a trained policy, by teacher forcing on every listed response of a task: no sampling is involved.
struct Verification {
    /// Ends that one rank scores at a time.
    private static let endsAtOnce = 256

    /// What is judged by: its base, its reference, its rewards.
    let workspace: Workspace
    /// One that lists its responses.
    let task: any Task
    let communicator: any Communicator

    /// log π and log R of every listed response to every problem. Collective: ranks share the work; rank 0 gets the scores, the others nil.
    /// - Parameters:
    ///   - bits: of the trained parameters, in the order of the layout.
    ///   - root: log Z as it was learned; nil where the method learns none.
    func scores(of bits: [UInt16], root: RootFlow?) throws -> [EndScores]? {
        let configuration = workspace.configuration
        let policy = workspace.policy(), reference = workspace.reference()
        policy.adopt(bits, version: 1)
        let scoring = SolutionScoring(
            task: task, policy: policy, reference: reference, rewards: configuration.rewards,
            processScoring: workspace.rewardModel.map { configuration.processScoring($0.model()) }, step: .max)
        var own = ByteWriter()
        for (index, part) in parts.enumerated() where index % communicator.size == communicator.rank {
            let scores = scoring.scores(of: part.problem, part.ends, poll: { communicator.poll() })
            own.write(scores.logPolicy)
            own.write(scores.logReward)
        }
        let gathered = try communicator.allGather(own.bytes)
        guard communicator.rank == 0 else { return nil }
        var readers = gathered.map { ByteReader($0) }
        var problems = (0..<problemCount).map { problem in
            EndScores(name: task.identifier(of: problem), ends: [], learnedLogPartition: root.map { logPartition($0, policy, problem) })
        }
        for (index, part) in parts.enumerated() {
            let rank = index % communicator.size
            let logPolicy: [Double] = try readers[rank].readArray(), logReward: [Double] = try readers[rank].readArray()
            for (end, (π, reward)) in zip(part.ends, zip(logPolicy, logReward)) {
                let response = responses(to: part.problem)[end]
                problems[part.problem].ends.append(
                    EndScores.End(
                        text: task.text(of: response), logPolicy: π, logReward: reward,
                        isCorrect: task.verdict(on: response, stop: .stopToken, problem: part.problem).isCorrect))
            }
        }
        return problems
    }

    /// What the scores of a policy amount to.
    func certificate(of scores: [EndScores], bounds: CertificateBounds) -> Certificate {
        let configuration = workspace.configuration
        return Certificate(
            task: task.name, objective: configuration.objective, start: workspace.startText,
            lag: configuration.needs.usesRollouts && configuration.freeBound == nil ? configuration.lag : nil, steps: configuration.steps, problems: scores, bounds: bounds)
    }

    /// Of a data set, as many as are evaluated.
    private var problemCount: Int {
        task.legalResponses(to: 0) != nil ? task.problemCount : workspace.configuration.evaluatedCount(of: task)
    }

    /// Problems by parts that ranks take in turn.
    private var parts: [(problem: Int, ends: Range<Int>)] {
        (0..<problemCount).flatMap { problem in
            let count = responses(to: problem).count
            return stride(from: 0, to: count, by: Self.endsAtOnce).map { (problem, $0..<min($0 + Self.endsAtOnce, count)) }
        }
    }

    private func responses(to problem: Int) -> [[Int32]] {
        guard let responses = task.listedResponses(to: problem) else { preconditionFailure("\(task.name) lists no responses") }
        return responses
    }

    private func logPartition(_ root: RootFlow, _ policy: Policy, _ problem: Int) -> Double {
        let prompt = TokenGroup(prompt: task.promptTokens(of: problem), responses: [], legal: nil)
        return root.logPartition(policy.forward([prompt], recording: false).promptHidden[0])
    }
}

extension Workspace {
    /// π_ref: what a run starts from.
    func reference() -> Policy {
        let reference = policy()
        if let bits = startingBits {
            reference.adopt(bits, version: 0)
        } else {
            reference.adapterEnabled = false
        }
        return reference
    }

    /// Where training begins and what is trained, in words.
    var startText: String {
        let model = configuration.model.isEmpty ? "embedded base" : configuration.model == "random" ? "random" : configuration.model
        guard case .lora(let adapter) = trainable else { return "\(model), full parameters" }
        return "\(model), LoRA" + (adapter.usualStrength.map { " rank \($0.rank)" } ?? "") + (startingBits == nil ? "" : " that goes on")
    }
}
