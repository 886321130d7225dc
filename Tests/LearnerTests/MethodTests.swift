import Model
import Problems
import Rollout
import Tensor
import TestSupport
import Testing

@testable import Learner

@Suite("Methods")
struct MethodTests {
    @Test("the gradient of every method, through the model, is the central difference of its loss", arguments: ObjectiveKind.allCases)
    func gradients(kind: ObjectiveKind) throws {
        // The importance weight of FlowRL is a constant in its gradient, so it has to be one in its loss here.
        let method = kind.objective { name in
            name == "flowrl.clip" ? "0" : kind.settings.first { $0.name == name }?.fallback ?? ""
        }
        let needs = method.needs
        let policy = try TinyTask.policy(.full)
        let start = try policy.initialParameters(seed: 3)
        policy.adopt(values: start, version: 0)
        let groups = Array(TinyTask.groups(for: method, of: policy, step: 0).prefix(3))
        var batch = StepBatch(groups.map(StepGroup.whole), groupsPerSlot: groups.count, reward: TinyTask.reward, step: 0)
        let width = TinyTask.configuration.hiddenSize
        var random = RandomStream(seed: 29, purpose: .task)
        let head = needs.values
            ? ValueHead(
                LinearHead(
                    parameters: (0...width).map { _ in random.uniform() - 0.5 }, optimizer: AdamW(AdamW.Settings(), count: width + 1)))
            : nil
        if let head {
            let values = head.values(of: policy.forward(groups.indices.map { batch.tokens(of: $0) }, recording: false))
            for g in groups.indices {
                for k in batch.samples[g].indices {
                    batch.samples[g][k].values = Array(values[g][k].prefix(batch.samples[g][k].rewards.count))
                }
            }
        }
        batch.credits = method.credits(of: batch.samples)
        let totals = batch.totals(of: [0], maximumLength: 5)
        let fixed = batch
        func evaluate(recording: Bool) -> (forward: ForwardResult, values: [ObjectiveValue]) {
            let forward = policy.forward(groups.indices.map { fixed.tokens(of: $0) }, recording: recording)
            let states = head?.values(of: forward)
            return (
                forward,
                groups.indices.map { g in
                    method.evaluate(
                        fixed.responses(of: g, scores: forward.scores[g], values: states?[g], reward: TinyTask.reward, step: 0),
                        root: needs.root ? 1.5 : nil, batch: totals)
                }
            )
        }
        let (forward, values) = evaluate(recording: true)
        let slopes = zip(values, forward.scores).map { value, scores in
            zip(value.valueSlopes, scores).map { $0 + Array(repeating: 0, count: $1.stopLogProbabilities.count - $0.count) }
        }
        let gradient = FloatTensor(start.count)
        gradient.zero()
        policy.backward(
            forward, weights: values.map { $0.slopes.map { $0.weights(scaledBy: 1) } },
            hiddenWeights: head?.hiddenWeights(slopes: slopes), into: gradient.base)
        let norm = gradient.array.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        #expect(norm > 1e-4)
        // Along the gradient itself the slope is its norm, the largest number that rounding can be compared with.
        func loss(_ step: Double) -> Double {
            policy.adopt(values: zip(start, gradient.array).map { Float(Double($0) + step * Double($1) / norm) }, version: 0)
            return evaluate(recording: false).values.reduce(0) { $0 + $1.loss }
        }
        let step = 2e-3
        expectClose((loss(step) - loss(-step)) / (2 * step), norm, relative: 2e-2, kind.rawValue)
    }

