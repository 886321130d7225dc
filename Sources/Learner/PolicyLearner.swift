package import Collective
package import Model
package import Rollout
package import Tensor

/// Turns trajectories into better weights: holds the fp32 master parameters and takes optimiser steps, in unison with
/// the other learners.
///
/// All learners are given the same groups and end with the same bits. Groups are computed by slots, most methods' with one group
/// each; the slot in position p of an optimiser step is that of learner p % L alone, or of the one that the caller names.
package final class PolicyLearner {
    package struct Settings: Sendable {
        package var objective: any Objective
        package var optimizer: AdamW.Settings
        package var schedule: LearningRateSchedule
        /// The norm that gradients are clipped to; nil: never.
        package var maximumGradientNorm: Double?
        /// How much faster the learned log Z, and V, move than the policy.
        package var rootRateFactor: Double
        package var valueRateFactor: Double
        /// The most actions that a response may have.
        package var maximumLength: Int
        /// Of the order of mini-batches.
        package var seed: UInt64

        package init(
            objective: any Objective = SubTrajectoryBalance(), optimizer: AdamW.Settings = AdamW.Settings(),
            schedule: LearningRateSchedule, maximumGradientNorm: Double? = 1, rootRateFactor: Double = 10,
            valueRateFactor: Double = 10, maximumLength: Int = 1, seed: UInt64 = 1
        ) {
            self.objective = objective
            self.optimizer = optimizer
            self.schedule = schedule
            self.maximumGradientNorm = maximumGradientNorm
            self.rootRateFactor = rootRateFactor
            self.valueRateFactor = valueRateFactor
            self.maximumLength = maximumLength
            self.seed = seed
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
            (self.version, self.parameters, self.optimizer, self.root, self.values) = (version, parameters, optimizer, root, values)
        }
    }

    package let policy: Policy
    package let settings: Settings
    package let reward: RewardSettings
    package private(set) var state: State
    /// The bf16 bits of the parameters, in the order of the layout: what the policy computes with, and what is published.
    package private(set) var publishedBits: [UInt16]
    /// Is shown each group that this learner computes, as it computes it; nil in runs. It changes no number.
    package var observer: (@Sendable (LearnedGroup) -> Void)?

    private let needs: Needs
    private let learners: any Communicator
    private let parallel: Parallel
    /// All that the policy may say to a problem; nil: anything.
    private let legal: (_ problem: Int) -> TokenTree?
    private var reduction: GradientReduction
    /// Of the policy's parameters, then of log Z, then of V, as far as there are any. `[layout.count + 0, 1 or 2 · (d + 1)]`
    private let gradient: FloatTensor
    private let valueOffset: Int
    /// The learner of each slot of the step at hand; nil: in turn.
    private var owners: [Int]?

    private var objective: any Objective { settings.objective }
    package var version: Int { state.version }

    /// Starts from `parameters` in the order of the policy's layout, and makes the policy adopt them.
    package convenience init(
        policy: Policy, settings: Settings, reward: RewardSettings, learners: any Communicator, parameters: [Float],
        parallel: Parallel = .serial, legal: @escaping (_ problem: Int) -> TokenTree? = { _ in nil }
    ) {
        self.init(
            policy: policy, settings: settings, reward: reward, learners: learners,
            state: State(
                version: 0, parameters: parameters, optimizer: AdamW(settings.optimizer, count: parameters.count), root: nil),
            parallel: parallel, legal: legal)
    }

    /// Goes on from a state. A head that the objective needs and the state lacks (after fine-tuning) begins afresh.
    package init(
        policy: Policy, settings: Settings, reward: RewardSettings, learners: any Communicator, state: State,
        parallel: Parallel = .serial, legal: @escaping (_ problem: Int) -> TokenTree? = { _ in nil }
    ) {
        precondition(
            state.parameters.count == policy.layout.count,
            "learner: \(state.parameters.count) parameters for a layout of \(policy.layout.count)")
        self.policy = policy
        self.settings = settings
        self.reward = reward
        self.learners = learners
        self.parallel = parallel
        self.legal = legal
        self.state = state
        needs = settings.objective.needs
        // As the settings say now; the state has those that it was saved with.
        self.state.optimizer = AdamW(
            settings.optimizer, step: state.optimizer.step, firstMoments: state.optimizer.firstMoments,
            secondMoments: state.optimizer.secondMoments)
        let width = policy.base.configuration.hiddenSize
        self.state.root = needs.root ? state.root ?? RootFlow(width: width) : nil
        self.state.values = needs.values ? state.values ?? ValueHead(width: width) : nil
        valueOffset = policy.layout.count + (needs.root ? width + 1 : 0)
        let count = valueOffset + (needs.values ? width + 1 : 0)
        reduction = GradientReduction(count: count)
        gradient = FloatTensor(count)
        publishedBits = state.parameters.roundedToBFloat16
        policy.adopt(publishedBits, version: state.version)
    }

    // MARK: - A step

    /// Collective: one training step on `groups`, fresh ones first, then replayed ones. It has as many optimiser steps as the
    /// method asks for, each on the mean loss of its groups.
    ///
    /// A group that another learner computes may be there in outline, unless the method `needs.wholeBatch`.
    /// `poll` is called between slots, to let transfers advance.
    ///
    /// - Parameter owners: the learner of each group, for methods with one group to a slot; the same on all learners, and without any
    ///   influence on the result. Nil: in turn.
    package func update(
        on groups: [StepGroup], owners: [Int]? = nil, poll: () -> Void = {}
    ) throws(CollectiveError) -> UpdateResult {
        precondition(
            owners.map { $0.count == groups.count && needs.groupsPerSlot == 1 } ?? true,
            "learners of \(owners?.count ?? 0) slots for \(groups.count) groups")
        self.owners = owners
        var clock = StopWatch()
        var batch = StepBatch(groups, groupsPerSlot: needs.groupsPerSlot, reward: reward, step: version, legal: legal)
        if needs.values { try addValues(to: &batch) }
        batch.credits = objective.credits(of: batch.samples)
        try initialiseRoot(from: batch)

        let rate = settings.schedule.rate(at: max(0, version - needs.collectingSteps))
        var next = state
        var tally = StepTally(objective.measureNames)
        let passes = batch.passes(needs, seed: settings.seed, step: version)
        for (index, slots) in passes.enumerated() {
            learners.whereabouts.enter(.backward)
            let own = accumulate(batch, slots, pass: index, root: next.root, values: next.values, poll: poll)
            let spent = clock.lap()
            tally.secondsLearn += spent
            learners.whereabouts.enter(.reduce)
            let norm: Double
            switch try reduce(own, seconds: spent, of: batch, into: &tally) {
            case .sum(norm: let value): norm = value
            case .fault(let fault): return undone(by: fault)
            }
            tally.secondsReduce += clock.lap()
            take(gradientNorm: norm, rate: rate, in: &next)
            // Every learner has the same bits here, so all of them see the fault or none.
            if let index = next.parameters.firstIndex(where: { !$0.isFinite }) {
                let (tensor, element) = policy.layout.place(of: index)
                return undone(by: .parameter(tensor: tensor, element: element))
            }
            if index + 1 < passes.count { policy.adopt(next.parameters.roundedToBFloat16, version: version) }
        }
        next.version += 1
        state = next
        publishedBits = state.parameters.roundedToBFloat16
        policy.adopt(publishedBits, version: version)
        return .stepped(tally.metrics(version: version, learningRate: rate))
    }

    /// The same on groups that are all here.
    package func update(on groups: [TrajectoryGroup], poll: () -> Void = {}) throws(CollectiveError) -> UpdateResult {
        try update(on: groups.map(StepGroup.whole), poll: poll)
    }

    /// Whether this learner is the one that computes the group at `index` of a step, where the step has one optimiser step.
    package func computes(_ index: Int) -> Bool { index / needs.groupsPerSlot % learners.size == learners.rank }

    /// A step in which nothing is learned: the same weights as the next version.
    package func skip() -> StepMetrics {
        state.version += 1
        policy.adopt(publishedBits, version: version)
        return StepTally(objective.measureNames).metrics(version: version, learningRate: 0)
    }

    private func owner(of slot: Int, at position: Int) -> Int { owners?[slot] ?? position % learners.size }

    private func undone(by fault: NumericalFault) -> UpdateResult {
        policy.adopt(publishedBits, version: version)
        return .fault(fault)
    }

    /// Collective: V of every action's state under the weights before the step, which each learner computes of its own slots.
    private func addValues(to batch: inout StepBatch) throws(CollectiveError) {
        guard let head = state.values else { preconditionFailure("a method that needs V has its head") }
        var own = ByteWriter()
        for slot in batch.slots.indices where owner(of: slot, at: slot) == learners.rank {
            let values = head.values(of: policy.forward(batch.slots[slot].map { batch.tokens(of: $0) }, recording: false))
            for (g, values) in zip(batch.slots[slot], values) {
                for (k, values) in values.enumerated() { own.write(Array(values.prefix(batch.samples[g][k].rewards.count))) }
            }
        }
        let received = try learners.allGather(own.bytes)
        var readers = received.map { ByteReader($0) }
        for (slot, groups) in batch.slots.enumerated() {
            let rank = owner(of: slot, at: slot)
            for g in groups {
                for k in batch.samples[g].indices {
                    do throws(ByteReaderError) { batch.samples[g][k].values = try readers[rank].readArray() } catch {
                        throw CollectiveError(.allGather, rank: learners.rank, peer: rank, .mismatch("\(error)"))
                    }
                }
            }
        }
    }

    /// Before the first step, b is the mean over all responses of what they say of log Z; the mean is formed in slot order.
    private func initialiseRoot(from batch: StepBatch) throws(CollectiveError) {
        guard let root = state.root, !root.isInitialised, !batch.groups.isEmpty else { return }
        var own: [SlotRecord] = []
        for slot in batch.slots.indices where owner(of: slot, at: slot) == learners.rank {
            var record = SlotRecord(slot: slot)
            let forward = policy.forward(batch.slots[slot].map { batch.tokens(of: $0) }, recording: false)
            for (g, scores) in zip(batch.slots[slot], forward.scores) {
                for value in objective.logPartitions(of: batch.responses(of: g, scores: scores, reward: reward, step: version)) {
                    record.logPartition += value
                    record.tokens += 1
                }
            }
            own.append(record)
        }
        let records = try SlotRecord.gather(own, seconds: 0, over: learners).records
        // A sum that is no number is left for the step itself to report.
        let mean = records.reduce(0) { $0 + $1.logPartition } / Double(max(records.reduce(0) { $0 + $1.tokens }, 1))
        if mean.isFinite { state.root?.initialise(bias: mean) }
    }

    /// Adds the gradients of this learner's part of `slots`.
    private func accumulate(
        _ batch: StepBatch, _ slots: [Int], pass: Int, root: RootFlow?, values: ValueHead?, poll: () -> Void
    ) -> [SlotRecord] {
        let totals = batch.totals(of: slots, maximumLength: settings.maximumLength)
        let share = 1 / Double(totals.groups)
        reduction.begin()
        var records: [SlotRecord] = []
        for (position, slot) in slots.enumerated() where owner(of: slot, at: position) == learners.rank {
            let groups = batch.slots[slot]
            let forward = policy.forward(groups.map { batch.tokens(of: $0) }, recording: true)
            let stateValues = values?.values(of: forward)
            gradient.zero()
            var weights: [[ResponseWeights]] = [], valueSlopes: [[[Double]]] = []
            var record = SlotRecord(slot: slot)
            for (index, g) in groups.enumerated() {
                let scores = forward.scores[index]
                let logZ = root?.logPartition(forward.promptHidden[index])
                let responses = batch.responses(of: g, scores: scores, values: stateValues?[index], reward: reward, step: version)
                let value = objective.evaluate(responses, root: logZ, batch: totals)
                observer?(
                    LearnedGroup(
                        version: version, pass: pass, index: g, group: batch.group(g), responses: responses, root: logZ, value: value))
                weights.append(value.slopes.map { $0.weights(scaledBy: share) })
                valueSlopes.append(zip(value.valueSlopes, scores).map { slopes, scores in
                    slopes.map { $0 * share } + Array(repeating: 0, count: scores.stopLogProbabilities.count - slopes.count)
                })
                if let slope = value.rootSlope {
                    precondition(groups.count == 1, "log Z of several groups in one slot")
                    root?.writeGradient(
                        slope: slope * share, hidden: forward.promptHidden[index], to: gradient.base + policy.layout.count)
                }
                record.add(batch.group(g), value: value, scores: scores, root: logZ, version: version, isFirst: pass == 0)
            }
            policy.backward(
                forward, weights: weights, hiddenWeights: values?.hiddenWeights(slopes: valueSlopes), into: gradient.base)
            values?.writeGradient(slopes: valueSlopes, of: forward, to: gradient.base + valueOffset)
            reduction.add(gradient.base, slot: slot)
            records.append(record)
            poll()
        }
        return records
    }

    private enum Reduction {
        case sum(norm: Double)
        case fault(NumericalFault)
    }

    /// Collective: the gradient's sum over all learners; its norm over the policy's parameters, or what keeps it from being one.
    private func reduce(
        _ own: [SlotRecord], seconds: Double, of batch: StepBatch, into tally: inout StepTally
    ) throws(CollectiveError) -> Reduction {
        let (records, secondsByLearner) = try SlotRecord.gather(own, seconds: seconds, over: learners)
        tally.add(secondsByLearner: secondsByLearner)
        if let record = records.first(where: { !$0.loss.isFinite }) {
            let isOwn = own.contains { $0.slot == record.slot }
            return .fault(.loss(slot: record.slot, cause: try learners.firstSaid(isOwn ? cause(of: record.slot, in: batch) : "")))
        }
        if let fault = try reduction.finish(over: learners, into: gradient.base) {
            return .fault(NumericalFault(fault, layout: policy.layout))
        }
        let norm = Kernel.sumOfSquares(gradient.base, count: policy.layout.count).squareRoot()
        tally.add(records, gradientNorm: norm)
        return .sum(norm: norm)
    }

    /// Why the loss of a slot that this learner computed is no number.
    private func cause(of slot: Int, in batch: StepBatch) -> String {
        batch.fault(in: slot) ?? policy.faultOfWeights ?? state.root?.head.fault(named: "the weights of log Z(x)")
            ?? state.values?.head.fault(named: "the weights of V(s)") ?? NumericalFault.overflow
    }

    /// One optimiser step with the gradient that lies there.
    private func take(gradientNorm norm: Double, rate: Double, in state: inout State) {
        state.optimizer.update(
            &state.parameters, gradient: gradient.base,
            gradientScale: clippingScale(norm: norm, maximum: settings.maximumGradientNorm), learningRate: rate,
            parallel: parallel)
        state.root?.update(gradient: gradient.base + policy.layout.count, learningRate: rate * settings.rootRateFactor)
        state.values?.update(gradient: gradient.base + valueOffset, learningRate: rate * settings.valueRateFactor)
    }
}
