import Collective
import Foundation
import Rollout
import Testing

@testable import Fuzzing
@testable import gfn_dist

/// What two learners make of what two rollouts that run free say, in a run of two steps of two groups: ranks 0 and 1 learn, 2 and 3 sample.
@Suite("Damaged messages of rollouts that run free") struct FreeMessageTests {
    private static let cases = Int(ProcessInfo.processInfo.environment["GFN_FUZZ_CASES"] ?? "") ?? 400
    private static let steps = 2, bits: [UInt16] = [1, 2, 3]
    /// Of a word that this test's rank 0 says, and no run.
    private static let stepsAreDone = 99

    private struct Message: Sendable {
        let receiver: Int
        var bytes: [UInt8]
    }

    private static func batch(_ versions: [Int]) -> [UInt8] {
        let groups = versions.enumerated().map { slot, version in
            var group = TrajectoryFormat.group(slot: slot, size: 2)
            group.sampledWith = version
            return group
        }
        return RolloutBatch(
            step: 0, stopRequested: false, saveRequested: false, secondsSampling: 0.5, secondsScoring: 0.25, groups: groups).encoded()
    }

    private static func ready(_ payload: [UInt8] = [], version: UInt16 = FrameKind.version) -> [UInt8] {
        MessageFrame(kind: FrameKind.ready, version: version, payload: payload).encoded()
    }

    private static func request(_ version: Int) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(version)
        return MessageFrame(kind: FrameKind.weightsRequest, version: FrameKind.version, payload: writer.bytes).encoded()
    }

    /// All that a rollout says, in its order.
    private static var messages: [Message] {
        let round = [
            Message(receiver: 0, bytes: BegunGroups(version: 0, count: 1).encoded()), Message(receiver: 0, bytes: batch([0])),
            Message(receiver: 1, bytes: batch([0])),
        ]
        return round + round + [Message(receiver: 0, bytes: ready())]
    }
    private static let orders = [[0, 1], [1, 0]].map { StepOrder($0).encoded() }

    /// Lives the run, in which rank 2 says these messages, and rank 0 gives these orders; nil: it is a learner as always.
    private static func run(_ messages: [Message] = messages, orders: [[UInt8]]? = nil) throws {
        try runInProcess(ranks: 4) { communicator in
            let rank = communicator.rank
            if rank >= 2 {
                let said = rank == 2 ? messages : Self.messages
                for (place, message) in said.enumerated() {
                    // A rollout waits for all ranks only when it has the last weights, and those come after the last step.
                    if place == said.count - 1 { _ = try communicator.receive(from: 0, tag: Self.stepsAreDone) }
                    try communicator.send(message.bytes, to: message.receiver, tag: RolloutBatch.tag)
                }
                return
            }
            func sayDone() throws { for rollout in 2...3 { try communicator.send([1], to: rollout, tag: Self.stepsAreDone) } }
            if let orders, rank == 0 {
                for order in orders { try communicator.send(order, to: 1, tag: 3) }
                try sayDone()
                return
            }
            let schedule = FreeSchedule(rollouts: 2, perStep: 2, bound: 1, version: 0, last: Self.steps)
            let weights = WeightExchange(
                world: communicator, channel: nil, lag: 1, shares: .limits(atLeast: schedule.limits, total: 4), history: [0: Self.bits])
            let arrivals = FreeArrivals(communicator, try RankLayout(size: 4, learners: 2), weights, schedule)
            for step in 0..<Self.steps {
                let (found, limits) = try arrivals.step(compared: step % 2)
                // What a learner does with them.
                for group in found.fresh { _ = try weights.bits(of: group.sampledWith) }
                _ = try weights.publish(Self.bits, version: step + 1, shares: limits, isLast: step + 1 == Self.steps)
            }
            guard rank == 0 else { return }
            try sayDone()
            try arrivals.meet()
        }
    }

    @Test("a run in which nothing is damaged ends, with rank 0's own orders and with these")
    func whole() throws {
        try Self.run()
        try Self.run(orders: Self.orders)
    }

    @Test("whole messages that say what cannot be end the run with 74", arguments: [
        [0: BegunGroups(version: 1, count: 1).encoded()], [0: BegunGroups(version: -1, count: 1).encoded()],
        [0: BegunGroups(version: 0, count: 3).encoded()], [0: BegunGroups(version: .min, count: .max).encoded()],
        [1: batch([0, 0])], [1: batch([1])], [2: batch([7])], [1: batch([(1 << 28) - 1])], [2: BegunGroups(version: 0, count: 1).encoded()],
        [1: ready()], [2: ready()], [6: ready([], version: 1)], [1: request(2)], [1: request(.max)], [6: request(-1)],
    ])
    func wrong(changes: [Int: [UInt8]]) throws {
        var messages = Self.messages
        for (place, bytes) in changes { messages[place].bytes = bytes }
        #expect { try Self.run(messages) } throws: { ExitCode.of($0) == 74 }
    }

    @Test("an order of too few groups, too many, or of nobody, ends it as well", arguments: [
        [], [0], [0, 1, 0], [0, 2], [.max, 0], Array(repeating: 1, count: 100_000),
    ] as [[UInt32]])
    func wrongOrder(places: [UInt32]) throws {
        #expect { try Self.run(orders: [StepOrder(places.map { Int($0) }).encoded()] + Self.orders) } throws: { error in
            guard let error = error as? CollectiveError, case .mismatch = error.cause else { return false }
            return ExitCode.of(error) == 74 && error.description.count < 1000
        }
    }

    @Test("with one message damaged, it ends or says why it cannot")
    func damaged() throws {
        var (ended, refused) = (0, 0)
        for number in 0..<Self.cases {
            var random = FuzzRandom(seed: 5, format: "free", number: number)
            var messages = Self.messages, orders: [[UInt8]]? = Self.orders
            let changes: [String]
            if random.chance(0.25) {
                let place = random.below(Self.orders.count)
                var bytes = Self.orders[place]
                changes = ["order \(place)"] + ByteMutator(donors: Self.orders).mutateFrame(&bytes, using: &random)
                orders?[place] = bytes
            } else {
                orders = nil
                let place = random.below(messages.count)
                changes = ["message \(place)"]
                    + ByteMutator(donors: messages.map(\.bytes)).mutateFrame(&messages[place].bytes, using: &random)
            }
            do {
                try Self.run(messages, orders: orders)
                ended += 1
            } catch {
                #expect(ExitCode.of(error) == 74, "\(number) \(changes): \(type(of: error)) \(error)")
                refused += 1
            }
        }
        print("Damaged messages: rollouts that run free: \(ended) runs ended, \(refused) refused")
        #expect(ended > 0 && refused > 0)
    }
}
