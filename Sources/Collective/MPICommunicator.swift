internal import COpenMPI
import Glibc

/// A group of ranks that are processes, started by mpirun or srun; the only file that knows Open MPI.
///
/// Nothing here spins for long: a wait tests for completion, yields, and then sleeps ever longer (`Patience`), because
/// ranks may share cores. Open MPI has no thread of its own, so transfers advance only inside calls of this type.
///
/// A transfer is cut into pieces of at most `pieceLimit` bytes, since MPI counts in 32 bits. For messages, a piece of
/// exactly that size says that another follows (MPI keeps the order of messages with the same ends and tag).
package final class MPICommunicator: Communicator, @unchecked Sendable {
    package let rank: Int
    package let size: Int
    /// This process among those on its node, and how many they are.
    package let localRank: Int, localSize: Int

    private let handle: MPI_Comm
    /// Broadcasts have their own channel, so that they need no order relative to other collective calls.
    private let broadcastHandle: MPI_Comm
    private let engine: MPIEngine
    private var arrived: [Route: Mailbox<ArrivingPiece>] = [:]
    private var toSelf: [Int: Mailbox<[UInt8]>] = [:]
    /// Whose message `receiveArrived` or `receiveAny` took last.
    private var lastServed = 0
    private var watchdog: Watchdog?
    package var whereabouts: Whereabouts { engine.whereabouts }
    package var received: Traffic { engine.received }
    fileprivate var broadcasts: [BroadcastTransfer] = []

    private struct Route: Hashable { let source, tag: Int }

    /// Whether a launcher started this process as one of its ranks, so that `start` will find the others.
    package static var isLaunchedByMPI: Bool { LaunchEnvironment.isLaunchedByMPI }

    /// Whether this process is one of several that Open MPI's own mpirun started.
    package static var isLaunchedByMpirun: Bool { LaunchEnvironment.isLaunchedByMpirun }

    /// The tasks that a launcher says it started, which MPI may know nothing of; nil without one.
    package static var announcedTasks: AnnouncedTasks? { LaunchEnvironment.announcedTasks }

    /// Starts MPI in this process, once, and returns the group of all ranks.
    ///
    /// - Parameter pieceLimit: bytes that travel in one piece; smaller ones are for tests.
    package static func start(
        pieceLimit: Int = 1 << 30, limits: SendLimits = SendLimits()
    ) throws(CollectiveError) -> MPICommunicator {
        precondition((1...(1 << 30)).contains(pieceLimit), "start: a piece of \(pieceLimit) bytes")
        LaunchEnvironment.prepareForSharedCores()
        var provided: Int32 = 0
        // Serialised and not funnelled: the thread that works may not be the one that the process began with.
        let status = MPI_Init_thread(nil, nil, Int32(MPI_THREAD_SERIALIZED), &provided)
        guard status == MPI_SUCCESS, provided >= Int32(MPI_THREAD_SERIALIZED) else {
            throw CollectiveError(
                .start, rank: 0,
                .library(code: status, text: "MPI_Init_thread granted thread level \(provided); level \(MPI_THREAD_SERIALIZED) is needed"))
        }
        let world = gfn_comm_world()!
        MPI_Comm_set_errhandler(world, gfn_errors_return())
        return try MPICommunicator(
            handle: world, engine: MPIEngine(pieceLimit: pieceLimit, limits: limits), local: nil)
    }

    private init(handle: MPI_Comm, engine: MPIEngine, local: (rank: Int, size: Int)?) throws(CollectiveError) {
        var (rank, size): (Int32, Int32) = (0, 0)
        try engine.check(.start, MPI_Comm_rank(handle, &rank))
        try engine.check(.start, MPI_Comm_size(handle, &size))
        var channel: MPI_Comm?
        try engine.check(.start, MPI_Comm_dup(handle, &channel))
        if let local {
            (localRank, localSize) = local
        } else {
            (localRank, localSize) = try Self.place(on: handle, engine)
            engine.rank = Int(rank)
        }
        (self.rank, self.size, self.handle, self.engine) = (Int(rank), Int(size), handle, engine)
        broadcastHandle = channel!
        engine.communicators.append(self)
    }

    private static func place(on world: MPI_Comm, _ engine: MPIEngine) throws(CollectiveError) -> (Int, Int) {
        var node: MPI_Comm?
        try engine.check(
            .start, MPI_Comm_split_type(world, Int32(MPI_COMM_TYPE_SHARED), 0, gfn_info_null(), &node))
        var (rank, size): (Int32, Int32) = (0, 0)
        try engine.check(.start, MPI_Comm_rank(node, &rank))
        try engine.check(.start, MPI_Comm_size(node, &size))
        try engine.check(.start, MPI_Comm_free(&node))
        return (Int(rank), Int(size))
    }

    // MARK: - Collective calls

    package func barrier() throws(CollectiveError) { try meet(.barrier) }

    package func allReduceSum(_ values: UnsafeMutableBufferPointer<Int64>) throws(CollectiveError) {
        try reduce(.allReduceSum, values, gfn_int64(), gfn_sum())
    }

    package func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) throws(CollectiveError) {
        try reduce(.allReduceSum, values, gfn_float(), gfn_sum())
    }

    package func allReduceMax(_ values: UnsafeMutableBufferPointer<Float>) throws(CollectiveError) {
        replaceNaN(values)
        try reduce(.allReduceMax, values, gfn_float(), gfn_max())
    }

    package func allReduceMax(_ values: UnsafeMutableBufferPointer<Int64>) throws(CollectiveError) {
        try reduce(.allReduceMax, values, gfn_int64(), gfn_max())
    }

    package func allGather(_ bytes: [UInt8]) throws(CollectiveError) -> [[UInt8]] {
        try meet(.allGather)
        whereabouts.beginWaiting(in: .allGather, for: nil)
        defer { whereabouts.endWaiting() }
        var lengths = [Int64](repeating: 0, count: size)
        var mine = Int64(bytes.count)
        try engine.check(.allGather, MPI_Allgather(&mine, 1, gfn_int64(), &lengths, 1, gfn_int64(), handle))
        // One blocking broadcast for each piece of each rank: everybody is here, and lengths have no common limit.
        var gathered: [[UInt8]] = []
        for (root, length) in lengths.enumerated() {
            let buffer = root == rank ? WireBuffer(copying: bytes) : WireBuffer(count: Int(length))
            for piece in buffer.pieces(of: engine.pieceLimit) {
                try engine.check(
                    .allGather, MPI_Bcast(piece.baseAddress, Int32(piece.count), gfn_byte(), Int32(root), handle))
            }
            gathered.append(Array(buffer.bytes))
            if root != rank { engine.received.gathered += Int(length) }
        }
        return gathered
    }

    package func allGather(_ values: UnsafeMutableBufferPointer<Float>, share: Int) throws(CollectiveError) {
        requireValid(share: share, of: values.count, size: size)
        guard size > 1, let base = values.baseAddress else { return }
        try engine.throwPending()
        whereabouts.beginWaiting(in: .allGather, for: nil)
        defer { whereabouts.endWaiting() }
        let parts = (0..<size).map { part(of: $0, values.count, share: share) }
        engine.received.exchanged += (values.count - parts[rank].count) * MemoryLayout<Float>.stride
        let limit = max(1, engine.pieceLimit / MemoryLayout<Float>.stride)
        guard values.count > limit else {
            return try engine.check(
                .allGather,
                MPI_Allgatherv(
                    gfn_in_place(), 0, gfn_float(), base, parts.map { Int32($0.count) }, parts.map { Int32($0.lowerBound) }, gfn_float(),
                    handle))
        }
        for (root, part) in parts.enumerated() {
            for start in stride(from: part.lowerBound, to: part.upperBound, by: limit) {
                let count = Int32(min(limit, part.upperBound - start))
                try engine.check(.allGather, MPI_Bcast(base + start, count, gfn_float(), Int32(root), handle))
            }
        }
    }

    package func sendReceive(
        _ sent: UnsafeRawBufferPointer, to next: Int, into taken: UnsafeMutableRawBufferPointer, from last: Int
    ) throws(CollectiveError) {
        requireValid(neighbours: [next, last], of: rank, size: size)
        precondition(max(sent.count, taken.count) <= 1 << 30, "sendReceive: \(sent.count) and \(taken.count) bytes")
        try engine.throwPending()
        engine.received.exchanged += taken.count
        whereabouts.beginWaiting(in: .receive, for: last)
        defer { whereabouts.endWaiting() }
        // Not on the channel of messages, where `takeArrivals` would take it.
        try engine.check(
            .receive, peer: last,
            MPI_Sendrecv(
                sent.baseAddress, Int32(sent.count), gfn_byte(), Int32(next), 0, taken.baseAddress, Int32(taken.count), gfn_byte(),
                Int32(last), 0, broadcastHandle, gfn_status_ignore()))
    }

    package func startBroadcast(_ bytes: [UInt8]?, root: Int) throws(CollectiveError) -> PendingBroadcast {
        requireValid(peer: root, tag: 0, size: size, .broadcast)
        precondition((bytes != nil) == (rank == root), "broadcast: the root passes the bytes and nobody else does")
        let transfer = BroadcastTransfer(bytes, root: root, channel: broadcastHandle), isRoot = root == rank
        broadcasts.append(transfer)
        try engine.advance(takingMessages: false)
        return PendingBroadcast(
            advance: { [engine] () throws(CollectiveError) in
                try engine.advance(takingMessages: false)
                return transfer.isComplete
            },
            finish: { [engine] () throws(CollectiveError) in
                try engine.wait(.broadcast, peer: root) { () throws(CollectiveError) in transfer.isComplete }
                let bytes = transfer.takeBytes()
                if !isRoot { engine.received.broadcasts += bytes.count }
                return bytes
            })
    }

    package func subgroup(_ ranks: [Int]) throws(CollectiveError) -> (any Communicator)? {
        requireValid(members: ranks, size: size)
        try meet(.subgroup)
        whereabouts.beginWaiting(in: .subgroup, for: nil)
        defer { whereabouts.endWaiting() }
        let place = ranks.firstIndex(of: rank)
        var part: MPI_Comm?
        try engine.check(
            .subgroup, MPI_Comm_split(handle, place == nil ? Int32(MPI_UNDEFINED) : 0, Int32(place ?? 0), &part))
        guard place != nil, let part else { return nil }
        return try MPICommunicator(handle: part, engine: engine, local: (localRank, localSize))
    }

    /// Waits kindly until everybody is here, so that a blocking call that follows is short.
    private func meet(_ operation: CollectiveError.Operation) throws(CollectiveError) {
        guard size > 1 else { return }
        var request = gfn_request_null()
        try engine.check(operation, MPI_Ibarrier(handle, &request))
        try engine.wait(operation, for: &request)
    }

    private func reduce<Number>(
        _ operation: CollectiveError.Operation, _ values: UnsafeMutableBufferPointer<Number>, _ type: MPI_Datatype?,
        _ function: MPI_Op?
    ) throws(CollectiveError) {
        guard size > 1, !values.isEmpty else { return }
        try meet(operation)
        whereabouts.beginWaiting(in: operation, for: nil)
        defer { whereabouts.endWaiting() }
        let limit = max(1, engine.pieceLimit / MemoryLayout<Number>.stride)
        for start in stride(from: 0, to: values.count, by: limit) {
            let count = min(limit, values.count - start)
            try engine.check(
                operation,
                MPI_Allreduce(gfn_in_place(), values.baseAddress! + start, Int32(count), type, function, handle))
        }
    }

    // MARK: - Messages

    package func send(_ bytes: [UInt8], to peer: Int, tag: Int) throws(CollectiveError) {
        requireValid(peer: peer, tag: tag, size: size, .send)
        try engine.throwPending()
        guard peer != rank else {
            toSelf[tag, default: Mailbox()].append(bytes)
            return
        }
        try engine.wait(.send, peer: peer) { () throws(CollectiveError) in engine.hasRoom(for: bytes.count) }
        let buffer = WireBuffer(copying: bytes)
        var pieces = buffer.pieces(of: engine.pieceLimit)
        // A last piece of full size would promise another: an empty one keeps the promise.
        if bytes.count.isMultiple(of: engine.pieceLimit) {
            pieces.append(UnsafeMutableRawBufferPointer(start: buffer.bytes.baseAddress, count: 0))
        }
        var requests: [MPI_Request?] = []
        for piece in pieces {
            var request = gfn_request_null()
            try engine.check(
                .send, peer: peer,
                MPI_Isend(piece.baseAddress, Int32(piece.count), gfn_byte(), Int32(peer), Int32(tag), handle, &request))
            requests.append(request)
        }
        engine.keep(OutgoingMessage(buffer: buffer, requests: requests))
    }

    package func receive(from peer: Int, tag: Int) throws(CollectiveError) -> [UInt8] {
        requireValid(peer: peer, tag: tag, size: size, .receive)
        try engine.throwPending()
        guard peer != rank else {
            guard let bytes = toSelf[tag]?.removeFirst() else { throw selfReceive(rank: rank, tag: tag) }
            return bytes
        }
        let route = Route(source: peer, tag: tag)
        var message: [UInt8]?
        try engine.wait(.receive, peer: peer) { () throws(CollectiveError) in
            message = try takeMessage(route)
            return message != nil
        }
        return message!
    }

    package func receiveArrived(tag: Int) throws(CollectiveError) -> ReceivedMessage? {
        requireValid(peer: rank, tag: tag, size: size, .receive)
        try engine.advance(takingMessages: true)
        return try takeMessage(tag: tag)
    }

    package func receiveAny(tag: Int) throws(CollectiveError) -> ReceivedMessage {
        requireValid(peer: rank, tag: tag, size: size, .receive)
        var message: ReceivedMessage?
        try engine.wait(.receive, peer: nil) { () throws(CollectiveError) in
            message = try takeMessage(tag: tag)
            guard message != nil || size > 1 else { throw selfReceive(rank: rank, tag: tag) }
            return message != nil
        }
        return message!
    }

    /// The first message with this tag that is here whole.
    private func takeMessage(tag: Int) throws(CollectiveError) -> ReceivedMessage? {
        for source in sourcesInTurn(after: lastServed, of: size) {
            let bytes = source == rank ? toSelf[tag]?.removeFirst() : try takeMessage(Route(source: source, tag: tag))
            guard let bytes else { continue }
            lastServed = source
            return ReceivedMessage(source: source, bytes: bytes)
        }
        return nil
    }

    /// The first message of this route, if all its pieces are here.
    private func takeMessage(_ route: Route) throws(CollectiveError) -> [UInt8]? {
        guard let pieces = arrived[route] else { return nil }
        var (count, length) = (0, 0)
        while true {
            guard count < pieces.count, try pieces[count].isComplete(engine, peer: route.source) else { return nil }
            length += pieces[count].buffer.bytes.count
            count += 1
            if pieces[count - 1].buffer.bytes.count < engine.pieceLimit { break }
        }
        var message: [UInt8] = []
        message.reserveCapacity(length)
        for _ in 0..<count {
            guard let piece = arrived[route]?.removeFirst() else { break }
            message.append(contentsOf: piece.buffer.bytes)
        }
        return message
    }

    /// Begins to receive whatever has been sent to this rank, so that its senders can go on.
    fileprivate func takeArrivals() throws(CollectiveError) {
        while true {
            var (found, message, status): (Int32, MPI_Message?, MPI_Status) = (0, nil, MPI_Status())
            try engine.check(
                .receive, MPI_Improbe(Int32(MPI_ANY_SOURCE), Int32(MPI_ANY_TAG), handle, &found, &message, &status))
            guard found != 0 else { return }
            var count: Int32 = 0
            try engine.check(.receive, MPI_Get_count(&status, gfn_byte(), &count))
            engine.received.messages += Int(count)
            let piece = ArrivingPiece(buffer: WireBuffer(count: Int(count)))
            try engine.check(
                .receive, MPI_Imrecv(piece.buffer.bytes.baseAddress, count, gfn_byte(), &message, &piece.request))
            whereabouts.goOn()
            let route = Route(source: Int(status.MPI_SOURCE), tag: Int(status.MPI_TAG))
            arrived[route, default: Mailbox()].append(piece)
        }
    }

    // MARK: - The end

    package func poll() {
        engine.whereabouts.goOn()
        engine.poll()
    }

    /// Collective over all ranks, once: from now on a rank that stalls is named on all of them, and ends the job with exit code 71.
    package func watch() throws(CollectiveError) { watchdog = try Watchdog.start(over: self) }

    /// - Parameter seconds: without a sign of life, after which a rank has stalled (``Watchdog/usualLimit`` before this is called); nil:
    ///   none ever has.
    package func setWatchdogLimit(_ seconds: Int?) { watchdog?.setLimit(seconds) }

    package func abort(_ reason: String, code: Int32) {
        engine.say(reason)
        MPI_Abort(gfn_comm_world(), code)
        exit(code)
    }

    package func finish() throws(CollectiveError) {
        try engine.wait(.finish, peer: nil) { () throws(CollectiveError) in engine.isIdle }
        try meet(.finish)
        watchdog?.stop()
        try engine.check(.finish, MPI_Finalize())
    }
}

