import Collective
import Foundation
import Synchronization
import Testing
import gfn_mpi_check

@Suite("Virtual ranks in one process")
struct InProcessCommunicatorTests {
    @Test("keep every promise of a communicator", arguments: Contract.all, [1, 2, 3, 4, 8])
    func contract(check: ContractCheck, ranks: Int) throws {
        try runInProcess(ranks: ranks) { group in
            try check.body(group)
            try group.finish()
        }
    }

    @Test("the results come back by rank")
    func resultsByRank() throws {
        #expect(try runInProcess(ranks: 5) { 10 * $0.rank } == [0, 10, 20, 30, 40])
    }

    @Test("a sum of floats is taken in rank order, so it has the same bits each time")
    func floatSumsRepeat() throws {
        func sums() throws -> [Float] {
            try runInProcess(ranks: 4) { group in
                var values = [1e8, -1e8, 1, 1e-3].map { Float($0) * Float(group.rank + 1) / 3 }
                try values.withUnsafeMutableBufferPointer { try group.allReduceSum($0) }
                return values
            }[0]
        }
        let first = try sums()
        for _ in 0..<20 { #expect(try sums().map(\.bitPattern) == first.map(\.bitPattern)) }
    }

    enum Wait: String, CaseIterable, Sendable { case barrier, allReduce, allGather, receive, receiveAny, broadcast, subgroup }

    static func wait(_ how: Wait, for failing: Int, in group: any Communicator) throws {
        switch how {
        case .barrier: try group.barrier()
        case .allReduce: _ = try group.sum(1)
        case .allGather: _ = try group.allGather([])
        case .receive: _ = try group.receive(from: failing, tag: 0)
        case .receiveAny: _ = try group.receiveAny(tag: 0)
        case .broadcast: _ = try group.startBroadcast(nil, root: failing).wait()
        case .subgroup: _ = try group.subgroup([0])
        }
    }

    struct Fault: Error, Equatable { let rank: Int }

    @Test("when one rank fails, whoever waits for it is told why at once", arguments: Wait.allCases, [0, 2])
    func failureReachesBlockedRanks(wait: Wait, failing: Int) throws {
        let told = Mutex<[CollectiveError]>([])
        let start = ContinuousClock.now
        #expect(throws: Fault(rank: failing)) {
            try runInProcess(ranks: 4) { group in
                if group.rank == failing { throw Fault(rank: failing) }
                do { try Self.wait(wait, for: failing, in: group) } catch let error as CollectiveError {
                    told.withLock { $0.append(error) }
                    throw error
                }
            }
        }
        #expect(ContinuousClock.now - start < .seconds(2))
        #expect(told.withLock(\.count) == 3)
        for error in told.withLock({ $0 }) {
            #expect(error.isPeerLost && error.description.contains("rank \(failing): Fault"), "\(error)")
        }
    }

