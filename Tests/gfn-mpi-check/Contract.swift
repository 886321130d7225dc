package import Collective

/// What a check found to be untrue.
package struct ContractFailure: Error, CustomStringConvertible {
    package let description: String
}

/// One promise of `Communicator`, and how to see that it is kept. Every rank of the group runs `body`.
package struct ContractCheck: Sendable, CustomStringConvertible {
    package let description: String
    package let body: @Sendable (any Communicator) throws -> Void

    init(_ description: String, _ body: @escaping @Sendable (any Communicator) throws -> Void) {
        self.description = description
        self.body = body
    }
}

func expect(
    _ condition: @autoclosure () throws -> Bool, _ what: @autoclosure () -> String, line: Int = #line
) throws {
    if try !condition() { throw ContractFailure(description: "\(what()) (Contract line \(line))") }
}

/// The promises that every communicator keeps, in process as over MPI, for any number of ranks.
package enum Contract {
    package static let all: [ContractCheck] = collectives + broadcasts + messages + arrivals + groups

    static let collectives = [
        ContractCheck("nobody leaves a barrier before everybody has entered it") { group in
            // Each rank tells rank 0 before the barrier; after it rank 0 must find all tellings without a wait that
            // could be satisfied by a later send: the values name the round.
            for round in 0..<3 {
                try group.send([UInt8(round), UInt8(group.rank)], to: 0, tag: 1)
                try group.barrier()
                if group.rank == 0 {
                    for peer in 0..<group.size {
                        try expect(
                            group.receive(from: peer, tag: 1) == [UInt8(round), UInt8(peer)], "round \(round) of \(peer)")
                    }
                }
            }
        },
        ContractCheck("a sum of integers is exact and wraps, whatever its length") { group in
            for count in [0, 1, 3, 1000, 40_001] {
                var values = (0..<count).map { Int64($0 + 1) &* Int64(group.rank + 1) &* 0x1234_5678_9abc_def1 }
                try values.withUnsafeMutableBufferPointer { try group.allReduceSum($0) }
                let factor = Int64(group.size * (group.size + 1) / 2)
                try expect(
                    values == (0..<count).map { Int64($0 + 1) &* factor &* 0x1234_5678_9abc_def1 }, "\(count) numbers")
            }
        },
        ContractCheck("a sum of floats adds the ranks") { group in
            var values = (0..<257).map { Float($0) + Float(group.rank) }  // small whole numbers: exact in any order
            try values.withUnsafeMutableBufferPointer { try group.allReduceSum($0) }
            let ranks = Float(group.size * (group.size - 1) / 2)
            try expect(values == (0..<257).map { Float(group.size) * Float($0) + ranks }, "257 floats")
        },
        ContractCheck("parts of floats are given to all, the last ones smaller or empty") { group in
            for (count, share) in [(0, 0), (7, 7), (group.size * 300, 300), (group.size * 300 - 1, 300), (5, 3)] where share * group.size >= count {
                let own = min(count, group.rank * share)..<min(count, (group.rank + 1) * share)
                var values = (0..<count).map { own.contains($0) ? Float($0) + 0.5 : -1 }
                try values.withUnsafeMutableBufferPointer { try group.allGather($0, share: share) }
                try expect(values == (0..<count).map { Float($0) + 0.5 }, "\(count) floats in parts of \(share)")
            }
        },
        ContractCheck("neighbours exchange bytes of other lengths, beside messages that wait") { group in
            for step in 1..<max(1, group.size) {
                let (next, last) = ((group.rank + step) % group.size, (group.rank + group.size - step) % group.size)
                func bytes(from rank: Int) -> [UInt8] { [UInt8](repeating: UInt8(rank + 10 * step), count: 1000 * rank + (step - 1)) }
                try group.send([UInt8(step)], to: next, tag: 9)
                var taken = [UInt8](repeating: 0, count: bytes(from: last).count)
                try bytes(from: group.rank).withUnsafeBytes { sent in
                    try taken.withUnsafeMutableBytes { try group.sendReceive(sent, to: next, into: $0, from: last) }
                }
                try expect(taken == bytes(from: last), "the bytes of \(last)")
                try expect(group.receive(from: last, tag: 9) == [UInt8(step)], "the message of \(last)")
            }
        },
        ContractCheck("a maximum finds the largest of all ranks, also when all are negative") { group in
            var floats = (0..<33).map { $0 % group.size == group.rank ? -Float($0) - 0.5 : -1000 }
            try floats.withUnsafeMutableBufferPointer { try group.allReduceMax($0) }
            try expect(floats == (0..<33).map { -Float($0) - 0.5 }, "floats \(floats)")
            var integers = (0..<33).map { $0 % group.size == group.rank ? Int64.min + Int64($0) + 1 : Int64.min }
            try integers.withUnsafeMutableBufferPointer { try group.allReduceMax($0) }
            try expect(integers == (0..<33).map { Int64.min + $0 + 1 }, "integers")
        },
        ContractCheck("a NaN on one rank becomes infinity in the maximum") { group in
            for root in 0..<group.size {
                var values: [Float] = [group.rank == root ? .nan : 3, 2]
                try values.withUnsafeMutableBufferPointer { try group.allReduceMax($0) }
                try expect(values == [.infinity, 2], "\(values)")
            }
        },
        ContractCheck("a gather returns everybody's bytes by rank, with different lengths") { group in
            func bytes(_ rank: Int) -> [UInt8] { pattern((rank * 7919) % 5000, seed: rank) }
            try expect(group.allGather(bytes(group.rank)) == (0..<group.size).map(bytes), "gathered bytes")
        },
        ContractCheck("one rank's yes is everybody's") { group in
            for asking in 0..<group.size { try expect(group.any(group.rank == asking), "asked by \(asking)") }
            try expect(!group.any(false), "asked by nobody")
            try expect(group.sum(Int64(group.rank)) == Int64(group.size * (group.size - 1) / 2), "sum of ranks")
        },
    ]

    static let broadcasts = [
        ContractCheck("a broadcast gives the root's bytes to everybody, from any root and of any length") { group in
            for root in 0..<group.size {
                for length in [0, 1, 1000, 2000, 300_000] {
                    let expected = pattern(length, seed: root)
                    let pending = try group.startBroadcast(group.rank == root ? expected : nil, root: root)
                    try expect(pending.wait() == expected, "\(length) bytes from \(root)")
                }
            }
        },
        ContractCheck("the root of a broadcast goes on before anybody receives") { group in
            let pending = try group.startBroadcast(group.rank == 0 ? pattern(5000, seed: 1) : nil, root: 0)
            // Nobody waits for the broadcast before this exchange, which needs the root.
            if group.rank == 0 {
                for peer in 0..<group.size { try group.send([9], to: peer, tag: 2) }
            }
            try expect(group.receive(from: 0, tag: 2) == [9], "the message after the broadcast")
            try expect(pending.wait() == pattern(5000, seed: 1), "the bytes")
        },
        ContractCheck("broadcasts overlap each other and other collective calls, and are waited for in any order") { group in
            let roots = (0..<6).map { $0 % group.size }
            var pending: [PendingBroadcast] = []
            for (index, root) in roots.enumerated() {
                let bytes = group.rank == root ? pattern(1000 * index, seed: index) : nil
                pending.append(try group.startBroadcast(bytes, root: root))
                try expect(group.sum(1) == Int64(group.size), "the sum after broadcast \(index)")
                group.poll()
            }
            for index in [3, 0, 5, 4, 1, 2] {
                try expect(pending[index].wait() == pattern(1000 * index, seed: index), "broadcast \(index)")
            }
        },
        ContractCheck("polling alone completes a broadcast") { group in
            let pending = try group.startBroadcast(group.rank == 0 ? pattern(100_000, seed: 4) : nil, root: 0)
            while try !pending.isComplete() { group.poll() }
            try expect(pending.wait() == pattern(100_000, seed: 4), "the bytes")
            try group.barrier()
        },
    ]

    static let messages = [
        ContractCheck("every rank sends to every rank, itself included") { group in
            for peer in 0..<group.size {
                try group.send(pattern(100 + 13 * peer, seed: group.rank), to: peer, tag: 3)
            }
            for peer in 0..<group.size {
                try expect(
                    group.receive(from: peer, tag: 3) == pattern(100 + 13 * group.rank, seed: peer), "from \(peer)")
            }
        },
        ContractCheck("messages with the same ends and tag arrive in order; those of another tag wait for theirs") { group in
            let (next, previous) = ((group.rank + 1) % group.size, (group.rank + group.size - 1) % group.size)
            for number in 0..<50 {
                try group.send([UInt8(number)] + pattern(number * 90, seed: 1), to: next, tag: number % 2)
            }
            for tag in [1, 0] {
                for number in stride(from: tag, to: 50, by: 2) {
                    try expect(
                        group.receive(from: previous, tag: tag) == [UInt8(number)] + pattern(number * 90, seed: 1),
                        "message \(number)")
                }
            }
        },
        ContractCheck("a receive takes messages of its source only, though others came first") { group in
            guard group.rank == 0 else {
                // Higher ranks speak first: each waits for the next higher one's word, passed on through rank 0's peers.
                if group.rank + 1 < group.size { _ = try group.receive(from: group.rank + 1, tag: 5) }
                try group.send([UInt8(group.rank)], to: 0, tag: 4)
                if group.rank > 1 { try group.send([], to: group.rank - 1, tag: 5) }
                return
            }
            for peer in 1..<max(1, group.size) {
                try expect(group.receive(from: peer, tag: 4) == [UInt8(peer)], "from \(peer)")
            }
        },
        ContractCheck("ranks that all send much before they receive do not deadlock") { group in
            let count = 300  // more than may be in flight
            for number in 0..<count {
                for peer in 0..<group.size { try group.send(pattern(6000, seed: number % 7), to: peer, tag: 6) }
            }
            for peer in 0..<group.size {
                for number in 0..<count {
                    try expect(group.receive(from: peer, tag: 6) == pattern(6000, seed: number % 7), "\(number) of \(peer)")
                }
            }
        },
        ContractCheck("a rank that waits in a barrier does not hold up who sends to it") { group in
            if group.rank == group.size - 1 {
                for _ in 0..<300 { try group.send(pattern(6000, seed: 2), to: 0, tag: 7) }
            }
            try group.barrier()
            if group.rank == 0 {
                for _ in 0..<300 {
                    try expect(group.receive(from: group.size - 1, tag: 7) == pattern(6000, seed: 2), "message")
                }
            }
        },
        ContractCheck("a message of a megabyte arrives whole, and one of no bytes arrives") { group in
            let (next, previous) = ((group.rank + 1) % group.size, (group.rank + group.size - 1) % group.size)
            for length in [1_048_576, 0, 4096, 1_000_003] {
                try group.send(pattern(length, seed: group.rank), to: next, tag: 8)
            }
            for length in [1_048_576, 0, 4096, 1_000_003] {
                try expect(group.receive(from: previous, tag: 8) == pattern(length, seed: previous), "\(length) bytes")
            }
        },
        ContractCheck("a message to oneself that was never sent is an error, not a hang") { group in
            do {
                _ = try group.receive(from: group.rank, tag: 9)
                throw ContractFailure(description: "received what nobody sent")
            } catch let error as CollectiveError {
                guard case .neverCompletes = error.cause else { throw error }
            }
        },
    ]

    static let groups = [
        ContractCheck("weights go from learner 0 to the rollouts while the other learners take no part") { group in
            let layout = try RankLayout(size: group.size, learners: group.size > 1 ? group.size / 2 : nil)
            let weights = try group.subgroup(layout.weightGroup)
            try expect((weights != nil) == layout.weightGroup.contains(group.rank), "membership")
            if let weights {
                for version in 0..<4 {
                    let bytes = weights.rank == 0 ? pattern(50_000, seed: version) : nil
                    try expect(
                        weights.startBroadcast(bytes, root: 0).wait() == pattern(50_000, seed: version), "version \(version)")
                }
                try expect(weights.sum(1) == Int64(layout.weightGroup.count), "the sum of the subgroup")
            }
            // Those outside went straight here; the whole group still works.
            try expect(group.sum(1) == Int64(group.size), "the sum of the group")
        },
        ContractCheck("a subgroup numbers its ranks in the order given and keeps its messages to itself") { group in
            let order = Array((0..<group.size).reversed())
            guard let reversed = try group.subgroup(order) else { throw ContractFailure(description: "left out") }
            try expect(reversed.rank == group.size - 1 - group.rank && reversed.size == group.size, "numbering")
            for peer in 0..<group.size {
                try group.send([1], to: peer, tag: 10)
                try reversed.send([2, UInt8(reversed.rank)], to: peer, tag: 10)
            }
            for peer in 0..<group.size {
                try expect(reversed.receive(from: peer, tag: 10) == [2, UInt8(peer)], "in the subgroup")
                try expect(group.receive(from: peer, tag: 10) == [1], "in the group")
            }
        },
        ContractCheck("two halves work at the same time, and a subgroup can be divided again") { group in
            let middle = (group.size + 1) / 2
            let low = try group.subgroup(Array(0..<middle))
            let high = group.size > middle ? try group.subgroup(Array(middle..<group.size)) : nil
            let half = low ?? high
            guard let half else { throw ContractFailure(description: "in neither half") }
            try expect(half.sum(1) == Int64(group.rank < middle ? middle : group.size - middle), "the sum of a half")
            let alone = try half.subgroup([0])
            try expect((alone != nil) == (half.rank == 0), "membership of the part of a part")
            if let alone { try expect(alone.sum(5) == 5 && alone.size == 1, "alone") }
        },
    ]

    /// Bytes that differ by position and by seed.
    static func pattern(_ count: Int, seed: Int) -> [UInt8] {
        var state = UInt32(truncatingIfNeeded: seed &* 2_654_435_761 &+ 12345)
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            for i in 0..<count {
                state = state &* 1_664_525 &+ 1_013_904_223
                buffer.initializeElement(at: i, to: UInt8(truncatingIfNeeded: state >> 24))
            }
            filled = count
        }
    }
}