/// How much of what a rank has sent may be in flight before `send` waits.
package struct SendLimits: Sendable, Equatable {
    package var messages: Int
    package var bytes: Int

    package init(messages: Int = 256, bytes: Int = 256 << 20) {
        self.messages = messages
        self.bytes = bytes
    }
}

/// What is under way in this process, in all its groups: a wait in one group lets the others advance.
private final class MPIEngine {
    let pieceLimit: Int
    let limits: SendLimits
    var rank = 0
    let whereabouts = Whereabouts()
    var received = Traffic()
    var communicators: [MPICommunicator] = []
    private var outgoing: [OutgoingMessage] = []
    private var bytesInFlight = 0
    private var pendingError: CollectiveError?

    init(pieceLimit: Int, limits: SendLimits) {
        self.pieceLimit = pieceLimit
        self.limits = limits
    }

    var isIdle: Bool { outgoing.isEmpty && communicators.allSatisfy(\.broadcasts.isEmpty) }

    /// A message larger than the limit travels alone.
    func hasRoom(for bytes: Int) -> Bool {
        outgoing.isEmpty || (outgoing.count < limits.messages && bytesInFlight + bytes <= limits.bytes)
    }

    func keep(_ message: OutgoingMessage) {
        outgoing.append(message)
        bytesInFlight += message.buffer.bytes.count
    }

