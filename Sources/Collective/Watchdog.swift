internal import Glibc
internal import Synchronization

/// Ends a job in which a rank has stalled, and says which: over MPI alone, the others would wait for it for ever.
///
/// A thread of each process tells rank 0 now and then, in a datagram, where its rank is (``Whereabouts``). Rank 0 answers, so that
/// its own silence is noticed too, and judges (``StallJudge``). With a verdict every process that can says what it is, where it was
/// itself, and exits with `exitCode`; the launcher ends the stalled one. No thread of MPI's takes part, and no collective call.
final class Watchdog: Sendable {
    static let exitCode: Int32 = 71
    /// In seconds: longer than anything that goes on without a sign.
    package static let usualLimit = 600

    private let rank: Int
    private let hosts: [String]
    private let whereabouts: Whereabouts
    private let socket: DatagramSocket
    /// Of rank 0's socket; one of them is the way from here.
    private let judges: [DatagramSocket.Address]
    /// Of this job: datagrams without it are somebody else's.
    private let token: UInt64
    /// 0: nobody is judged.
    private let limit = Atomic<Int>(Watchdog.usualLimit)
    private let isStopped = Atomic<Bool>(false)

    /// Collective over all ranks; nil for one rank, or where a rank has no datagrams.
    static func start(over communicator: MPICommunicator) throws(CollectiveError) -> Watchdog? {
        guard communicator.size > 1 else { return nil }
        let socket = DatagramSocket()
        let token = UInt64.random(in: 1...UInt64.max)
        var own = ByteWriter()
        own.write(DatagramSocket.hostName)
        own.write(socket != nil)
        own.write(token)
        own.write(communicator.rank == 0 ? socket?.reachableAt.map(\.packed) ?? [] : [])
        var (hosts, judges, judgesToken, isWhole): ([String], [DatagramSocket.Address], UInt64, Bool) = ([], [], 0, true)
        for (rank, bytes) in try communicator.allGather(own.bytes).enumerated() {
            var reader = ByteReader(bytes)
            do throws(ByteReaderError) {
                hosts.append(String(decoding: try reader.readArray(of: UInt8.self), as: UTF8.self))
                isWhole = try reader.readFlag() && isWhole
                let token = try reader.read(UInt64.self)
                let addresses = try reader.readArray(of: UInt64.self)
                if rank == 0 { (judgesToken, judges) = (token, addresses.map { DatagramSocket.Address(packed: $0) }) }
            } catch {
                throw CollectiveError(.start, rank: communicator.rank, peer: rank, .mismatch("\(error)"))
            }
        }
        guard let socket, isWhole, !judges.isEmpty else { return nil }
        let watchdog = Watchdog(
            rank: communicator.rank, hosts: hosts, whereabouts: communicator.whereabouts, socket: socket, judges: judges,
            token: judgesToken)
        watchdog.run()
        return watchdog
    }

    private init(
        rank: Int, hosts: [String], whereabouts: Whereabouts, socket: DatagramSocket, judges: [DatagramSocket.Address], token: UInt64
    ) {
        (self.rank, self.hosts, self.whereabouts, self.socket) = (rank, hosts, whereabouts, socket)
        (self.judges, self.token) = (judges, token)
    }

    /// - Parameter seconds: without a sign of life, after which a rank has stalled; nil: none ever has.
    func setLimit(_ seconds: Int?) { limit.store(seconds ?? 0, ordering: .relaxed) }

    /// The job ends well: nobody is judged any more.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    // MARK: The thread

