/// What a group of ranks can do together: exchange bytes and numbers, and fail together.
///
/// One thread of a rank uses a communicator (and the subgroups made from it) at a time. All calls marked *collective*
/// are made by every rank of the group, in the same order; that order must follow from values that all ranks share.
///
/// Guarantees that the contract suite checks on every implementation:
/// - Messages between the same two ranks with the same tag arrive in the order in which they were sent.
/// - `receive(from:tag:)` takes messages of that source and tag only; all others wait for their own `receive`.
/// - `receiveAny(tag:)` and `receiveArrived(tag:)` take each source's messages in order, and no source keeps another one out.
/// - `send` cannot deadlock: a rank that waits in any call takes in what has arrived for it, so that the sender goes on.
/// - Broadcasts are matched in the order of `startBroadcast` calls, independently of the other collective calls between
///   them, and may be waited for in any order.
/// - Sums of integers and maxima do not depend on the number of ranks or on the order of arrival.
package protocol Communicator: AnyObject, Sendable {
    /// This rank's place in the group, from 0.
    var rank: Int { get }
    /// The number of ranks in the group.
    var size: Int { get }
    /// Where this rank is in its work, the same for all its groups.
    var whereabouts: Whereabouts { get }
    /// What this rank has received so far, in all its groups.
    var received: Traffic { get }

    /// Collective: returns when every rank of the group has called it.
    func barrier() throws(CollectiveError)

    /// Collective: replaces each element by its sum over the ranks, modulo 2⁶⁴.
    func allReduceSum(_ values: UnsafeMutableBufferPointer<Int64>) throws(CollectiveError)

    /// Collective: replaces each element by its sum over the ranks, rounded in an order that depends on the group:
    /// for `reduction: fast` only.
    func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) throws(CollectiveError)

    /// Collective: replaces each element by its maximum over the ranks. A NaN counts as +∞, so that it cannot hide.
    func allReduceMax(_ values: UnsafeMutableBufferPointer<Float>) throws(CollectiveError)

    /// Collective: replaces each element by its maximum over the ranks.
    func allReduceMax(_ values: UnsafeMutableBufferPointer<Int64>) throws(CollectiveError)

    /// Collective: everybody's bytes, by rank. Lengths may differ and may be zero.
    func allGather(_ bytes: [UInt8]) throws(CollectiveError) -> [[UInt8]]

    /// Collective: every rank's part of `values` is given to all. Rank r's part are the `share` elements from r · share on, where there
    /// are so many. For ranks that have just exchanged something: nobody waits kindly for one that is late.
    func allGather(_ values: UnsafeMutableBufferPointer<Float>, share: Int) throws(CollectiveError)

    /// Sends bytes to one rank while it waits for bytes of another, `taken.count`, which that rank sends in the same way. Other
    /// ranks: not this one. At most 1 GiB.
    func sendReceive(
        _ sent: UnsafeRawBufferPointer, to next: Int, into taken: UnsafeMutableRawBufferPointer, from last: Int
    ) throws(CollectiveError)

    /// Collective: begins to give `bytes` of the root to everybody; every other rank passes nil.
    ///
    /// Nobody waits here, the root included; the transfer advances inside later calls, `poll` above all.
    func startBroadcast(_ bytes: [UInt8]?, root: Int) throws(CollectiveError) -> PendingBroadcast

    /// Sends a copy of `bytes` to a rank, which may be this one. Waits only while too much of what was sent before is
    /// still in flight. Tags are 0...32767.
    func send(_ bytes: [UInt8], to peer: Int, tag: Int) throws(CollectiveError)

    /// Waits for the next message of that rank with that tag.
    func receive(from peer: Int, tag: Int) throws(CollectiveError) -> [UInt8]

    /// The next message with that tag that is here, whoever sent it; nil when there is none yet. Never waits: for a rank that computes,
    /// and serves others meanwhile.
    ///
    /// Sources take turns.
    func receiveArrived(tag: Int) throws(CollectiveError) -> ReceivedMessage?

    /// Waits for the next message with that tag, whoever sends it.
    func receiveAny(tag: Int) throws(CollectiveError) -> ReceivedMessage

    /// Lets what is under way advance; cheap, to be called now and then during long computations.
    ///
    /// An error met here is thrown by the next call that throws.
    func poll()

    /// Collective: a communicator of the named ranks, numbered in the order given; nil on ranks that are not named.
    ///
    /// Its messages and collective calls never mix with those of this group.
    func subgroup(_ ranks: [Int]) throws(CollectiveError) -> (any Communicator)?

    /// Ends the work of all ranks, subgroups or not, because this one failed; `reason` is one sentence.
    ///
    /// Over MPI it prints the reason to standard error, ends every process with `code` and does not return. In one
    /// process every blocked or later call of the other ranks throws `peerLost` with the reason, and it returns: the
    /// caller then throws its error, and whoever started the ranks prints it.
    func abort(_ reason: String, code: Int32)

    /// Collective over the first group: completes what this rank sent or broadcast, after which nothing may be called.
    func finish() throws(CollectiveError)
}

