package import Collective
package import Model
package import Rollout
package import Tensor

/// Turns trajectories into better weights: holds the fp32 master parameters and takes optimiser steps, in unison with
/// the other learners.
///
/// All learners are given the same groups and end with the same bits. A group's position in the list is its slot, and
/// learner `slot % L` computes its gradient alone.
package final class PolicyLearner {
    package struct Settings: Sendable, Equatable {
        package var objective: ObjectiveKind
        package var objectiveSettings: ObjectiveSettings
        package var optimizer: AdamW.Settings
        package var schedule: LearningRateSchedule
        /// The norm that gradients are clipped to; nil: never.
        package var maximumGradientNorm: Double?
        /// How much faster the learned log Z moves than the policy.
        package var rootRateFactor: Double

        package init(
            objective: ObjectiveKind = .subTrajectoryBalance, objectiveSettings: ObjectiveSettings = ObjectiveSettings(),
            optimizer: AdamW.Settings = AdamW.Settings(), schedule: LearningRateSchedule, maximumGradientNorm: Double? = 1,
            rootRateFactor: Double = 10
        ) {
            self.objective = objective
            self.objectiveSettings = objectiveSettings
            self.optimizer = optimizer
            self.schedule = schedule
            self.maximumGradientNorm = maximumGradientNorm
            self.rootRateFactor = rootRateFactor
        }
    }

    /// What an interrupted run needs to go on with the same bits.
    package struct State: Sendable, Equatable {
        package var version: Int
        package var parameters: [Float]
        package var optimizer: AdamW
        package var root: RootFlow?
        package var values: ValueHead?

        package init(version: Int, parameters: [Float], optimizer: AdamW, root: RootFlow?, values: ValueHead? = nil) {
            (self.version, self.parameters, self.optimizer) = (version, parameters, optimizer)
            (self.root, self.values) = (root, values)
        }
    }

    package let policy: Policy
    package let settings: Settings
    package let reward: RewardSettings
    package private(set) var state: State
    /// The bf16 bits of the parameters, in the order of the layout: what the policy computes with, and what is published.
    package private(set) var publishedBits: [UInt16]

    private let objective: any Objective
    private let learners: any Communicator
    private let parallel: Parallel
    private var reduction: GradientReduction
    private let gradient: FloatTensor

    package var version: Int { state.version }

    /// Starts from `parameters` in the order of the policy's layout, and makes the policy adopt them.
    package convenience init(
        policy: Policy, settings: Settings, reward: RewardSettings, learners: any Communicator, parameters: [Float],
        parallel: Parallel = .serial
    ) {
        let objective = settings.objective.objective(with: settings.objectiveSettings)
        self.init(
            policy: policy, settings: settings, reward: reward, learners: learners,
            state: State(
                version: 0, parameters: parameters, optimizer: AdamW(settings.optimizer, count: parameters.count),
                root: objective.usesRoot ? RootFlow(width: policy.base.configuration.hiddenSize) : nil),
            parallel: parallel)
    }

    /// Goes on from a state. A root that the objective needs and the state lacks (after fine-tuning) begins afresh.
    package init(
        policy: Policy, settings: Settings, reward: RewardSettings, learners: any Communicator, state: State,
        parallel: Parallel = .serial
    ) {
        precondition(
            state.parameters.count == policy.layout.count,
            "learner: \(state.parameters.count) parameters for a layout of \(policy.layout.count)")
        self.policy = policy
        self.settings = settings
        self.reward = reward
        self.learners = learners
        self.parallel = parallel
        self.state = state
        // As the settings say now; the state has those that it was saved with.
        self.state.optimizer = AdamW(
            settings.optimizer, step: state.optimizer.step, firstMoments: state.optimizer.firstMoments,
            secondMoments: state.optimizer.secondMoments)
        objective = settings.objective.objective(with: settings.objectiveSettings)
        if objective.usesRoot, state.root == nil { self.state.root = RootFlow(width: policy.base.configuration.hiddenSize) }
        if !objective.usesRoot { self.state.root = nil }
        let count = policy.layout.count + (self.state.root.map { $0.width + 1 } ?? 0)
        reduction = GradientReduction(count: count)
        gradient = FloatTensor(count)
        publishedBits = Self.round(state.parameters)
        policy.adopt(publishedBits, version: state.version)
    }

    // MARK: - Balance

    /// Collective: one step on the mean loss of `groups`, fresh ones first, then replayed ones.
    ///
    /// `poll` is called between groups, to let transfers advance.
    package func update(on groups: [TrajectoryGroup], poll: () -> Void = {}) throws(CollectiveError) -> UpdateResult {
        let step = version
        var clock = StopWatch()
        try initialiseRoot(from: groups, step: step)
        reduction.begin()
        var records: [SlotRecord] = []
        for slot in groups.indices where slot % learners.size == learners.rank {
            let group = groups[slot]
            let forward = policy.forward([Self.tokens(of: group)], recording: true)
            let scores = forward.scores[0]
            let root = state.root?.logPartition(forward.promptHidden[0])
            let value = objective.evaluate(group, scores: scores, reward: reward, step: step, root: root)
            let share = 1 / Double(groups.count)
            gradient.zero()
            policy.backward(forward, weights: [value.slopes.map { $0.weights(scaledBy: share) }], into: gradient.base)
            if let slope = value.rootSlope {
                state.root?.writeGradient(
                    slope: slope * share, hidden: forward.promptHidden[0], to: gradient.base + policy.layout.count)
            }
            reduction.add(gradient.base, slot: slot)
            records.append(record(of: group, slot: slot, value: value, scores: scores, root: root))
            poll()
        }
        return try finish(records, lossIsSum: false, clock: &clock)
    }

    /// Before the first step, b = −mean over all responses of H at their last state; the mean is formed in slot order.
    private func initialiseRoot(from groups: [TrajectoryGroup], step: Int) throws(CollectiveError) {
        guard let root = state.root, !root.isInitialised, !groups.isEmpty else { return }
        var own: [SlotRecord] = []
        for slot in groups.indices where slot % learners.size == learners.rank {
            let group = groups[slot]
            let scores = policy.forward([Self.tokens(of: group)], recording: false).scores[0]
            let residuals = zip(group.trajectories, scores).map {
                ScoredResponse($0, scores: $1, reward: reward, step: step).residuals()
            }
            var record = SlotRecord(slot: slot)
            record.residualMean = residuals.reduce(0) { $0 + ($1.last ?? 0) }
            record.tokens = residuals.count
            own.append(record)
        }
        let records = try SlotRecord.gather(own, over: learners)
        let count = records.reduce(0) { $0 + $1.tokens }
        // A sum that is no number is left for the step itself to report.
        let mean = records.reduce(0) { $0 + $1.residualMean } / Double(max(count, 1))
        if mean.isFinite { state.root?.initialise(bias: -mean) }
    }

    private func record(
        of group: TrajectoryGroup, slot: Int, value: ObjectiveValue, scores: [ResponseScores], root: Double?
    ) -> SlotRecord {
        var record = SlotRecord(slot: slot)
        record.loss = value.loss
        record.residualMean = value.residuals.finalMean
        record.residualVariance = value.residuals.finalVariance
        record.pooledVariance = value.residuals.pooledVariance
        record.logPartition = root ?? value.residuals.logPartition
        record.add(scores)
        record.age = version - group.sampledWith
        if record.age == 0 {
            record.difference = zip(group.trajectories, scores).reduce(0.0) { largest, pair in
                let recorded = pair.0.tokenLogProbabilities + pair.0.stopLogProbabilities
                let recomputed = pair.1.tokenLogProbabilities + pair.1.stopLogProbabilities
                return zip(recorded, recomputed).reduce(largest) { max($0, abs(Double($1.0) - Double($1.1))) }
            }
        }
        return record
    }

    // MARK: - Supervised fine-tuning

    /// Collective: one step on the mean negative log-likelihood of all target tokens of the batch, ⊤ among them.
    package func update(on batch: [Demonstration], poll: () -> Void = {}) throws(CollectiveError) -> UpdateResult {
        var clock = StopWatch()
        let weight = SupervisedFineTuning(batch)
        reduction.begin()
        var records: [SlotRecord] = []
        let slots = SupervisedFineTuning.slots(of: batch.count)
        for slot in slots.indices where slot % learners.size == learners.rank {
            let demonstrations = Array(batch[slots[slot]])
            let forward = policy.forward(
                demonstrations.map { TokenGroup(prompt: $0.prompt, responses: [$0.response]) }, recording: true)
            gradient.zero()
            policy.backward(forward, weights: demonstrations.map { [weight.weights(of: $0)] }, into: gradient.base)
            reduction.add(gradient.base, slot: slot)
            var record = SlotRecord(slot: slot)
            for (demonstration, scores) in zip(demonstrations, forward.scores) {
                record.loss += weight.loss(of: demonstration, scores: scores[0])
                record.add(scores)
            }
            records.append(record)
            poll()
        }
        return try finish(records, lossIsSum: true, clock: &clock)
    }

    // MARK: - The step that both end with

    private func finish(
        _ own: [SlotRecord], lossIsSum: Bool, clock: inout StopWatch
    ) throws(CollectiveError) -> UpdateResult {
        let secondsLearn = clock.lap()
        let records = try SlotRecord.gather(own, over: learners)
        if let record = records.first(where: { !$0.loss.isFinite }) { return .fault(.loss(slot: record.slot)) }
        if let fault = try reduction.finish(over: learners, into: gradient.base) {
            return .fault(NumericalFault(fault, layout: policy.layout))
        }
        let secondsReduce = clock.lap()

        let count = policy.layout.count
        let norm = Kernel.sumOfSquares(gradient.base, count: count).squareRoot()
        let rate = settings.schedule.rate(at: version)
        var next = state
        next.optimizer.update(
            &next.parameters, gradient: gradient.base,
            gradientScale: clippingScale(norm: norm, maximum: settings.maximumGradientNorm), learningRate: rate,
            parallel: parallel)
        if !lossIsSum { next.root?.update(gradient: gradient.base + count, learningRate: rate * settings.rootRateFactor) }
        // Every learner has the same bits here, so all of them see the fault or none.
        if let index = next.parameters.firstIndex(where: { !$0.isFinite }) {
            let (tensor, element) = policy.layout.place(of: index)
            return .fault(.parameter(tensor: tensor, element: element))
        }
        next.version += 1
        state = next
        publishedBits = Self.round(state.parameters)
        policy.adopt(publishedBits, version: version)
        return .stepped(
            StepMetrics(
                records, version: version, gradientNorm: norm, learningRate: rate, lossIsSum: lossIsSum,
                secondsLearn: secondsLearn, secondsReduce: secondsReduce))
    }

    private static func tokens(of group: TrajectoryGroup) -> TokenGroup {
        TokenGroup(prompt: group.prompt, responses: group.trajectories.map(\.response))
    }

    private static func round(_ parameters: [Float]) -> [UInt16] {
        var bits = [UInt16](repeating: 0, count: parameters.count)
        parameters.withUnsafeBufferPointer { values in
            bits.withUnsafeMutableBufferPointer { bits in
                guard let source = values.baseAddress, let target = bits.baseAddress else { return }
                Kernel.roundToBFloat16(source, count: values.count, into: target)
            }
        }
        return bits
    }
}

extension SlotRecord {
    /// Counts the entropy of every position and the tokens of `scores`.
    mutating func add(_ scores: [ResponseScores]) {
        for response in scores {
            entropySum += response.entropies.reduce(0) { $0 + Double($1) }
            entropyCount += response.entropies.count
            tokens += response.tokenLogProbabilities.count
        }
    }
}
