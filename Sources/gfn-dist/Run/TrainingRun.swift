internal import Collective
internal import Foundation
internal import Learner
internal import Model
internal import Rollout
internal import Tensor

/// The story of a GFlowNet run, as each role lives it.
///
///              prompts: a function of (seed, step, slot)
///        ┌──────────────┐  RolloutBatch, by GroupRouting   ┌──────────────┐
///        │   explore    │ ───────────────────────────────▶ │    learn     │
///        │ version s−lag│ ◀─────────────────────────────── │ version s→s+1│
///        └──────────────┘  WeightExchange, from rank 0     └──────────────┘
///
/// A rank that has both roles explores first and learns then, and sends to itself as well; it makes its weights and is sent
/// none. All ranks walk through the same steps; what ends a run early is decided by the learners from reduced values, and told
/// with the last version.
final class TrainingRun {
    private let context: RunContext
    private let communicator: any Communicator
    private let layout: RankLayout
    private let routing: GroupRouting
    private let weights: WeightExchange
    /// The same on every learner, which all see every batch; unused on the others.
    private var handOut: HandOut
    private let explorer: Explorer?
    private let learner: PolicyLearner?
    /// The same on every learner that gets all groups (`GroupRouting`), rank 0 at least; unused on the others.
    private var replay: ReplayBuffer
    /// The learners among themselves; nil on the others.
    private let learners: (any Communicator)?
    private let needs: Needs
    /// What rollouts may begin at the start of a run in which they run free; nil: they keep step with the learners.
    private let freeSchedule: FreeSchedule?
    /// Of these, on a learner.
    private let freeArrivals: FreeArrivals?
    /// What this rank spent on sampling for the step that it learns from next, where it does both.
    private var secondsExploring = 0.0
    /// Of a method that learns from collected samples, once they are.
    private var examples: CollectedExamples?

    private var configuration: RunConfiguration { context.configuration }

    /// Collective over all ranks.
    init(_ context: RunContext) throws {
        self.context = context
        needs = context.configuration.needs
        communicator = context.communicator
        layout = try context.configuration.layout(ofRanks: communicator.size)
        let layout = self.layout, prompts = context.configuration.promptsPerStep, rollouts = layout.rollouts.count
        // Where every rank is a learner, none could run ahead.
        freeSchedule = layout.weightReceivers.isEmpty ? nil : context.configuration.freeBound.map { bound in
            FreeSchedule(
                rollouts: rollouts, perStep: prompts, bound: bound, version: context.firstStep,
                last: max(context.firstStep, context.configuration.steps))
        }
        routing = GroupRouting(
            layout: layout, prompts: prompts, replays: context.configuration.number("replay.share") > 0, needs: needs, runsFree: freeSchedule != nil)
        context.role = layout.role(of: communicator.rank)
        communicator.whereabouts.take(layout.isLearner(communicator.rank), layout.isRollout(communicator.rank))
        learners = try communicator.subgroup(layout.learners)
        let channel = try communicator.subgroup(layout.weightGroup)
        weights = WeightExchange(
            world: communicator, channel: channel, lag: freeSchedule == nil ? context.configuration.lag : context.configuration.freeBound ?? 0,
            shares: freeSchedule.map { .limits(atLeast: $0.limits, total: prompts * context.configuration.steps) }
                ?? .slots(prompts, rollouts: rollouts), history: try context.initialVersions())
        handOut = HandOut(rollouts: rollouts)
        let replaySettings = context.configuration.replaySettings
        let similarity = context.configuration.replaySimilarity(of: context.workspace.training)
        replay = (context.checkpoint?.replay ?? ReplayBuffer(replaySettings)).with(replaySettings, similarity: similarity)
        explorer = layout.isRollout(communicator.rank) ? Explorer(context, rollouts: layout.rollouts.count) : nil
        learner = try learners.map { try context.makeLearner(over: $0) }
        let (world, exchange) = (communicator, weights)
        freeArrivals = learners == nil ? nil : freeSchedule.map { FreeArrivals(world, layout, exchange, $0) }
    }

    /// What a run ends with: the published parameters and, on learners, log Z where it is learned.
    struct Outcome {
        let bits: [UInt16]
        let root: RootFlow?
    }

