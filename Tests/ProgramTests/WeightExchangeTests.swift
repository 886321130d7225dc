@testable import Collective
import Testing

@testable import gfn_dist

@Suite("Weights on their way")
struct WeightExchangeTests {
    private static func bits(of version: Int) -> [UInt16] { (0..<500).map { UInt16(truncatingIfNeeded: $0 * 31 + version * ($0 % 7)) } }

    private static func frame(_ version: Int, against base: Int?, kind: UInt16 = FrameKind.weights, layout: UInt16 = FrameKind.version) -> [UInt8] {
        let previous = base.map { (bits: bits(of: $0), version: $0) }
        let payload = WeightCoding.encode(bits: bits(of: version), version: version, against: previous).payload
        return MessageFrame(kind: kind, version: layout, payload: published(payload, assignment(of: version))).encoded()
    }

    private static let slots = 6, rollouts = 3

    private static func assignment(of version: Int) -> [Int] { (0..<slots).map { ($0 + version) % rollouts } }

    /// Payload of a frame of weights.
    private static func published(_ weights: [UInt8], _ assignment: [Int]) -> [UInt8] {
        PublishedWeights(shares: assignment, weights: weights).frame(isLast: false).payload
    }

    private static func exchange(_ communicator: any Communicator, lag: Int) -> WeightExchange {
        WeightExchange(
            world: communicator, channel: communicator, lag: lag, shares: .slots(slots, rollouts: rollouts), history: [0: bits(of: 0)])
    }

    /// What a rollout has of `version` after rank 0 broadcast these frames; it begins with version 0. A request is answered with `answer`.
    private static func received(_ frames: [[UInt8]], version: Int, answer: [UInt8]? = nil) throws -> [UInt16]? {
        try runInProcess(ranks: 2) { communicator -> [UInt16]? in
            guard communicator.rank == 1 else {
                for frame in frames { _ = try communicator.startBroadcast(frame, root: 0).wait() }
                if let answer {
                    let request = try MessageFrame.decode(try communicator.receive(from: 1, tag: RolloutBatch.tag))
                    #expect(request.kind == FrameKind.weightsRequest)
                    try communicator.send(answer, to: 1, tag: 2)
                }
                return nil
            }
            let exchange = Self.exchange(communicator, lag: 0), bits = try exchange.bits(of: version)
            #expect(exchange.shares(with: version) == Self.assignment(of: version))
            #expect(exchange.shares(with: version + 1) == nil)
            return bits
        }[1]
    }

    @Test("a late or repeated version is ignored, and whole weights are taken whatever came before")
    func lateAndRepeated() throws {
        let frames = [
            Self.frame(1, against: 0), Self.frame(1, against: 0), Self.frame(2, against: 1), Self.frame(1, against: nil), Self.frame(2, against: nil),
            Self.frame(5, against: nil),
        ]
        #expect(try Self.received(frames, version: 5) == Self.bits(of: 5))
    }

    @Test("what is damaged, of another kind or layout, or a change to a version that never came is not taken: it is asked for in full")
    func refused() throws {
        var damaged = Self.frame(2, against: nil)
        damaged[100] ^= 4
        func assigned(_ rollouts: [Int]) -> [UInt8] {
            let weights = WeightCoding.encode(bits: Self.bits(of: 2), version: 2).payload
            return MessageFrame(kind: FrameKind.weights, version: FrameKind.version, payload: Self.published(weights, rollouts)).encoded()
        }
        let wrong = [
            assigned([]), assigned([0, 1, 2, 0, 1]), assigned([0, 1, 2, 0, 1, 2, 0]), assigned([0, 1, 2, 0, 1, 3]),
            MessageFrame(kind: FrameKind.weights, version: FrameKind.version, payload: [9, 0, 0, 0, 0, 0, 0, 0, 1]).encoded(),
            damaged, Array(damaged.prefix(90)), Self.frame(2, against: 1), Self.frame(2, against: 0, kind: FrameKind.rolloutBatch),
            Self.frame(2, against: 0, layout: 2),
        ]
        for frame in wrong {
            #expect(try Self.received([frame], version: 2, answer: Self.frame(2, against: nil)) == Self.bits(of: 2))
            // A second time it is no accident.
            #expect(throws: (any Error).self) { try Self.received([frame], version: 2, answer: damaged) }
        }
    }

    @Test("limits that fall, go beyond the run or are of other rollouts are not taken, but asked for again", arguments: [
        [2, 3], [3, 1], [3, 21], [3], [3, 3, 3],
    ])
    func limits(wrong: [Int]) throws {
        let taken = try runInProcess(ranks: 2) { communicator -> [Int]? in
            func frame(_ version: Int, _ limits: [Int]) -> [UInt8] {
                let weights = WeightCoding.encode(bits: Self.bits(of: version), version: version).payload
                return PublishedWeights(shares: limits, weights: weights).frame(isLast: false).encoded()
            }
            guard communicator.rank == 1 else {
                for (version, limits) in [(1, [3, 2]), (2, wrong)] {
                    _ = try communicator.startBroadcast(frame(version, limits), root: 0).wait()
                }
                let request = try MessageFrame.decode(try communicator.receive(from: 1, tag: RolloutBatch.tag))
                #expect(request.kind == FrameKind.weightsRequest)
                try communicator.send(frame(2, [3, 20]), to: 1, tag: 2)
                return nil
            }
            let exchange = WeightExchange(
                world: communicator, channel: communicator, lag: 1, shares: .limits(atLeast: [2, 2], total: 20), history: [0: Self.bits(of: 0)])
            while exchange.newest < 2 { _ = try exchange.takeNext(waiting: true) }
            #expect(exchange.keeps(1) && !exchange.keeps(0) && !exchange.keeps(3))
            #expect(throws: CollectiveError.self) { try exchange.bits(of: 0) }
            return exchange.shares(with: 2)
        }[1]
        #expect(taken == [3, 20])
    }

    @Test("rank 0 answers with the version asked for, and the changes that follow fit it", arguments: [0, 1, 2])
    func answered(lag: Int) throws {
        let taken = try runInProcess(ranks: 2) { communicator -> [[UInt16]?] in
            let exchange = Self.exchange(communicator, lag: lag)
            guard communicator.rank == 1 else {
                for version in 1...5 {
                    // The second is lost: what comes in its place says nothing.
                    if version == 2 { _ = try communicator.startBroadcast([1, 2, 3], root: 0) }
                    if version == 2 {
                        let others = WeightExchange(
                            world: communicator, channel: nil, lag: lag, shares: .slots(Self.slots, rollouts: Self.rollouts),
                            history: [1: Self.bits(of: 1)])
                        _ = try others.publish(Self.bits(of: 2), version: 2, shares: Self.assignment(of: 2), isLast: false)
                        let request = try MessageFrame.decode(try communicator.receive(from: 1, tag: RolloutBatch.tag))
                        #expect(try others.answers(request, of: 1))
                        #expect(try !others.answers(MessageFrame(kind: FrameKind.ready, version: FrameKind.version, payload: []), of: 1))
                        continue
                    }
                    _ = try communicator.startBroadcast(Self.frame(version, against: version - 1), root: 0).wait()
                }
                return []
            }
            return try (1...5).map { version in
                let bits = try exchange.bits(of: version)
                #expect(exchange.shares(with: version) == Self.assignment(of: version))
                return bits
            }
        }[1]
        #expect(taken == (1...5).map { Self.bits(of: $0) })
    }
}
