internal import Collective

/// Both ends of the weight broadcast: rank 0 publishes each version, rollout ranks that are no learners adopt it.
///
/// What arrives damaged at a rollout, or as a change to a version that it lacks, is not taken: it asks for the version that it needs, in
/// full, and rank 0 answers where it waits for that rollout.
///
/// With a version goes the assignment of slots to rollouts for the first step that is sampled with it: `version + lag`. Where rollouts
/// run free, what goes with it are the limits of what each may have begun.
///
/// Every rank keeps the versions that lag still asks for. The first version of a run is not sent: each rank derives
/// it from the seed, or reads it from the checkpoint.
final class WeightExchange {
    /// What one publication cost.
    struct Sync {
        var rawBytes = 0
        var deltaBytes = 0
        var compressedBytes = 0
    }

    /// Of a request's answer.
    private static let tag = 2

    private let channel: (any Communicator)?
    private let world: any Communicator
    private let isPublisher: Bool
    private let kept: Int
    private let compression = Compression()
    /// What goes with the next version.
    private var expected: PublishedWeights.Shares
    private var history: [Int: [UInt16]]
    /// By version; none of those that a run starts with.
    private var shares: [Int: [Int]] = [:]
    private(set) var newest: Int
    /// The next version, on its way to this rollout.
    private var awaited: PendingBroadcast?
    private var pending: [PendingBroadcast] = []
    /// The version after which nothing more is published; known once it has arrived.
    private(set) var last: Int?

    /// - Parameters:
    ///   - world: all ranks, with rank 0 as the publisher.
    ///   - channel: rank 0 and the ranks that it sends weights to, rank 0 first; nil on the other learners.
    ///   - lag: so many versions are kept before the newest.
    ///   - shares: what goes with the first version that is published.
    ///   - history: the versions to start from, `max(0, v − lag)...v`.
    init(world: any Communicator, channel: (any Communicator)?, lag: Int, shares: PublishedWeights.Shares, history: [Int: [UInt16]]) {
        self.world = world
        self.channel = channel
        isPublisher = channel.map { $0.rank == 0 } ?? false
        kept = lag + 1
        expected = shares
        self.history = history
        newest = history.keys.max() ?? 0
    }

    /// The versions that a checkpoint must hold, oldest first.
    var retained: [(version: Int, bits: [UInt16])] {
        history.keys.sorted().map { ($0, history[$0] ?? []) }
    }

    /// Whether this rank still has the weights of a version.
    func keeps(_ version: Int) -> Bool { history[version] != nil }

    /// Hands version `version` on; learners other than rank 0 only remember it. Returns at once: rollouts take it when they need it.
    func publish(_ bits: [UInt16], version: Int, shares: [Int], isLast: Bool) throws -> Sync {
        var sync = Sync()
        if isPublisher, let channel, channel.size > 1 {
            let previous = history[newest].map { (bits: $0, version: newest) }
            let encoded = WeightCoding.encode(bits: bits, version: version, against: previous, using: compression)
            let frame = PublishedWeights(shares: shares, weights: encoded.payload).frame(isLast: isLast)
            pending.append(try channel.startBroadcast(frame.encoded(), root: 0))
            while pending.count > kept + 1 { _ = try pending.removeFirst().wait() }
            sync = Sync(rawBytes: encoded.rawBytes, deltaBytes: encoded.deltaBytes, compressedBytes: encoded.compressedBytes)
        }
        remember(bits, version, shares)
        if isLast { last = version }
        return sync
    }

    /// What came with a version; nil of those that a run starts with.
    func shares(with version: Int) -> [Int]? { shares[version] }

    /// The bits of a version; on a rollout rank waits until it has been published (rank 0 unblocks this, by `publish`).
    /// Nil when the run ended before that version.
    func bits(of version: Int) throws -> [UInt16]? {
        while newest < version {
            if last != nil { return nil }
            guard let channel, !isPublisher else {
                preconditionFailure("a learner asked for version \(version), which it has not made yet; it is at \(newest)")
            }
            try take(try channel.startBroadcast(nil, root: 0).wait(), orAskFor: version)
        }
        guard let bits = history[version] else {
            // Of what another rank says, so that it is no mistake of this one.
            throw CollectiveError(
                .broadcast, rank: world.rank, peer: 0, .mismatch("version \(version) is needed, of \(history.keys.sorted())"))
        }
        return bits
    }

    /// Takes the next version that is published, on a rollout. False: it is not here yet, and nobody wanted to wait for it.
    func takeNext(waiting: Bool) throws -> Bool {
        guard let channel, !isPublisher else { preconditionFailure("a learner makes its weights itself") }
        let awaited = try self.awaited ?? channel.startBroadcast(nil, root: 0)
        self.awaited = awaited
        guard try waiting || awaited.isComplete() else { return false }
        self.awaited = nil
        try take(try awaited.wait(), orAskFor: newest + 1)
        return true
    }

    private func take(_ bytes: [UInt8], orAskFor version: Int) throws {
        do { try adopt(bytes) } catch where error is MessageFrameError || error is WeightCodingError {
            Launch.say("rank \(world.rank): weights did not arrive as they were sent (\(error)): version \(version) is asked for in full")
            try adopt(try ask(for: version))
        }
    }

    /// Takes the weights in a frame, unless what is here already is as new.
    private func adopt(_ bytes: [UInt8]) throws {
        let frame = try MessageFrame.decode(bytes)
        let published = try PublishedWeights(frame, expecting: expected)
        if let version = WeightCoding.version(of: published.weights), version <= newest { return }
        let (bits, received) = try WeightCoding.decode(
            published.weights, having: history[newest].map { ($0, newest) }, count: history[newest]?.count, using: compression)
        remember(bits, received, published.shares)
        if frame.kind == FrameKind.lastWeights { last = received }
    }

    /// The frame of a version in full, from rank 0, which comes upon the request as it waits for this rank's next batch (`answers`).
    private func ask(for version: Int) throws -> [UInt8] {
        var writer = ByteWriter()
        writer.write(version)
        let request = MessageFrame(kind: FrameKind.weightsRequest, version: FrameKind.version, payload: writer.bytes)
        try world.send(request.encoded(), to: 0, tag: RolloutBatch.tag)
        return try world.receive(from: 0, tag: Self.tag)
    }

    /// Whether a frame of a rollout was a request for weights, which then has been answered.
    func answers(_ frame: MessageFrame, of rank: Int) throws -> Bool {
        guard frame.kind == FrameKind.weightsRequest else { return false }
        var reader = ByteReader(frame.payload)
        let version = try reader.readInt()
        try reader.finish()
        // The rollout goes no further without it, so it is one that lag still asks for.
        guard let bits = history[version] else {
            throw CollectiveError(
                .send, rank: world.rank, peer: rank, .mismatch("it asks for version \(version), of \(history.keys.sorted())"))
        }
        let weights = WeightCoding.encode(bits: bits, version: version, using: compression).payload
        // There are some, since it is no version that a run starts with.
        let answer = PublishedWeights(shares: shares[version] ?? [], weights: weights)
        try world.send(answer.frame(isLast: version == last).encoded(), to: rank, tag: Self.tag)
        return true
    }

    /// Completes what is under way; called once, at the end.
    func finish() throws {
        while !pending.isEmpty { _ = try pending.removeFirst().wait() }
    }

    private func remember(_ bits: [UInt16], _ version: Int, _ shares: [Int]) {
        history[version] = bits
        self.shares[version] = shares
        expected = expected.after(shares)
        newest = version
        for old in history.keys where old < version - kept + 1 { (history[old], self.shares[old]) = (nil, nil) }
    }
}