    /// Lives the whole run on this rank. Nil where another rank ended it.
    @discardableResult
    func run() throws -> Outcome? {
        if let bound = configuration.freeBound {
            context.report?.say(
                freeSchedule == nil
                    ? "lag is any, but every rank is learner and rollout, so that it is 0"
                    : "lag is any: rollouts run free, and what is learned from is at most \(bound) step\(bound == 1 ? "" : "s") old; another "
                        + "such run ends with other bytes")
        }
        // Also after a kill between a checkpoint and the evaluation that was due with it.
        let first = context.firstStep
        if first == 0 || first < configuration.steps && context.isEvaluated(after: first), try !evaluate(version: first) { return nil }
        var step = context.firstStep
        while step < configuration.steps {
            context.step = step + 1
            if let explorer, let freeSchedule {
                try exploreFreely(explorer, freeSchedule)
                break
            }
            if let explorer {
                var watch = StopWatch()
                guard try explore(step, explorer) else { break }
                secondsExploring = watch.lap()
            }
            if let learner, try learn(step, learner) == .ends { break }
            step += 1
            if step < configuration.steps, context.isEvaluated(after: step), try !evaluate(version: step) { break }
        }
        if let last = weights.last, last < configuration.steps {
            try weights.finish()
            throw context.interrupted(after: last)
        }
        guard let bits = try weights.bits(of: configuration.steps) else { return nil }
        try meetForEvaluation()
        try context.evaluate(bits, version: configuration.steps)
        try weights.finish()
        try context.finish(bits)
        return Outcome(bits: bits, root: learner?.state.root)
    }

    // MARK: The two roles

    /// Rollout ranks turn weights into scored groups. False: the run has ended.
    private func explore(_ step: Int, _ explorer: Explorer) throws -> Bool {
        let version = max(0, step - configuration.lag)
        communicator.whereabouts.enter(.broadcast, step: step + 1)
        guard let bits = try weights.bits(of: version), !hasEnded(by: step) else { return false } // what `publish` below sends
        // Where samples are collected first, they are those of the first weights.
        let isCollected = needs.collectingSteps > 0
        let prompts = configuration.promptsPerStep
        let shares = weights.shares(with: version) ?? HandOut.even(slots: prompts, rollouts: layout.rollouts.count)
        let slots = shares.indices.filter { layout.rollouts[shares[$0]] == communicator.rank && samples(in: step) }
        let found = explorer.explore(
            slots.map { GroupAddress(step: step, slot: $0) }, bits: isCollected ? try context.startingBits() : bits,
            version: isCollected ? 0 : version)
        try send(found, of: step)
        return true
    }

    /// A rollout rank samples with the newest weights that have arrived, as much as it may, until the run ends.
    ///
    /// The addresses of all groups are shared by the rollouts in turn; which of them a run gets to follows from who is fast.
    private func exploreFreely(_ explorer: Explorer, _ schedule: FreeSchedule) throws {
        let rollouts = layout.rollouts.count, prompts = configuration.promptsPerStep
        let place = communicator.rank - (layout.rollouts.first ?? 0), most = (prompts + rollouts - 1) / rollouts
        let start = (context.firstStep * prompts + rollouts - 1) / rollouts
        var begun = 0
        while true {
            func limit() -> Int { weights.shares(with: weights.newest)?[place] ?? schedule.limits[place] }
            communicator.whereabouts.enter(.broadcast, step: weights.newest + 1)
            while try weights.takeNext(waiting: begun == limit()) {
                context.step = weights.newest + 1
                if let last = weights.last {
                    if last < configuration.steps { try sayReady(to: layout.learners) }
                    return
                }
                if context.isEvaluated(after: weights.newest), try !evaluate(version: weights.newest) { return }
            }
            let version = weights.newest, count = min(limit() - begun, most)
            guard let bits = try weights.bits(of: version) else { return }
            try communicator.send(BegunGroups(version: version, count: count).encoded(), to: 0, tag: RolloutBatch.tag)
            let addresses = (start + begun..<start + begun + count).map { turn in
                let index = turn * rollouts + place
                return GroupAddress(step: index / prompts, slot: index % prompts)
            }
            try send(explorer.explore(addresses, bits: bits, version: version), of: version)
            begun += count
        }
    }

