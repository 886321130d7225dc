import Collective
import Learner
import Model
import Problems
import Rollout
import Tensor

/// A policy of a few thousand weights, and groups sampled from it, small enough for debug builds.
struct TinyTask {
    static let configuration = TransformerConfiguration(
        hiddenSize: 16, intermediateSize: 24, layerCount: 2, headCount: 2, keyValueHeadCount: 1, headSize: 8,
        vocabularySize: 11, contextLength: 32, endTokens: [10])
    static let adapter = AdapterConfiguration(rank: 2, alpha: 4, targets: [.query, .value, .up])
    /// Another rank, α and choice of linear maps in each layer.
    static let unevenAdapter = AdapterConfiguration(
        [
            AdapterPlace(layer: 0, kind: .query): .init(rank: 3, alpha: 4), AdapterPlace(layer: 1, kind: .query): .init(rank: 1, alpha: 2),
            AdapterPlace(layer: 1, kind: .down): .init(rank: 5, alpha: 4),
        ], layerCount: 2, rankStabilised: true)
    static let reward = RewardSettings(
        processWeight: 0, correctBonus: 3, unfinishedPenalty: -1, referenceExponent: LinearSchedule(constant: 0.5))

    static func policy(_ trainable: Trainable = .lora(adapter)) throws -> Policy {
        let base = try BaseModel(randomly: configuration, seed: 5, precision: .fp32, gradients: true, parallel: .serial)
        return Policy(base: base, trainable: trainable, parallel: .serial)
    }

    static func learner(
        _ learners: any Communicator, objective: any Objective = SubTrajectoryBalance(), rate: Double = 3e-3,
        trainable: Trainable = .lora(adapter)
    ) throws -> PolicyLearner {
        let policy = try policy(trainable)
        return PolicyLearner(
            policy: policy,
            settings: PolicyLearner.Settings(
                objective: objective, schedule: LearningRateSchedule(shape: .constant, peak: rate, warmUpSteps: 0, totalSteps: 100),
                maximumLength: 5),
            reward: reward, learners: learners, parameters: try policy.initialParameters(seed: 3))
    }

    /// What a method learns from: groups, or so many pairs or demonstrations that they take several slots.
    static func groups(for objective: any Objective, of policy: Policy, step: Int) -> [TrajectoryGroup] {
        switch objective.needs.lesson {
        case .group: groups(5, of: policy, step: step)
        case .pair: groups(20, of: policy, step: step, size: 2)
        case .demonstration: groups(40, of: policy, step: step, size: 1)
        }
    }

    /// Random responses, scored as a rollout would: by `policy` as it is now, and by its base alone.
    static func groups(_ count: Int, of policy: Policy, step: Int, size: Int = 3) -> [TrajectoryGroup] {
        (0..<count).map { slot in
            var random = RandomStream(seed: 17, purpose: .task, step: step, slot: slot)
            func tokens(_ range: ClosedRange<Int>) -> [Int32] {
                let length = range.lowerBound + Int(random.next() % UInt64(range.count))
                return (0..<length).map { _ in Int32(random.next() % 10) }
            }
            let prompt = tokens(2...4)
            let responses = (0..<size).map { _ in tokens(2...5) }
            let tokenGroup = TokenGroup(prompt: prompt, responses: responses)
            let scores = policy.forward([tokenGroup], recording: false).scores[0]
            policy.adapterEnabled = false
            let reference = policy.forward([tokenGroup], recording: false).scores[0]
            policy.adapterEnabled = true
            return TrajectoryGroup(
                address: GroupAddress(step: step, slot: slot), promptID: slot, prompt: prompt,
                trajectories: responses.indices.map { k in
                    let n = responses[k].count
                    return Trajectory(
                        response: responses[k], stop: n == 5 ? .length : .stopToken,
                        tokenLogProbabilities: scores[k].tokenLogProbabilities, stopLogProbabilities: scores[k].stopLogProbabilities,
                        referenceTokenLogProbabilities: reference[k].tokenLogProbabilities,
                        referenceStopLogProbabilities: reference[k].stopLogProbabilities,
                        states: [
                            TerminableState(index: 1, process: 0, isFinished: false, isCorrect: false),
                            TerminableState(index: n, process: 0, isFinished: n < 5, isCorrect: responses[k][n - 1] < 4),
                        ], stepRewards: [0.75, 0.125 * Float(k % 8)])
                }, sampledWith: policy.version)
        }
    }
}

extension UpdateResult {
    /// The metrics of a step without the times, which no two runs share.
    var untimed: StepMetrics? {
        guard case .stepped(var metrics) = self else { return nil }
        (metrics.secondsLearn, metrics.secondsReduce, metrics.secondsByLearner) = (0, 0, [])
        return metrics
    }
}