    @Test("a failure in the whole group reaches a rank that waits in a subgroup")
    func failureReachesSubgroups() {
        #expect(throws: Fault(rank: 0)) {
            try runInProcess(ranks: 4) { group in
                let part = try group.subgroup([1, 2, 3])
                if group.rank == 0 { throw Fault(rank: 0) }
                // Rank 3 of the part never comes.
                if let part, part.rank < 2 { try part.barrier() } else { _ = try group.receive(from: 0, tag: 1) }
            }
        }
    }

    @Test("a call after a peer's failure throws too, sends and broadcasts included")
    func laterCallsThrow() throws {
        #expect(throws: Fault(rank: 1)) {
            try runInProcess(ranks: 2) { group in
                if group.rank == 1 { throw Fault(rank: 1) }
                #expect(throws: CollectiveError.self) { try group.barrier() }
                #expect(throws: CollectiveError.self) { try group.send([1], to: 1, tag: 0) }
                #expect(throws: CollectiveError.self) { try group.startBroadcast([1], root: 0) }
                #expect(throws: CollectiveError.self) { try group.finish() }
            }
        }
    }

    @Test("of several ranks that fail by themselves, the lowest is reported")
    func lowestFailureWins() throws {
        for _ in 0..<10 {
            #expect(throws: Fault(rank: 1)) {
                try runInProcess(ranks: 4) { group in
                    try group.barrier()
                    if group.rank != 0 { throw Fault(rank: group.rank) }
                    _ = try group.receive(from: 1, tag: 0)
                }
            }
        }
    }

    @Test("waiting for a rank that has ended is an error, not a hang", arguments: Wait.allCases)
    func waitingForTheDeparted(wait: Wait) {
        let error = #expect(throws: CollectiveError.self) {
            try runInProcess(ranks: 2) { group in
                if group.rank == 0 { try Self.wait(wait, for: 1, in: group) }
            }
        }
        #expect(error?.cause == .neverCompletes("rank 1 has ended its work"))
    }

    @Test("ranks that all wait for each other are told so, and do not wait for good", arguments: [2, 3, 5], [false, true])
    func circle(ranks: Int, forAnyone: Bool) {
        for _ in 0..<20 {
            let error = #expect(throws: CollectiveError.self) {
                try runInProcess(ranks: ranks) { group in
                    let (next, last) = ((group.rank + 1) % ranks, (group.rank + ranks - 1) % ranks)
                    try group.send([1], to: next, tag: 2)
                    _ = try group.receive(from: last, tag: 2)
                    _ = forAnyone ? try group.receiveAny(tag: 1).bytes : try group.receive(from: last, tag: 1)
                }
            }
            #expect(error?.cause == .neverCompletes("every rank that has not ended waits for another"))
        }
    }

    @Test("and so are a rank in a collective call and one that waits for it, when a third has ended")
    func mixedCircle() {
        let error = #expect(throws: CollectiveError.self) {
            try runInProcess(ranks: 3) { group in
                let pair = try group.subgroup([0, 1])
                if group.rank == 0 { try pair?.barrier() }
                if group.rank == 1 { _ = try group.receive(from: 0, tag: 1) }
            }
        }
        #expect(error?.cause == .neverCompletes("every rank that has not ended waits for another"))
    }

    @Test("who waits long for a rank that computes is not told so")
    func patience() throws {
        let heard = try runInProcess(ranks: 3) { group in
            if group.rank == 2 {
                usleep(50_000)
                for peer in 0...1 { try group.send([9], to: peer, tag: 1) }
                return [UInt8]()
            }
            return try group.receive(from: 2, tag: 1)
        }
        #expect(heard == [[9], [9], []])
    }

    @Test("what a rank sent before it ended still arrives")
    func lastWords() throws {
        let heard = try runInProcess(ranks: 2) { group in
            if group.rank == 1 {
                try group.send([4, 2], to: 0, tag: 3)
                _ = try group.startBroadcast([7], root: 1)
                try group.finish()
                return [UInt8]()
            }
            return try group.receive(from: 1, tag: 3) + group.startBroadcast(nil, root: 1).wait()
        }
        #expect(heard[0] == [4, 2, 7])
    }

    @Test("ranks that call different operations, or the same with different sizes, are told so")
    func mismatches() {
        let different = #expect(throws: CollectiveError.self) {
            try runInProcess(ranks: 2) { group in
                if group.rank == 0 { try group.barrier() } else { _ = try group.allGather([]) }
            }
        }
        guard case .mismatch = different?.cause else {
            Issue.record("\(String(describing: different))")
            return
        }
        let sizes = #expect(throws: CollectiveError.self) {
            try runInProcess(ranks: 2) { group in
                var values = [Int64](repeating: 1, count: 3 + group.rank)
                try values.withUnsafeMutableBufferPointer { try group.allReduceSum($0) }
            }
        }
        #expect(sizes?.description.contains("3 × Int64") == true && sizes?.description.contains("4 × Int64") == true)
    }
}