    /// Hands findings to the learners.
    private func send(_ found: Explorer.Findings, of step: Int) throws {
        communicator.whereabouts.enter(.broadcast)
        let batch = RolloutBatch(
            step: step, stopRequested: SignalFlags.takeStop() != nil, saveRequested: SignalFlags.takeSave(),
            secondsSampling: found.secondsSampling, secondsScoring: found.secondsScoring, groups: found.groups, seeds: found.seeds)
        let all = batch.encoded()
        for rank in layout.learners {
            let bytes = routing.getsAll(rank)
                ? all : batch.outlined { routing.isWhole($0.address, of: communicator.rank, at: rank) }.encoded()
            try communicator.send(bytes, to: rank, tag: RolloutBatch.tag)
        }
    }

    private static let stepsBetweenTrims = 8

    private enum Continuation { case goesOn, ends }

    /// Learner ranks turn groups into better weights.
    private func learn(_ step: Int, _ learner: PolicyLearner) throws -> Continuation {
        communicator.whereabouts.enter(.broadcast, step: step + 1)
        var watch = StopWatch()
        let (arrivals, shares) = try freeArrivals?.step(compared: routing.comparedSlot(in: step)) ?? receive(step)
        let (fresh, sampled, seeds) = (arrivals.fresh, arrivals.sampled, arrivals.seeds)
        let waited = watch.lap()
        communicator.whereabouts.enter(.backward)
        let difference = try compareLogProbabilities(arrivals, step: step)
        let replayed = replay.groups(
            configuration.replayedGroups(in: step), size: configuration.samplesPerPrompt, seed: configuration.seed, step: step,
            firstSlot: sampled.count, reward: context.rewards)
        var duplicates = 0
        if routing.getsAll(communicator.rank) {
            replay.insert(seeds, reward: context.rewards)
            duplicates = replay.insert(fresh, reward: context.rewards)
            // What is kept comes to lie between what a step takes and gives back, whose room then stays with the process without use.
            if (step + 1) % Self.stepsBetweenTrims == 0 { ProcessMemory.giveBack() }
        }
        let metrics = try update(
            learner, on: sampled + replayed.map(StepGroup.whole), owners: owners(arrivals, replayed: replayed.count), step: step)
        // What is no number differs too, and the update says which number it is.
        if difference > 0, configuration.endsWhenLogProbabilitiesDiffer {
            throw RunError.notEqual(
                "step \(step + 1): log-probabilities of slot \(routing.comparedSlot(in: step)) differ by up to \(difference) between "
                    + "the rank that sampled it and the one that learns from it, which must be equal to the last bit: this is a mistake of "
                    + "the program, or of a processor; to go on all the same, set check.log_probabilities to report")
        }
        let learned = watch.lap()

        let version = step + 1
        communicator.whereabouts.enter(.broadcast)
        let requests = try decide(arrivals, version)
        let isLast = version == configuration.steps || requests.stop
        let sync = try weights.publish(learner.publishedBits, version: version, shares: shares, isLast: isLast)
        let synced = watch.lap()
        try context.report?.add(
            StepReport(
                step: version, metrics: metrics, groups: fresh, verdicts: context.verdicts(on: fresh),
                replayedGroups: replayed.count, replayTrajectories: replay.count, replayAge: replay.meanAge(at: version),
                replayDuplicates: duplicates, replaySeeds: seeds.count,
                ages: (fresh + replayed).map { step - $0.sampledWith }, logProbabilityDifference: difference, sync: sync,
                digest: sha256Hex(learner.publishedBits), weightGradientCore: context.weightGradientCore,
                isRepeatable: freeSchedule == nil, rewards: context.rewards,
                seconds: StepReport.Seconds(
                    step: secondsExploring + waited + learned + synced, wait: waited, sample: arrivals.secondsSampling,
                    score: arrivals.secondsScoring, learn: learned - metrics.secondsReduce,
                    reduce: metrics.secondsReduce, sync: synced),
                byRank: byRank(arrivals, metrics))
        ) { reason in context.example(of: reason, in: fresh) }
        try context.writeSamples(fresh, step: version)
        // After the step's line in the log: a run that goes on from this checkpoint does not write that line again.
        if context.isCheckpointed(after: version) || isLast || requests.save {
            try context.save(learner, replay: replay, published: weights.retained)
        }
        guard requests.stop, version < configuration.steps else { return .goesOn }
        try drain(after: step)
        return .ends
    }

