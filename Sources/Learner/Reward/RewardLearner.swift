package import Collective
package import Model
package import Rollout
package import Tensor

/// Turns labelled steps into a better process reward model, in unison with the other learners: as `PolicyLearner`, fp32 master
/// parameters, bf16 ones to compute with, gradients summed exactly.
///
/// The examples of a step are cut into slots by their lengths; slot p is computed by learner p % L.
package final class RewardLearner {
    package struct Settings: Sendable {
        package var loss: StepLoss
        package var optimizer: AdamW.Settings
        package var schedule: LearningRateSchedule
        /// The norm that gradients are clipped to; nil: never.
        package var maximumGradientNorm: Double?
        /// How much faster the head moves than the adapter.
        package var headRateFactor: Double

        package init(
            loss: StepLoss = StepLoss(), optimizer: AdamW.Settings = AdamW.Settings(), schedule: LearningRateSchedule,
            maximumGradientNorm: Double? = 1, headRateFactor: Double = 10
        ) {
            self.loss = loss
            self.optimizer = optimizer
            self.schedule = schedule
            self.maximumGradientNorm = maximumGradientNorm
            self.headRateFactor = headRateFactor
        }
    }

    /// What one update was like, equal on every learner.
    package struct Metrics: Sendable, Equatable {
        /// Over the labelled steps of the batch; nil when it has none.
        package var loss: Double?
        /// Share of the labelled steps on the right side of one half, a label of one half or more being good.
        package var accuracy: Double?
        package var labels: Int
        package var tokens: Int
        /// Of the adapter's parameters, before clipping.
        package var gradientNorm: Double
        package var learningRate: Double
        package var secondsLearn: Double
        package var secondsReduce: Double
    }

    package enum Result: Sendable, Equatable {
        case stepped(Metrics)
        case fault(NumericalFault)
    }

    /// Tokens of one forward and backward pass, unless one example has more: bounds the memory of a rank. It decides which
    /// gradients are rounded together, so it is no setting.
    private static let slotTokens = 512

    package let policy: Policy
    package let settings: Settings
    package private(set) var state: PolicyLearner.State
    /// The bf16 bits of the adapter: what is computed with, and what is written.
    package private(set) var publishedBits: [UInt16]

    private let learners: any Communicator
    private let parallel: Parallel
    private var reduction: GradientReduction
    /// Of the adapter, then of the head. `[layout.count + d + 1]`
    private let gradient: FloatTensor

    /// Goes on from a state; a head that it lacks begins at zero, so that every step is good with probability one half.
    package init(
        policy: Policy, settings: Settings, learners: any Communicator, state: PolicyLearner.State, parallel: Parallel = .serial
    ) {
        precondition(
            state.parameters.count == policy.layout.count,
            "reward learner: \(state.parameters.count) parameters for a layout of \(policy.layout.count)")
        (self.policy, self.settings, self.learners, self.parallel, self.state) = (policy, settings, learners, parallel, state)
        self.state.optimizer = AdamW(
            settings.optimizer, step: state.optimizer.step, firstMoments: state.optimizer.firstMoments,
            secondMoments: state.optimizer.secondMoments)
        let width = policy.base.configuration.hiddenSize
        self.state.values = state.values ?? ValueHead(width: width)
        let count = policy.layout.count + width + 1
        reduction = GradientReduction(count: count)
        gradient = FloatTensor(count)
        publishedBits = state.parameters.roundedToBFloat16
        policy.adopt(publishedBits, version: state.version)
    }

    private var learnedHead: ValueHead {
        guard let head = state.values else { preconditionFailure("a reward learner without its head") }
        return head
    }

    /// The head in the form in which it is written and used.
    package var head: RewardHead {
        let head = learnedHead.head
        return RewardHead(weight: head.direction, bias: head.parameters[head.width])
    }

    /// Collective: one optimiser step on the mean loss of the labelled steps of `batch`, which all learners have.
    package func update(on batch: [LabelledResponse], poll: () -> Void = {}) throws(CollectiveError) -> Result {
        var clock = StopWatch()
        let total = batch.reduce(0) { $0 + $1.labels.reduce(0) { $0 + ($1.map { settings.loss.weight(of: $0) } ?? 0) } }
        reduction.begin()
        var own: [Record] = []
        for (slot, range) in Self.slots(of: batch).enumerated() where slot % learners.size == learners.rank {
            own.append(accumulate(Array(batch[range]), slot: slot, share: total > 0 ? 1 / total : 0))
            poll()
        }
        let learned = clock.lap()
        let records = try Record.gather(own, over: learners)
        if let record = records.first(where: { !$0.loss.isFinite }) {
            let isOwn = own.contains { $0.slot == record.slot }
            let cause = try learners.firstSaid(isOwn ? cause(in: Self.slots(of: batch)[record.slot].map { batch[$0] }) : "")
            return .fault(.loss(slot: record.slot, cause: cause))
        }
        if let fault = try reduction.finish(over: learners, into: gradient.base) {
            return .fault(NumericalFault(fault, layout: policy.layout))
        }
        let norm = Kernel.sumOfSquares(gradient.base, count: policy.layout.count).squareRoot()
        let reduced = clock.lap()
        let rate = settings.schedule.rate(at: state.version)
        var next = state
        next.optimizer.update(
            &next.parameters, gradient: gradient.base,
            gradientScale: clippingScale(norm: norm, maximum: settings.maximumGradientNorm), learningRate: rate, parallel: parallel)
        next.values?.update(gradient: gradient.base + policy.layout.count, learningRate: rate * settings.headRateFactor)
        // Every learner has the same bits here, so all of them see the fault or none.
        if let index = next.parameters.firstIndex(where: { !$0.isFinite }) {
            let (tensor, element) = policy.layout.place(of: index)
            return .fault(.parameter(tensor: tensor, element: element))
        }
        next.version += 1
        state = next
        publishedBits = state.parameters.roundedToBFloat16
        policy.adopt(publishedBits, version: state.version)
        let labels = records.reduce(0) { $0 + $1.labels }
        return .stepped(
            Metrics(
                loss: labels > 0 ? records.reduce(0) { $0 + $1.loss } : nil,
                accuracy: labels > 0 ? Double(records.reduce(0) { $0 + $1.right }) / Double(labels) : nil, labels: labels,
                tokens: batch.reduce(0) { $0 + $1.tokenCount }, gradientNorm: norm, learningRate: rate,
                secondsLearn: learned + clock.lap(), secondsReduce: reduced))
    }

    /// Neighbours that are computed together: a function of the batch alone.
    static func slots(of batch: [LabelledResponse]) -> [Range<Int>] {
        var slots: [Range<Int>] = []
        var (start, tokens) = (0, 0)
        for (index, example) in batch.enumerated() {
            if index > start, tokens + example.tokenCount > slotTokens {
                slots.append(start..<index)
                (start, tokens) = (index, 0)
            }
            tokens += example.tokenCount
        }
        return start < batch.count ? slots + [start..<batch.count] : slots
    }

    private func accumulate(_ examples: [LabelledResponse], slot: Int, share: Double) -> Record {
        let head = learnedHead
        let forward = policy.hiddenStates(
            examples.map { TokenGroup(prompt: $0.prompt, responses: [$0.reading.tokens]) }, recording: true)
        var record = Record(slot: slot)
        var headGradient = LinearHead.Gradient(width: head.width)
        var slopes: [[[Float]]] = []
        for (g, example) in examples.enumerated() {
            var stateSlopes = [Float](repeating: 0, count: example.reading.tokens.count + 1)
            for (place, label) in zip(example.reading.places, example.labels) {
                guard let label else { continue }
                forward.withHidden(ofState: place, response: 0, group: g) { hidden in
                    let logit = head.head.value(of: hidden)
                    let term = settings.loss.term(logit: logit, label: label)
                    record.loss += term.value * share
                    record.labels += 1
                    record.right += (logit >= 0) == (label >= 0.5) ? 1 : 0
                    headGradient.add(slope: term.slope * share, hidden: hidden)
                    stateSlopes[place] += Float(term.slope * share)
                }
            }
            slopes.append([stateSlopes])
        }
        gradient.zero()
        policy.backward(forward, hiddenWeights: HiddenWeights(direction: head.head.direction, slopes: slopes), into: gradient.base)
        headGradient.write(to: gradient.base + policy.layout.count)
        reduction.add(gradient.base, slot: slot)
        return record
    }

    private func cause(in examples: [LabelledResponse]) -> String {
        if examples.contains(where: { $0.labels.contains { $0.map { !$0.isFinite } ?? false } }) { return "a label of a step is no number" }
        return policy.faultOfWeights ?? learnedHead.head.fault(named: "the head's weights") ?? NumericalFault.overflow
    }

    /// What a learner knows of one slot; all fold them in the order of slots.
    private struct Record {
        var slot: Int
        var loss = 0.0
        var labels = 0, right = 0

        init(slot: Int) { self.slot = slot }

        static func gather(_ own: [Record], over learners: any Communicator) throws(CollectiveError) -> [Record] {
            var writer = ByteWriter()
            for record in own {
                for value in [record.slot, record.labels, record.right] { writer.write(value) }
                writer.write(record.loss)
            }
            var records: [Record] = []
            for (rank, bytes) in try learners.allGather(writer.bytes).enumerated() {
                var reader = ByteReader(bytes)
                do throws(ByteReaderError) {
                    while reader.remaining > 0 {
                        var record = Record(slot: try reader.readInt())
                        (record.labels, record.right) = (try reader.readInt(), try reader.readInt())
                        record.loss = try reader.read()
                        records.append(record)
                    }
                } catch {
                    throw CollectiveError(.allGather, rank: learners.rank, peer: rank, .mismatch("\(error)"))
                }
            }
            return records.sorted { $0.slot < $1.slot }
        }
    }
}