    private func run() {
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, runWatchdog, Unmanaged.passRetained(self).toOpaque())
        precondition(status == 0, "the system refused a thread for the watchdog: error \(status)")
        pthread_detach(thread)
    }

    fileprivate func watch() { if rank == 0 { judge() } else { beat() } }

    /// Between two signs of life, in seconds: often enough for its place to be known, and not too many for rank 0, which hears them all.
    private var pause: Double {
        let limit = limit.load(ordering: .relaxed), kind = min(1, max(0.2, Double(hosts.count) / 256))
        return limit == 0 ? kind : min(kind, Double(limit) / 5)
    }

    /// A wait of so much more than it was to be says that this process did not run: what it has not heard meanwhile says nothing.
    private func overslept(_ seconds: Double) -> Bool { seconds > 2 * pause + 0.5 }

    private func judge() {
        var ranks = StallJudge(size: hosts.count)
        var ways = [DatagramSocket.Address?](repeating: nil, count: hosts.count)
        var last = seconds()
        while !isStopped.load(ordering: .relaxed) {
            socket.wait(seconds: pause / 2)
            let time = seconds()
            if overslept(time - last) { ranks.forgive(at: time) }
            last = time
            while let (bytes, sender) = socket.receive() {
                guard let message = WatchdogMessage(bytes, token: token), case .beat(let other, let moment) = message.content,
                    hosts.indices.contains(other)
                else { continue }
                ranks.hear(moment, of: other, at: time)
                ways[other] = sender
                socket.send(WatchdogMessage(token: token, .answer(whereabouts.now)).bytes, to: sender)
            }
            ranks.hear(whereabouts.now, of: 0, at: time)
            let limit = limit.load(ordering: .relaxed)
            guard limit > 0, let verdict = ranks.verdict(at: time, limit: Double(limit)) else { continue }
            let text = words(verdict) { ranks[$0] }
            for _ in 0..<3 {
                for way in ways.compactMap({ $0 }) { socket.send(WatchdogMessage(token: token, .verdict(text)).bytes, to: way) }
            }
            end(text)
        }
    }

    private func beat() {
        var way: DatagramSocket.Address?
        var judge: Whereabouts.Moment?
        var last = seconds(), heard = last, sent = -Double.infinity
        while !isStopped.load(ordering: .relaxed) {
            var time = seconds()
            if time - sent >= pause {
                let message = WatchdogMessage(token: token, .beat(rank, whereabouts.now)).bytes
                for address in way.map({ [$0] }) ?? judges { socket.send(message, to: address) }
                sent = time
            }
            socket.wait(seconds: pause / 2)
            time = seconds()
            if overslept(time - last) { heard = time }
            last = time
            while let (bytes, sender) = socket.receive() {
                guard let message = WatchdogMessage(bytes, token: token) else { continue }
                switch message.content {
                case .answer(let moment): (way, judge, heard) = (sender, moment, time)
                case .verdict(let text): end(text)
                case .beat: break
                }
            }
            let limit = limit.load(ordering: .relaxed)
            guard limit > 0, let judge, time - heard >= Double(limit) else { continue }
            end(words(.silent([0], seconds: time - heard)) { $0 == 0 ? judge : nil })
        }
    }

    // MARK: The end

    private func words(_ verdict: StallJudge.Verdict, _ moment: (Int) -> Whereabouts.Moment?) -> String {
        func named(_ ranks: [Int]) -> String {
            let shown = ranks.prefix(8).map { rank in "rank \(rank) on \(hosts[rank])" + (moment(rank).map { " (\($0.words))" } ?? "") }
            return shown.joined(separator: ", ") + (ranks.count > 8 ? " and \(ranks.count - 8) more" : "")
        }
        switch verdict {
        case .silent(let ranks, let seconds):
            let (has, it) = ranks.count == 1 ? ("has", "it") : ("have", "them")
            return "\(named(ranks)) \(has) stalled: nothing was heard of \(it) for \(Int(seconds)) s"
        case .stuck(let ranks, let seconds):
            return "\(named(ranks)) \(ranks.count == 1 ? "has" : "have") stalled: nothing went on there for \(Int(seconds)) s"
        case .deadlock(let seconds):
            return "all ranks have waited for each other for \(Int(seconds)) s: \(named(Array(hosts.indices)))"
        }
    }

    /// Says it in this rank's log, gives the others time for theirs, and ends this process.
    private func end(_ text: String) -> Never {
        let line = Array("gfn-dist: \(text); rank \(rank) on \(hosts[rank]) was: \(whereabouts.now.words)\n".utf8)
        _ = write(2, line, line.count)
        usleep(1_500_000)
        _exit(Self.exitCode)
    }

    private func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

/// At file level because a closure literal made on the main actor traps on other threads.
private func runWatchdog(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<Watchdog>.fromOpaque(argument).takeRetainedValue().watch()
    return nil
}

/// What watchdogs tell each other.
struct WatchdogMessage: Equatable {
    enum Content: Equatable {
        /// A rank, and where it is.
        case beat(Int, Whereabouts.Moment)
        /// Where rank 0 is.
        case answer(Whereabouts.Moment)
        case verdict(String)
    }

    let token: UInt64
    let content: Content

    init(token: UInt64, _ content: Content) { (self.token, self.content) = (token, content) }

    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.write(token)
        switch content {
        case .beat(let rank, let moment):
            writer.write(0 as UInt8)
            writer.write(rank)
            moment.write(to: &writer)
        case .answer(let moment):
            writer.write(1 as UInt8)
            moment.write(to: &writer)
        case .verdict(let text):
            writer.write(2 as UInt8)
            writer.write(text)
        }
        return writer.bytes
    }

    /// Nil for bytes that are none of this job's.
    init?(_ bytes: [UInt8], token: UInt64) {
        var reader = ByteReader(bytes)
        do throws(ByteReaderError) {
            guard try reader.read(UInt64.self) == token else { return nil }
            self.token = token
            switch try reader.read(UInt8.self) {
            case 0: content = .beat(try reader.readInt(), try Whereabouts.Moment(from: &reader))
            case 1: content = .answer(try Whereabouts.Moment(from: &reader))
            case 2: content = .verdict(String(decoding: try reader.readArray(of: UInt8.self), as: UTF8.self))
            default: return nil
            }
        } catch { return nil }
    }
}