    /// One step of learning: from these groups, or from what was collected in the steps before.
    private func update(_ learner: PolicyLearner, on groups: [StepGroup], owners: [Int]?, step: Int) throws -> StepMetrics {
        var (groups, owners) = (groups, owners)
        if needs.lesson != .group {
            guard step >= needs.collectingSteps else { return learner.skip() }
            if examples == nil {
                examples = CollectedExamples(replay, task: context.workspace.training, needs: needs, seed: configuration.seed)
            }
            guard let batch = examples?.batch(of: step) else { throw context.nothingCollected(needs) }
            (groups, owners) = (batch.map(StepGroup.whole), nil)
        }
        switch try learner.update(on: groups, owners: owners, poll: { communicator.poll() }) {
        case .stepped(let metrics): return metrics
        case .fault(let fault): throw context.stopped(by: fault, step: step + 1)
        }
    }

    /// What each rank spent on a step, by its number.
    private func byRank(_ arrivals: Arrivals, _ metrics: StepMetrics) -> [StepReport.RankSeconds] {
        var all = [StepReport.RankSeconds](repeating: .init(), count: layout.size)
        for (rank, (sampling, scoring)) in zip(layout.rollouts, zip(arrivals.samplingByRollout, arrivals.scoringByRollout)) {
            (all[rank].sample, all[rank].score) = (sampling, scoring)
        }
        for (rank, seconds) in zip(layout.learners, metrics.secondsByLearner) { all[rank].learn = seconds }
        return all
    }

    /// Where every rank is both, the learner of each group of a step; nil: in turn. Replayed groups are dealt out as slots are, after them.
    ///
    /// In mini-batches turns share work more evenly, and methods that have them get all groups whole.
    private func owners(_ arrivals: Arrivals, replayed: Int) -> [Int]? {
        guard layout.isEveryRankBoth, !needs.wholeBatch else { return nil }
        let sampled = arrivals.samplers
        return sampled + handOut.assignment(ofSlots: sampled.count + replayed).dropFirst(sampled.count)
    }

    /// Whether groups are sampled for a step: where samples are collected first, only for the first ones.
    private func samples(in step: Int) -> Bool { needs.collectingSteps == 0 || step < needs.collectingSteps }

    /// The groups of a step in the order of slots, of which each must have come once.
    private func groups(of batches: [RolloutBatch], step: Int) throws -> [StepGroup] {
        let groups = batches.flatMap(\.stepGroups).sorted { $0.slot < $1.slot }
        let expected = samples(in: step) ? configuration.promptsPerStep : 0
        guard groups.map(\.slot) == Array(0..<expected) else {
            throw CollectiveError(
                .receive, rank: communicator.rank,
                .mismatch(
                    "step \(step + 1) has groups of slots \(groups.map(\.slot)), expected each of \(expected) slots once: "
                        + "all ranks need the same build"))
        }
        return groups.map(\.group)
    }

    /// The groups of a step, and who samples what in the first step that is sampled with the version after it.
    private func receive(_ step: Int) throws -> (Arrivals, [Int]) {
        let batches = try layout.rollouts.map { try receiveBatch(of: step, from: $0) }  // what `explore` above sends
        var arrivals = Arrivals()
        arrivals.fresh = batches.flatMap(\.groups).sorted { $0.address.slot < $1.address.slot }
        arrivals.sampled = try groups(of: batches, step: step)
        arrivals.samplers = zip(layout.rollouts, batches).flatMap { rank, batch in batch.stepGroups.map { (slot: $0.slot, rank: rank) } }
            .sorted { $0.slot < $1.slot }.map(\.rank)
        arrivals.seeds = batches.flatMap(\.seeds).sorted { $0.address.slot < $1.address.slot }
        arrivals.compared = arrivals.fresh.first { $0.address.slot == routing.comparedSlot(in: step) }
        for (place, batch) in batches.enumerated() { arrivals.hear(batch, from: place, of: batches.count) }
        handOut.note(batches.map(\.work))
        return (arrivals, handOut.assignment(ofSlots: configuration.promptsPerStep))
    }

    private func receiveBatch(of step: Int, from rank: Int) throws -> RolloutBatch {
        let batch = try RolloutBatch(try receiveFrame(from: rank))
        precondition(batch.step == step, "rank \(rank) sent step \(batch.step) where step \(step) is learned")
        return batch
    }

    /// The next frame of a rollout that is not a request for weights: those are answered.
    private func receiveFrame(from rank: Int) throws -> MessageFrame {
        while true {
            let frame = try MessageFrame.decode(try communicator.receive(from: rank, tag: RolloutBatch.tag))
            if try !weights.answers(frame, of: rank) { return frame }
        }
    }

