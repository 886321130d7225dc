internal import Collective
internal import Learner
internal import Rollout

/// What a learner has of the groups of one step, and what their rollouts said with them.
struct Arrivals {
    /// Those that are here whole.
    var fresh: [TrajectoryGroup] = []
    /// All, in the order of the step.
    var sampled: [StepGroup] = []
    /// The ranks that sampled these; empty where rollouts run free.
    var samplers: [Int] = []
    var seeds: [TrajectoryGroup] = []
    /// The group in the place of the step whose log-probabilities are compared; nil: it is not here.
    var compared: TrajectoryGroup?
    var stopRequested = false, saveRequested = false
    /// The longest of one batch.
    var secondsSampling = 0.0, secondsScoring = 0.0
    /// Of each rollout, by its place among them.
    var samplingByRollout: [Double] = [], scoringByRollout: [Double] = []

    /// - Parameters:
    ///   - place: the rollout's, among the rollouts.
    ///   - count: how many rollouts there are.
    mutating func hear(_ batch: RolloutBatch, from place: Int, of count: Int) {
        if samplingByRollout.isEmpty {
            (samplingByRollout, scoringByRollout) = (Array(repeating: 0, count: count), Array(repeating: 0, count: count))
        }
        samplingByRollout[place] += batch.secondsSampling
        scoringByRollout[place] += batch.secondsScoring
        stopRequested = stopRequested || batch.stopRequested
        saveRequested = saveRequested || batch.saveRequested
        secondsSampling = max(secondsSampling, batch.secondsSampling)
        secondsScoring = max(secondsScoring, batch.secondsScoring)
    }
}

/// The groups of rollouts that run free, on a learner: rank 0 decides which of them a step has, and the other learners follow.
final class FreeArrivals {
    private typealias Arrived = (group: TrajectoryGroup, seeds: [TrajectoryGroup])

    /// Of rank 0's word to the other learners.
    private static let tag = 3

    private let communicator: any Communicator
    private let layout: RankLayout
    private let weights: WeightExchange
    /// Only rank 0's is kept up.
    private var schedule: FreeSchedule
    private var queues: [[Arrived]]
    private var next = Arrivals()

    init(_ communicator: any Communicator, _ layout: RankLayout, _ weights: WeightExchange, _ schedule: FreeSchedule) {
        (self.communicator, self.layout, self.weights, self.schedule) = (communicator, layout, weights, schedule)
        queues = Array(repeating: [], count: layout.rollouts.count)
    }

    /// The groups of the next step, and the limits that go with the version after it. Rank 0 takes in what comes until there are enough; the others wait for its word.
    /// - Parameter compared: the place of the group whose log-probabilities are compared.
    func step(compared: Int) throws -> (Arrivals, [Int]) {
        let places = communicator.rank == 0 ? try decide() : try hearOrder()
        var arrivals = next
        next = Arrivals()
        for place in places {
            while queues[place].isEmpty {
                try takeForStep(try communicator.receive(from: layout.rollouts[place], tag: RolloutBatch.tag), place)
            }
            let (group, seeds) = queues[place].removeFirst()
            guard weights.keeps(group.sampledWith) else {
                throw mismatch(layout.rollouts[place], "it sent a group sampled with version \(group.sampledWith), too old or not made yet")
            }
            arrivals.fresh.append(group)
            arrivals.seeds += seeds
        }
        arrivals.sampled = arrivals.fresh.map(StepGroup.whole)
        arrivals.compared = arrivals.fresh[compared]
        if communicator.rank == 0 { schedule.advance(past: places) }
        return (arrivals, schedule.limits)
    }

    private func decide() throws -> [Int] {
        var places = schedule.choice
        while places == nil {
            let message = try communicator.receiveAny(tag: RolloutBatch.tag)
            try takeForStep(message.bytes, place(of: message.source))
            places = schedule.choice
        }
        let frame = StepOrder(places ?? []).encoded()
        for rank in layout.learners where rank != 0 { try communicator.send(frame, to: rank, tag: Self.tag) }
        return places ?? []
    }

    private func hearOrder() throws -> [Int] {
        let places = try StepOrder(try MessageFrame.decode(try communicator.receive(from: 0, tag: Self.tag))).places
        guard places.count == schedule.perStep, places.allSatisfy(queues.indices.contains) else {
            throw mismatch(0, "a step has \(schedule.perStep) groups of \(queues.count) rollouts, and not \(places.prefix(100))")
        }
        return places
    }

    /// Takes in what a rollout says while a step still lacks groups.
    private func takeForStep(_ bytes: [UInt8], _ place: Int) throws {
        // It would wait for an evaluation, and this learner for its groups.
        guard try !take(bytes, place) else { throw mismatch(layout.rollouts[place], "it waits for all ranks in the middle of a step") }
    }

    /// Takes in what a rollout says. True: it waits, for an evaluation or for the end.
    private func take(_ bytes: [UInt8], _ place: Int) throws -> Bool {
        let frame = try MessageFrame.decode(bytes), rank = layout.rollouts[place]
        if try weights.answers(frame, of: rank) { return false }
        switch frame.kind {
        case FrameKind.ready:
            _ = try frame.payload(kind: FrameKind.ready, version: FrameKind.version)
            return true
        case FrameKind.begins:
            let begun = try BegunGroups(frame)
            guard communicator.rank == 0, schedule.begin(begun.count, at: place, with: begun.version) else {
                throw mismatch(rank, "it begins \(begun.count) groups with version \(begun.version), which it may not")
            }
        default:
            let batch = try RolloutBatch(frame)
            let versions = batch.groups.map(\.sampledWith)
            guard communicator.rank != 0 || schedule.arrive(versions, from: place) else {
                throw mismatch(rank, "it sent \(versions.count) groups of versions \(versions.prefix(100)) that it has not begun")
            }
            queues[place] += batch.groups.map { group in (group, batch.seeds.filter { $0.address == group.address }) }
            next.hear(batch, from: place, of: layout.rollouts.count)
        }
        return false
    }

    private func place(of rank: Int) -> Int { rank - (layout.rollouts.first ?? 0) }

    /// Waits until each rollout says that it is where all ranks meet, and takes in what it says before.
    func meet() throws {
        for (place, rank) in layout.rollouts.enumerated() {
            while try !take(try communicator.receive(from: rank, tag: RolloutBatch.tag), place) {}
        }
    }

    /// The groups that are here and were not learned from: none, unless a signal ended the run.
    var leftOver: Int { queues.reduce(0) { $0 + $1.count } }

    private func mismatch(_ rank: Int, _ detail: String) -> CollectiveError {
        CollectiveError(.receive, rank: communicator.rank, peer: rank, .mismatch(detail))
    }
}