    func wait(
        _ operation: CollectiveError.Operation, peer: Int?, until isDone: () throws(CollectiveError) -> Bool
    ) throws(CollectiveError) {
        try throwPending()
        guard try !isDone() else { return }
        whereabouts.beginWaiting(in: operation, for: peer)
        defer { whereabouts.endWaiting() }
        var patience = Patience()
        while true {
            try advance(takingMessages: true)
            if try isDone() { return }
            patience.pause()
        }
    }

    func wait(_ operation: CollectiveError.Operation, for request: inout MPI_Request?) throws(CollectiveError) {
        whereabouts.beginWaiting(in: operation, for: nil)
        defer { whereabouts.endWaiting() }
        var patience = Patience()
        while try !isComplete(&request, operation) {
            try advance(takingMessages: true)
            patience.pause()
        }
    }

    func advance(takingMessages: Bool) throws(CollectiveError) {
        try throwPending()
        try advanceOutgoing()
        for communicator in communicators {
            try advanceBroadcasts(of: communicator)
            if takingMessages { try communicator.takeArrivals() }
        }
    }

    func poll() {
        do { try advance(takingMessages: false) } catch { pendingError = error }
    }

    func throwPending() throws(CollectiveError) {
        if let pendingError { throw pendingError }
    }

    private func advanceOutgoing() throws(CollectiveError) {
        guard !outgoing.isEmpty else { return }
        var remaining: [OutgoingMessage] = []
        for message in outgoing {
            var isDone = true
            for i in message.requests.indices where try !isComplete(&message.requests[i], .send) { isDone = false }
            if isDone { bytesInFlight -= message.buffer.bytes.count } else { remaining.append(message) }
        }
        outgoing = remaining
    }