    /// Rank 0 waits until all rollouts have the weights that are evaluated next: while it evaluates itself, it answers no requests. Learners
    /// ask for none.
    private func meetForEvaluation() throws {
        if communicator.rank == 0, let freeArrivals {
            try freeArrivals.meet()
        } else if communicator.rank == 0 {
            for rank in layout.weightReceivers {
                _ = try receiveFrame(from: rank).payload(kind: FrameKind.ready, version: FrameKind.version)
            }
        } else if !layout.isLearner(communicator.rank) {
            try sayReady(to: [0])
        }
    }

    private func sayReady(to ranks: [Int]) throws {
        let ready = MessageFrame(kind: FrameKind.ready, version: FrameKind.version, payload: [])
        for rank in ranks { try communicator.send(ready.encoded(), to: rank, tag: RolloutBatch.tag) }
    }

    /// The learners agree on what a signal at any rank asks for. Rollouts' requests come with their batches.
    private func decide(_ arrivals: Arrivals, _ version: Int) throws -> (stop: Bool, save: Bool) {
        let isOnlyLearner = !layout.isRollout(communicator.rank)
        let stop = arrivals.stopRequested || isOnlyLearner && SignalFlags.takeStop() != nil || context.lastStep == version
        let save = arrivals.saveRequested || isOnlyLearner && SignalFlags.takeSave()
        guard let learners else { return (stop, save) }
        return (try learners.any(stop), try learners.any(save))
    }

    /// Takes in the batches that rollouts begin before they can know that the version after `step` is the last: they
    /// find out when they ask for a version that late, to sample with or to evaluate.
    private func drain(after step: Int) throws {
        guard !layout.isRollout(communicator.rank) else { return }
        if let freeArrivals {
            try freeArrivals.meet()
            if freeArrivals.leftOver > 0 {
                context.report?.say("the signal came before \(freeArrivals.leftOver) sampled groups were learned from")
            }
            return
        }
        for later in (step + 1)..<max(step + 1, min(configuration.steps, step + 1 + configuration.lag)) {
            if context.isEvaluated(after: later) { return }
            for rank in layout.rollouts { _ = try receiveBatch(of: later, from: rank) }
        }
    }

    /// The largest difference between the log-probabilities that a rollout recorded and those of a learner's pass with
    /// the same weights: 0, or a bug. One group of each step is compared, by another rank than the one that sampled it.
    private func compareLogProbabilities(_ arrivals: Arrivals, step: Int) throws -> Double {
        var largest: Float = 0
        let slot = routing.comparedSlot(in: step)
        let sampler = arrivals.samplers.indices.contains(slot) ? arrivals.samplers[slot] : 0
        if layout.comparer(ofSlot: slot, sampledBy: sampler) == communicator.rank, let group = arrivals.compared,
            let bits = needs.collectingSteps > 0 ? try context.startingBits() : try weights.bits(of: group.sampledWith)
        {
            context.policy.adopt(bits, version: group.sampledWith)
            let tokens = TokenGroup(
                prompt: group.prompt, responses: group.trajectories.map(\.response),
                legal: context.workspace.training.legalResponses(to: group.promptID))
            for (trajectory, scores) in zip(group.trajectories, context.policy.forward([tokens], recording: false).scores[0]) {
                let recorded = trajectory.tokenLogProbabilities + trajectory.stopLogProbabilities
                let recomputed = scores.tokenLogProbabilities + scores.stopLogProbabilities
                // Equal infinities differ by nothing; a NaN on one side is the largest difference there is.
                for (a, b) in zip(recorded, recomputed) where a != b {
                    let distance = (a - b).magnitude
                    largest = max(largest, distance.isNaN ? .infinity : distance)
                }
            }
        }
        guard let learners else { return Double(largest) }
        var values = [largest]
        try values.withUnsafeMutableBufferPointer { try learners.allReduceMax($0) }
        return Double(values[0])
    }

    /// All ranks evaluate a version together. False: the run ended before it.
    private func evaluate(version: Int) throws -> Bool {
        guard let bits = try weights.bits(of: version), !hasEnded(by: version) else { return false }
        try meetForEvaluation()
        try context.evaluate(bits, version: version)
        return true
    }

    /// Whether a version that this rank has received says that the run stops before its end.
    private func hasEnded(by step: Int) -> Bool {
        weights.last.map { $0 < configuration.steps && step >= $0 } ?? false
    }
}