    /// Rewards and responses at the edges: nothing may be NaN, and what teaches nothing has no slope.
    @Test("equal rewards, single samples, empty responses and cut ones are defined", arguments: ObjectiveKind.allCases)
    func edges(kind: ObjectiveKind) throws {
        let method = kind.defaults, needs = method.needs
        func trajectory(_ response: [Int32], stop: StopReason, correct: Bool) -> Trajectory {
            let n = response.count
            return Trajectory(
                response: response, stop: stop, tokenLogProbabilities: Array(repeating: -1.5, count: n),
                stopLogProbabilities: Array(repeating: -2, count: n + 1), referenceTokenLogProbabilities: Array(repeating: -1.25, count: n),
                referenceStopLogProbabilities: Array(repeating: -2.5, count: n + 1),
                states: (n > 1 ? [TerminableState(index: 1, process: -0.5, isFinished: false, isCorrect: false)] : [])
                    + [TerminableState(index: n, process: -0.5, isFinished: stop == .stopToken, isCorrect: correct)])
        }
        let empty = trajectory([], stop: .stopToken, correct: false), cut = trajectory([4, 5, 6], stop: .length, correct: false)
        let right = trajectory([7, 3], stop: .stopToken, correct: true), wrong = trajectory([7, 4], stop: .stopToken, correct: false)
        var cases: [[Trajectory]] = needs.lesson == .pair
            ? [[right, empty], [right, cut], [empty, cut]]
            : [[right, right, right], [empty, empty], [cut, cut], [right, wrong, empty, cut], [empty, right], [cut, right]]
        if needs.lesson != .pair { cases += [[right], [empty], [cut]] }
        if needs.lesson == .demonstration { cases = [[right], [empty], [cut]] }
        for trajectories in cases {
            let group = TrajectoryGroup(
                address: GroupAddress(step: 0, slot: 0), promptID: 0, prompt: [1], trajectories: trajectories, sampledWith: 0)
            var batch = StepBatch([.whole(group)], groupsPerSlot: 1, reward: TinyTask.reward, step: 0)
            for k in batch.samples[0].indices where needs.values {
                batch.samples[0][k].values = batch.samples[0][k].rewards.map { _ in 0.25 }
            }
            batch.credits = method.credits(of: batch.samples)
            let scores = trajectories.map {
                ResponseScores(
                    tokenLogProbabilities: $0.tokenLogProbabilities.map { $0 + 0.125 }, stopLogProbabilities: $0.stopLogProbabilities,
                    entropies: [])
            }
            let values = trajectories.map { Array(repeating: 0.5, count: $0.response.count + 1) }
            let responses = batch.responses(
                of: 0, scores: scores, values: needs.values ? values : nil, reward: TinyTask.reward, step: 0)
            let value = method.evaluate(
                responses, root: needs.root ? 0.5 : nil, batch: batch.totals(of: [0], maximumLength: 3))
            let numbers = [value.loss, value.rootSlope ?? 0] + value.slopes.flatMap { $0.token + $0.stop } + value.valueSlopes.flatMap { $0 }
            #expect(numbers.allSatisfy { $0.isFinite }, "\(kind.rawValue) \(trajectories.map(\.response))")
            #expect(value.slopes.map(\.token.count) == trajectories.map(\.response.count))
            // A stop that was forced is no action, so nothing can teach it.
            for (slopes, trajectory) in zip(value.slopes, trajectories) where trajectory.stop == .length { #expect(slopes.stop.last == 0) }
            if [.groupRelativePolicyOptimization, .groupRelativePolicyOptimizationDoneRight].contains(kind),
                Set(batch.samples[0].map(\.reward)).count == 1
            {
                #expect(value.slopes.allSatisfy { ($0.token + $0.stop).allSatisfy { $0 == 0 } })
            }
        }
    }

    @Test("what a response earned is its reward: step scores where steps end, the rest at the last action")
    func rewardsOfActions() {
        let reward = RewardSettings(
            processWeight: 2, correctBonus: 8, unfinishedPenalty: -1, temperature: LinearSchedule(constant: 0.5),
            referenceExponent: LinearSchedule(constant: 0))
        var trajectory = Trajectory(
            response: [1, 2, 3, 4], stop: .stopToken, tokenLogProbabilities: [-1, -2, -3, -4], stopLogProbabilities: [-9, -9, -9, -9, -5],
            states: [
                TerminableState(index: 2, process: -1, isFinished: false, isCorrect: false),
                TerminableState(index: 4, process: -3, isFinished: true, isCorrect: true),
            ])
        let ended = SampledResponse(trajectory, reward: reward, step: 0)
        #expect(ended.rewards == [0, -4, 0, 0, 8] && ended.reward == 4 && ended.behaviour == [-1, -2, -3, -4, -5] && ended.reference == nil)
        trajectory.stop = .length
        trajectory.states[1] = TerminableState(index: 4, process: -3, isFinished: false, isCorrect: false)
        let cut = SampledResponse(trajectory, reward: reward, step: 0)
        #expect(cut.rewards == [0, -4, 0, -10] && cut.reward == -14 && cut.behaviour == [-1, -2, -3, -4])
    }

    @Test("clamped rewards of actions have the clamped reward of the whole as their sum")
    func clampedRewardsOfActions() {
        let reward = RewardSettings(
            processWeight: 2, correctBonus: 8, unfinishedPenalty: -1, minimum: -3, maximum: 1.5,
            temperature: LinearSchedule(constant: 0.5), referenceExponent: LinearSchedule(constant: 0))
        func sampled(_ processes: [Float], correct: Bool, stop: StopReason) -> Learner.SampledResponse {
            let states = processes.enumerated().map { position, process in
                TerminableState(
                    index: 2 * position + 2, process: process, isFinished: stop == .stopToken,
                    isCorrect: correct && position == processes.count - 1)
            }
            let n = 2 * processes.count
            return Learner.SampledResponse(
                Trajectory(
                    response: Array(repeating: 1, count: n), stop: stop, tokenLogProbabilities: Array(repeating: -1, count: n),
                    stopLogProbabilities: Array(repeating: -1, count: n + 1), states: states), reward: reward, step: 0)
        }
        let right = sampled([-1, -3], correct: true, stop: .stopToken)
        #expect(right.rewards == [0, -4, 0, 0, 7] && right.reward == 3, "2 is clamped to 1.5, and the step before it is not")
        let cut = sampled([-1, -3], correct: false, stop: .length)
        #expect(cut.rewards == [0, -4, 0, -2] && cut.reward == -6)
        // What is below the least reward cannot fall any further.
        let hopeless = sampled([-2, -4, -9], correct: true, stop: .stopToken)
        #expect(hopeless.rewards == [0, -6, 0, 0, 0, 0, 0] && hopeless.reward == -6)
        for response in [right, cut, hopeless] { #expect(response.rewards.reduce(0, +) == response.reward) }
    }

    @Test("epochs and mini-batches go over every slot once an epoch, in an order that follows from seed, step and epoch")
    func passes() throws {
        let policy = try TinyTask.policy()
        let groups = TinyTask.groups(7, of: policy, step: 0)
        let batch = StepBatch(groups.map(StepGroup.whole), groupsPerSlot: 1, reward: TinyTask.reward, step: 0)
        #expect(batch.passes(Needs(), seed: 1, step: 3) == [[0, 1, 2, 3, 4, 5, 6]])
        #expect(batch.passes(Needs(epochs: 2), seed: 1, step: 3) == [[0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]])
        let passes = batch.passes(Needs(epochs: 2, miniBatches: 3), seed: 1, step: 3)
        #expect(passes.map(\.count) == [2, 2, 3, 2, 2, 3])
        #expect(Set(passes[..<3].joined()) == Set(0..<7) && Set(passes[3...].joined()) == Set(0..<7) && passes[..<3] != passes[3...])
        #expect(passes == batch.passes(Needs(epochs: 2, miniBatches: 3), seed: 1, step: 3))
        #expect(passes != batch.passes(Needs(epochs: 2, miniBatches: 3), seed: 2, step: 3))
        // More mini-batches than prompts are as many as there are prompts.
        #expect(batch.passes(Needs(epochs: 1, miniBatches: 50), seed: 1, step: 0).count == 7)
    }
}