    private func advanceBroadcasts(of communicator: MPICommunicator) throws(CollectiveError) {
        guard !communicator.broadcasts.isEmpty else { return }
        for transfer in communicator.broadcasts {
            try transfer.advance(self)
            // The next one may begin only when all of this one is posted: MPI matches broadcasts by their order.
            guard transfer.isPosted else { break }
        }
        communicator.broadcasts.removeAll(where: \.isComplete)
    }

    func isComplete(
        _ request: inout MPI_Request?, _ operation: CollectiveError.Operation, peer: Int? = nil
    ) throws(CollectiveError) -> Bool {
        var flag: Int32 = 0
        try check(operation, peer: peer, MPI_Test(&request, &flag, gfn_status_ignore()))
        return flag != 0
    }

    func check(_ operation: CollectiveError.Operation, peer: Int? = nil, _ status: Int32) throws(CollectiveError) {
        guard status != MPI_SUCCESS else { return }
        var text = [CChar](repeating: 0, count: Int(MPI_MAX_ERROR_STRING) + 1)
        var length: Int32 = 0
        MPI_Error_string(status, &text, &length)
        let words = String(decoding: text.prefix(Int(length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        throw CollectiveError(operation, rank: rank, peer: peer, .library(code: status, text: words))
    }

    /// One line on standard error in one write, so that lines of different ranks do not mix.
    func say(_ reason: String) {
        fflush(nil)
        let line = Array((reason + "\n").utf8)
        _ = write(2, line, line.count)
    }
}

private final class OutgoingMessage {
    let buffer: WireBuffer
    var requests: [MPI_Request?]

    init(buffer: WireBuffer, requests: [MPI_Request?]) {
        self.buffer = buffer
        self.requests = requests
    }
}

private final class ArrivingPiece {
    let buffer: WireBuffer
    var request: MPI_Request? = gfn_request_null()

    init(buffer: WireBuffer) { self.buffer = buffer }

    func isComplete(_ engine: MPIEngine, peer: Int) throws(CollectiveError) -> Bool {
        try engine.isComplete(&request, .receive, peer: peer)
    }
}

/// One broadcast in two phases: the length, then the bytes, which receivers can only make room for when they know it.
private final class BroadcastTransfer {
    private let root: Int
    private let channel: MPI_Comm
    private let isRoot: Bool
    private let length = WireBuffer(count: MemoryLayout<Int64>.size)
    private var lengthRequest: MPI_Request?
    private var payload: WireBuffer?
    private var requests: [MPI_Request?] = []
    private var hasBegun = false
    /// Whether nothing of this transfer is left to hand to MPI.
    private(set) var isPosted = false
    private(set) var isComplete = false

    init(_ bytes: [UInt8]?, root: Int, channel: MPI_Comm) {
        (self.root, self.channel, isRoot) = (root, channel, bytes != nil)
        payload = bytes.map(WireBuffer.init(copying:))
        length.bytes.storeBytes(of: Int64(bytes?.count ?? 0), as: Int64.self)
    }

    func takeBytes() -> [UInt8] {
        defer { payload = nil }
        return payload.map { Array($0.bytes) } ?? []
    }

    func advance(_ engine: MPIEngine) throws(CollectiveError) {
        guard !isComplete else { return }
        if !hasBegun {
            hasBegun = true
            lengthRequest = try begin(length.bytes, engine)
        }
        if !isPosted {
            if !isRoot {
                guard try engine.isComplete(&lengthRequest, .broadcast, peer: root) else { return }
            }
            let buffer = payload ?? WireBuffer(count: Int(length.bytes.load(as: Int64.self)))
            payload = buffer
            for piece in buffer.pieces(of: engine.pieceLimit) { requests.append(try begin(piece, engine)) }
            isPosted = true
        }
        guard try engine.isComplete(&lengthRequest, .broadcast, peer: root) else { return }
        for i in requests.indices {
            guard try engine.isComplete(&requests[i], .broadcast, peer: root) else { return }
        }
        isComplete = true
    }

    private func begin(_ bytes: UnsafeMutableRawBufferPointer, _ engine: MPIEngine) throws(CollectiveError) -> MPI_Request? {
        var request = gfn_request_null()
        try engine.check(
            .broadcast, peer: root,
            MPI_Ibcast(bytes.baseAddress, Int32(bytes.count), gfn_byte(), Int32(root), channel, &request))
        return request
    }
}