/// A message, and the rank that sent it.
package struct ReceivedMessage: Sendable, Equatable {
    package let source: Int
    package let bytes: [UInt8]

    package init(source: Int, bytes: [UInt8]) { (self.source, self.bytes) = (source, bytes) }
}

extension Communicator {
    /// Collective: the sum over the ranks of one number.
    package func sum(_ value: Int64) throws(CollectiveError) -> Int64 {
        var values = [value]
        try reduce(&values) { (buffer) throws(CollectiveError) in try allReduceSum(buffer) }
        return values[0]
    }

    /// Collective: the maximum over the ranks of one number.
    package func maximum(_ value: Int64) throws(CollectiveError) -> Int64 {
        var values = [value]
        try reduce(&values) { (buffer) throws(CollectiveError) in try allReduceMax(buffer) }
        return values[0]
    }

    /// Collective: whether any rank says yes; how a request that reached one rank becomes everybody's decision.
    package func any(_ condition: Bool) throws(CollectiveError) -> Bool { try maximum(condition ? 1 : 0) != 0 }

    private func reduce(
        _ values: inout [Int64], _ body: (UnsafeMutableBufferPointer<Int64>) throws(CollectiveError) -> Void
    ) throws(CollectiveError) {
        try values.withUnsafeMutableBufferPointer { (buffer) throws(CollectiveError) in try body(buffer) }
    }
}

/// Stops at a programmer's mistake that every implementation refuses alike.
func requireValid(peer: Int, tag: Int, size: Int, _ operation: CollectiveError.Operation) {
    precondition((0..<size).contains(peer), "\(operation.rawValue): rank \(peer) is not in a group of \(size)")
    precondition((0...32767).contains(tag), "\(operation.rawValue): tag \(tag) is outside 0...32767")
}

/// Rank r's part of `count` elements that are shared in parts of `share`.
func part(of rank: Int, _ count: Int, share: Int) -> Range<Int> { min(count, rank * share)..<min(count, (rank + 1) * share) }

func requireValid(share: Int, of count: Int, size: Int) {
    precondition(share >= 0 && share * size >= count, "allGather: \(size) parts of \(share) are less than \(count)")
}

func requireValid(neighbours ranks: [Int], of rank: Int, size: Int) {
    precondition(
        ranks.allSatisfy { (0..<size).contains($0) && $0 != rank }, "sendReceive: \(ranks) are not other ranks than \(rank) of \(size)")
}

/// The ranks in the order in which they are looked at for a message: the one that was served last comes last.
func sourcesInTurn(after last: Int, of size: Int) -> some Sequence<Int> { (1...size).lazy.map { (last + $0) % size } }

func requireValid(members: [Int], size: Int) {
    precondition(
        !members.isEmpty && members.allSatisfy((0..<size).contains) && Set(members).count == members.count,
        "subgroup: \(members) are not distinct ranks of a group of \(size)")
}
