/// A group of virtual ranks on threads of this process: for tests, and for `--single`.
///
/// The results have the bytes that the same ranks get over MPI. What MPI answers with a hang is an error here: a rank
/// that waits for one that has ended, ranks that all wait for each other, calls that do not match, a message to oneself that was
/// never sent.
package final class InProcessCommunicator: Communicator, @unchecked Sendable {
    package let rank: Int
    package let whereabouts = Whereabouts()
    package var size: Int { group.members.count }
    package internal(set) var received: Traffic {
        get { meter.traffic }
        set { meter.traffic = newValue }
    }

    /// Shared by all groups of this rank, which has one thread.
    private final class Meter { var traffic = Traffic() }
    private let meter: Meter

    let group: InProcessGroup
    var world: InProcessWorld { group.world }
    var worldRank: Int { group.members[rank] }
    /// How many collective calls, and how many broadcasts, this rank has begun: the address of the next one.
    private var nextRound = 0
    private var nextBroadcast = 0
    /// Whose message `receiveArrived` or `receiveAny` took last.
    var lastServed = 0

    /// The communicators of `count` virtual ranks, one for each thread.
    package static func ranks(_ count: Int) -> [InProcessCommunicator] {
        let group = InProcessGroup(world: InProcessWorld(count: count), members: Array(0..<count))
        return (0..<count).map { InProcessCommunicator(rank: $0, group: group) }
    }

    private init(rank: Int, group: InProcessGroup, meter: Meter = Meter()) {
        self.rank = rank
        self.group = group
        self.meter = meter
    }

    package func barrier() throws(CollectiveError) {
        _ = try exchange(.barrier, .nothing) { _ in [] }
    }

    package func allReduceSum(_ values: UnsafeMutableBufferPointer<Int64>) throws(CollectiveError) {
        try reduce(.allReduceSum, values, Contribution.integers, from: Self.integers) { $0 &+ $1 }
    }

    package func allReduceMax(_ values: UnsafeMutableBufferPointer<Int64>) throws(CollectiveError) {
        try reduce(.allReduceMax, values, Contribution.integers, from: Self.integers) { $0 > $1 ? $0 : $1 }
    }

    package func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) throws(CollectiveError) {
        try reduce(.allReduceSum, values, Contribution.floats, from: Self.floats) { $0 + $1 }
    }

    package func allReduceMax(_ values: UnsafeMutableBufferPointer<Float>) throws(CollectiveError) {
        replaceNaN(values)
        try reduce(.allReduceMax, values, Contribution.floats, from: Self.floats) { $0 > $1 ? $0 : $1 }
    }

    package func allGather(_ bytes: [UInt8]) throws(CollectiveError) -> [[UInt8]] {
        let gathered = try exchange(.allGather, .bytes(bytes)) { $0 }.map(Self.bytes)
        received.gathered += gathered.enumerated().reduce(0) { $0 + ($1.offset == rank ? 0 : $1.element.count) }
        return gathered
    }

    package func allGather(_ values: UnsafeMutableBufferPointer<Float>, share: Int) throws(CollectiveError) {
        requireValid(share: share, of: values.count, size: size)
        let own = part(of: rank, values.count, share: share)
        let bytes = Array(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: values[own])))
        let parts = try exchange(.allGather, .bytes(bytes)) { $0 }.map(Self.bytes)
        received.exchanged += (values.count - own.count) * MemoryLayout<Float>.stride
        for (other, bytes) in parts.enumerated() where other != rank {
            let place = part(of: other, values.count, share: share)
            UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: values[place])).copyBytes(from: bytes)
        }
    }

    package func sendReceive(
        _ sent: UnsafeRawBufferPointer, to next: Int, into taken: UnsafeMutableRawBufferPointer, from last: Int
    ) throws(CollectiveError) {
        requireValid(neighbours: [next, last], of: rank, size: size)
        try put(Array(sent), .init(from: rank, to: next, tag: Self.neighbourTag))
        let bytes = try take(.init(from: last, to: rank, tag: Self.neighbourTag))
        guard bytes.count == taken.count else {
            throw mismatch(.receive, "rank \(last) sent \(bytes.count) bytes where \(taken.count) are expected")
        }
        received.exchanged += bytes.count
        taken.copyBytes(from: bytes)
    }

    /// Of `sendReceive`, whose messages do not mix with those that have tags.
    private static let neighbourTag = -1

    package func startBroadcast(_ bytes: [UInt8]?, root: Int) throws(CollectiveError) -> PendingBroadcast {
        requireValid(peer: root, tag: 0, size: size, .broadcast)
        precondition((bytes != nil) == (rank == root), "broadcast: the root passes the bytes and nobody else does")
        let address = nextBroadcast
        nextBroadcast += 1
        try world.monitor.locked { () throws(CollectiveError) in
            try throwIfLost(.broadcast, peer: root)
            var broadcast = group.broadcasts[address] ?? InProcessGroup.Broadcast(root: root)
            guard broadcast.root == root else {
                throw mismatch(.broadcast, "the root is \(root) here and \(broadcast.root) elsewhere")
            }
            if let bytes { broadcast.bytes = bytes }
            group.broadcasts[address] = broadcast
            world.wakeAll()
        }
        return PendingBroadcast(
            advance: { [self] () throws(CollectiveError) in
                try world.monitor.locked { () throws(CollectiveError) in
                    if group.broadcasts[address]?.bytes != nil { return true }
                    try throwIfLost(.broadcast, peer: root)
                    return false
                }
            },
            finish: { [self] () throws(CollectiveError) in
                try world.monitor.locked { () throws(CollectiveError) in
                    while true {
                        if let bytes = group.broadcasts[address]?.bytes {
                            if rank != root { received.broadcasts += bytes.count }
                            group.broadcasts[address]!.taken += 1
                            if group.broadcasts[address]!.taken == size { group.broadcasts[address] = nil }
                            return bytes
                        }
                        try throwIfLost(.broadcast, peer: root)
                        try throwIfDeparted(root, .broadcast)
                        try world.wait(.broadcast, rank: rank)
                    }
                }
            })
    }

    package func send(_ bytes: [UInt8], to peer: Int, tag: Int) throws(CollectiveError) {
        requireValid(peer: peer, tag: tag, size: size, .send)
        try put(bytes, .init(from: rank, to: peer, tag: tag))
    }

    package func receive(from peer: Int, tag: Int) throws(CollectiveError) -> [UInt8] {
        requireValid(peer: peer, tag: tag, size: size, .receive)
        let bytes = try take(.init(from: peer, to: rank, tag: tag))
        if peer != rank { received.messages += bytes.count }
        return bytes
    }

    private func put(_ bytes: [UInt8], _ route: InProcessGroup.Route) throws(CollectiveError) {
        try world.monitor.locked { () throws(CollectiveError) in
            try throwIfLost(.send, peer: route.to)
            group.mailbox[route, default: Mailbox()].append(bytes)
            world.wakeAll()
        }
    }

    private func take(_ route: InProcessGroup.Route) throws(CollectiveError) -> [UInt8] {
        try world.monitor.locked { () throws(CollectiveError) in
            while true {
                try throwIfLost(.receive, peer: route.from)
                if let message = group.mailbox[route]?.removeFirst() { return message }
                guard route.from != rank else { throw selfReceive(rank: rank, tag: route.tag) }
                try throwIfDeparted(route.from, .receive)
                try world.wait(.receive, rank: rank)
            }
        }
    }

    package func poll() {}

    package func subgroup(_ ranks: [Int]) throws(CollectiveError) -> (any Communicator)? {
        requireValid(members: ranks, size: size)
        let address = nextRound
        _ = try exchange(.subgroup, .integers(ranks.map(Int64.init)), detail: "\(ranks)") { _ in [] } prepare: { round in
            round.subgroup = InProcessGroup(world: world, members: ranks.map { group.members[$0] })
        } take: { round in
            subgroups[address] = round.subgroup
        }
        guard let place = ranks.firstIndex(of: rank), let shared = subgroups.removeValue(forKey: address) else {
            subgroups[address] = nil
            return nil
        }
        return InProcessCommunicator(rank: place, group: shared, meter: meter)
    }

    private var subgroups: [Int: InProcessGroup] = [:]

    package func abort(_ reason: String, code: Int32) { world.fail(rank: worldRank, reason: reason) }

    package func finish() throws(CollectiveError) {
        if let failure = world.monitor.locked({ world.failure }), failure.rank != worldRank {
            throw CollectiveError(.finish, rank: rank, peer: failure.rank, .peerLost(reason: failure.reason))
        }
        world.depart(worldRank)
    }

    /// This rank's thread has ended, in whatever way.
    func depart() { world.depart(worldRank) }

    // MARK: - Collective calls

    private typealias Contribution = InProcessGroup.Contribution

    /// Contributes, waits for everybody, and returns what `combine` made of all contributions in rank order.
    private func exchange(
        _ operation: CollectiveError.Operation, _ mine: Contribution, detail: String = "",
        _ combine: ([Contribution]) -> [Contribution], prepare: (inout InProcessGroup.Round) -> Void = { _ in },
        take: (InProcessGroup.Round) -> Void = { _ in }
    ) throws(CollectiveError) -> [Contribution] {
        let address = nextRound
        nextRound += 1
        let call = detail.isEmpty ? operation.rawValue : "\(operation.rawValue) of \(detail)"
        return try world.monitor.locked { () throws(CollectiveError) in
            try throwIfLost(operation, peer: nil)
            var round = group.rounds[address]
                ?? InProcessGroup.Round(call: call, contributions: Array(repeating: nil, count: size))
            guard round.call == call else { throw mismatch(operation, "\(call) here, \(round.call) elsewhere") }
            round.contributions[rank] = mine
            round.arrived += 1
            if round.arrived == size {
                round.result = combine(round.contributions.compactMap { $0 })
                prepare(&round)
                world.wakeAll()
            }
            group.rounds[address] = round
            while group.rounds[address]!.arrived < size {
                for (peer, contribution) in group.rounds[address]!.contributions.enumerated() where contribution == nil {
                    try throwIfDeparted(peer, operation)
                }
                try world.wait(operation, rank: rank)
                // A call that everybody made succeeds, even if somebody failed right after it: as over MPI.
                if group.rounds[address]!.arrived < size { try throwIfLost(operation, peer: nil) }
            }
            let complete = group.rounds[address]!
            take(complete)
            group.rounds[address]!.taken += 1
            if group.rounds[address]!.taken == size { group.rounds[address] = nil }
            return complete.result
        }
    }

    private func reduce<Number>(
        _ operation: CollectiveError.Operation, _ values: UnsafeMutableBufferPointer<Number>,
        _ wrap: ([Number]) -> Contribution, from unwrap: (Contribution) -> [Number],
        _ combine: (Number, Number) -> Number
    ) throws(CollectiveError) {
        let detail = "\(values.count) × \(Number.self)"
        let result = try exchange(operation, wrap(Array(values)), detail: detail) { contributions in
            var total = unwrap(contributions[0])
            total.withUnsafeMutableBufferPointer { total in
                for contribution in contributions.dropFirst() {
                    unwrap(contribution).withUnsafeBufferPointer { other in
                        for i in 0..<total.count { total[i] = combine(total[i], other[i]) }
                    }
                }
            }
            return [wrap(total)]
        }
        _ = values.update(fromContentsOf: unwrap(result[0]))
    }

    private static func integers(_ contribution: Contribution) -> [Int64] {
        if case .integers(let values) = contribution { values } else { [] }
    }
    private static func floats(_ contribution: Contribution) -> [Float] {
        if case .floats(let values) = contribution { values } else { [] }
    }
    private static func bytes(_ contribution: Contribution) -> [UInt8] {
        if case .bytes(let values) = contribution { values } else { [] }
    }

    // MARK: - Failures

    func throwIfLost(_ operation: CollectiveError.Operation, peer: Int?) throws(CollectiveError) {
        guard let failure = world.failure else { return }
        throw CollectiveError(operation, rank: rank, peer: peer, .peerLost(reason: failure.reason))
    }

    private func throwIfDeparted(_ peer: Int, _ operation: CollectiveError.Operation) throws(CollectiveError) {
        guard world.departed.contains(group.members[peer]) else { return }
        throw CollectiveError(
            operation, rank: rank, peer: peer, .neverCompletes("rank \(group.members[peer]) has ended its work"))
    }

    private func mismatch(_ operation: CollectiveError.Operation, _ detail: String) -> CollectiveError {
        CollectiveError(operation, rank: rank, .mismatch(detail))
    }
}

func selfReceive(rank: Int, tag: Int) -> CollectiveError {
    CollectiveError(.receive, rank: rank, peer: rank, .neverCompletes("it sent itself no message with tag \(tag)"))
}

/// Turns NaN into +∞, since a maximum is free to overlook a NaN.
func replaceNaN(_ values: UnsafeMutableBufferPointer<Float>) {
    for i in 0..<values.count where values[i].isNaN { values[i] = .infinity }
}
