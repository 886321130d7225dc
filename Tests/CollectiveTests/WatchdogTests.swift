import Foundation
import Testing

@testable import Collective

@Suite("Ranks that stall")
struct WatchdogTests {
    private static func moment(_ progress: UInt64, waiting: Bool = false) -> Whereabouts.Moment {
        Whereabouts.Moment(
            phase: .sample, step: 3, role: .rollout, progress: progress,
            wait: waiting ? Whereabouts.Moment.Wait(operation: .receive, peer: 1) : nil)
    }

    /// What three ranks said, a line for each second: w waits, a number works and is at that count, a dash says nothing.
    private static func verdicts(_ lines: [String], limit: Double) -> [StallJudge.Verdict?] {
        var judge = StallJudge(size: 3)
        return lines.enumerated().map { second, line in
            for (rank, word) in line.split(separator: " ").enumerated() where word != "-" {
                judge.hear(moment(UInt64(word.filter(\.isNumber)) ?? 0, waiting: word.hasPrefix("w")), of: rank, at: Double(second))
            }
            return judge.verdict(at: Double(second), limit: limit)
        }
    }

    @Test("who is silent is named, though the others wait for it")
    func silent() {
        #expect(Self.verdicts(["1 1 w1", "2 - w1", "w2 - w1", "w2 - w1"], limit: 3) == [nil, nil, nil, .silent([1], seconds: 3)])
        #expect(Self.verdicts(["1 1 1", "2 - -", "3 - -"], limit: 2).last == .silent([1, 2], seconds: 2))
        #expect(Self.verdicts(["1 1 1", "2 - 2", "3 2 3", "4 - 4", "5 3 5"], limit: 3) == [nil, nil, nil, nil, nil])
    }

    @Test("who works and does not go on is named; who waits is not")
    func stuck() {
        #expect(Self.verdicts(["w1 5 w1", "w1 5 w1", "w1 5 w1"], limit: 2).last == .stuck([1], seconds: 2))
        #expect(Self.verdicts(["w1 5 w1", "w1 5 w1", "w1 - w1", "w1 - w1"], limit: 2) == [nil, nil, nil, .silent([1], seconds: 2)])
        #expect(Self.verdicts(["w1 5 w1", "w1 6 w1", "w1 7 w1", "w1 8 w1"], limit: 2) == [nil, nil, nil, nil])
    }

    @Test("all wait for each other")
    func deadlock() {
        #expect(Self.verdicts(["w1 w1 w1", "w1 w1 w2", "w1 w1 w2", "w1 w1 w2"], limit: 2) == [nil, nil, nil, .deadlock(seconds: 3)])
    }

    @Test("of a rank that never said anything there is no verdict, and none against others for a pause of one's own")
    func unheard() {
        #expect(Self.verdicts(["1 - w1", "2 - w1", "3 - w1", "4 - w1"], limit: 2) == [nil, nil, nil, nil])
        var judge = StallJudge(size: 2)
        for rank in 0..<2 { judge.hear(Self.moment(1), of: rank, at: 0) }
        judge.forgive(at: 100)
        #expect(judge.verdict(at: 101, limit: 2) == nil && judge.verdict(at: 102, limit: 2) == .silent([0, 1], seconds: 2))
    }

    @Test("messages are read as they were written, and nothing else is taken for one")
    func messages() {
        let contents: [WatchdogMessage.Content] = [
            .beat(7, Self.moment(9, waiting: true)), .answer(Self.moment(.max)), .verdict("rank 1 on größer stalled"),
        ]
        for content in contents {
            let bytes = WatchdogMessage(token: 5, content).bytes
            #expect(WatchdogMessage(bytes, token: 5)?.content == content)
            #expect(WatchdogMessage(bytes, token: 6) == nil)
            for count in 0..<bytes.count { #expect(WatchdogMessage(Array(bytes.prefix(count)), token: 5) == nil) }
        }
        #expect(WatchdogMessage([5, 0, 0, 0, 0, 0, 0, 0, 3], token: 5) == nil)
    }

    @Test("datagrams arrive, with the address to answer to")
    func datagrams() throws {
        let (one, other) = (try #require(DatagramSocket()), try #require(DatagramSocket()))
        #expect(one.receive() == nil)
        let loopback = try #require(one.reachableAt.first { $0.host == UInt32(bigEndian: 0x7F00_0001) })
        #expect(DatagramSocket.Address(packed: loopback.packed) == loopback)
        other.send([1, 2, 3], to: loopback)
        one.wait(seconds: 5)
        let (bytes, sender) = try #require(one.receive())
        #expect(bytes == [1, 2, 3])
        one.send([4], to: sender)
        other.wait(seconds: 5)
        #expect(try #require(other.receive()).bytes == [4])
    }

    @Test("a rank says where it is, and what it waits in")
    func whereabouts() {
        let place = Whereabouts()
        place.take(true, false)
        place.enter(.backward, step: 4)
        #expect(place.now.words == "learner, phase backward of step 4")
        let before = place.now.progress
        place.beginWaiting(in: .receive, for: 2)
        #expect(place.now.words == "learner, phase backward of step 4, waits in receive with rank 2" && place.now.progress == before)
        place.endWaiting()
        #expect(place.now.wait == nil && place.now.progress == before + 1)
        for operation in CollectiveError.Operation.allCases { #expect(CollectiveError.Operation(place: operation.place) == operation) }
    }
}
