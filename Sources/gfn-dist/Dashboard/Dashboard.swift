internal import Dispatch
internal import FlyingFox
internal import FlyingSocks
internal import Foundation
internal import Synchronization

/// The report of a run, live, on a port of this machine alone: `train --dashboard`.
///
/// The run hands it its newest line (`LiveFeed`) and knows no more of it. Whatever goes wrong here is said once, and the run goes on.
final class Dashboard: Sendable {
    /// How a run ends.
    enum Ending: String, Sendable {
        case done, interrupted, failed

        init(of error: any Error) {
            if case .interrupted = error as? RunError { self = .interrupted } else { self = .failed }
        }
    }

    private enum Phase: Sendable {
        case starting
        case listening(port: Int)
        case failed(reason: String)
        case stopped
    }

    let feed: LiveFeed
    private let token: AccessToken
    private let clients: EventClients
    private let page: LivePage
    private let server: HTTPServer
    private let phase = Mutex(Phase.starting)
    /// Signalled when the port is taken, or cannot be.
    private let begun = DispatchSemaphore(value: 0)

    /// Between two looks at what the run has handed over: a client gets at most so many steps a second.
    private static let interval = Duration.milliseconds(250)
    /// Looks without an event after which clients get a sign of life, which finds those that have gone.
    private static let quietLooks = 20
    /// What a run waits at its end for clients to be told of it, in seconds.
    private static let farewell = 0.05
    /// What a run that is done waits for those who follow it to get its last page.
    private static let lastLook = Duration.seconds(1)

    private init(address: some SocketAddress) {
        let (token, feed, clients) = (AccessToken(), LiveFeed(), EventClients())
        let page = LivePage { number in Data(LiveReport.text(of: feed.value.folder, number: number).utf8) }
        (self.token, self.feed, self.clients, self.page) = (token, feed, clients, page)
        server = HTTPServer(
            config: .init(address: address, timeout: 60, pool: BoundedSocketPool(HTTPServer.defaultPool()), logger: .disabled),
            handler: DashboardHandler(gate: RequestGate(token: token), feed: feed, page: page, clients: clients))
    }

    /// Takes the port and answers from then on; until the run's folder is known, that the run is being prepared.
    /// - Parameter port: 0: any that is free.
    /// - Throws: `RunError.configuration` where the port cannot be had.
    static func start(port: Int) throws(RunError) -> Dashboard {
        guard let number = UInt16(exactly: port) else { throw .configuration("--dashboard is \(port), expected a port from 0 to 65535") }
        let address: sockaddr_in
        do { address = try .inet(ip4: "127.0.0.1", port: number) } catch { throw refusal(port, error.localizedDescription) }
        let dashboard = Dashboard(address: address)
        Task.detached { await dashboard.serve() }
        dashboard.begun.wait()
        if case .failed(let reason) = dashboard.phase.withLock({ $0 }) { throw refusal(port, reason) }
        Task.detached { await dashboard.lookAndTell() }
        return dashboard
    }

    private static func refusal(_ port: Int, _ reason: String) -> RunError {
        .configuration(
            "--dashboard \(port): 127.0.0.1:\(port) cannot be listened on (\(reason)); name another port, or 0 for any that is free")
    }

    /// What people open. Nil: nothing listens.
    var address: String? {
        phase.withLock { phase in
            guard case .listening(let port) = phase else { return nil }
            return "http://127.0.0.1:\(port)/?token=\(token.text)"
        }
    }

    /// The run has its folder: says once where it can be seen.
    func open(_ folder: RunFolder) {
        feed.open(folder)
        // Also who asked for quiet has to know the token.
        if let address { writeToStandardError("dashboard  \(address)\n") }
    }

    /// Tells clients how the run ended and lets the port go: at once, or where a run that is done is followed, when its last page has
    /// been fetched, within `lastLook`.
    func stop(_ ending: Ending) {
        let wasListening = phase.withLock { phase in
            defer { phase = .stopped }
            if case .listening = phase { return true }
            return false
        }
        guard wasListening else { return }
        let line = feed.value.line
        if !line.isEmpty { clients.send(serverSentEvent("step", line)) }
        if ending == .done { showLastPage() }
        clients.finish(serverSentEvent("end", ending.rawValue))
        let (done, server) = (DispatchSemaphore(value: 0), server)
        Task.detached {
            await server.stop(timeout: Self.farewell)
            done.signal()
        }
        _ = done.wait(timeout: .now() + 2 * Self.farewell)
    }

    /// Not to be waited for where a run ends early: it may be about to be killed.
    private func showLastPage() {
        let (followers, deadline) = (clients.count, ContinuousClock.now + Self.lastLook)
        guard followers > 0, let last = page.last(changes: feed.value.changes, by: deadline) else { return }
        clients.send(serverSentEvent("last", "\(last)"))
        // What is under way gets `farewell` more.
        _ = page.isTaken(followers, by: deadline)
    }

    private func serve() async {
        let arrival = Task<Void, Never> {
            do {
                try await server.waitUntilListening(timeout: 10)
                let address = await server.listeningAddress
                guard case .ip4(_, let port)? = address else { throw SocketError.unsupportedAddress }
                settle(.listening(port: Int(port)))
            } catch { settle(.failed(reason: error.localizedDescription)) }
        }
        do { try await server.run() } catch {
            arrival.cancel()
            let reason = if case .failed(_, _, let message) = error as? SocketError { message } else { error.localizedDescription }
            if !settle(.failed(reason: reason)) { sayFailed(reason) }
        }
    }

    /// How the start came out. False: it has been known before.
    @discardableResult
    private func settle(_ outcome: Phase) -> Bool {
        let isFirst = phase.withLock { phase in
            guard case .starting = phase else { return false }
            phase = outcome
            return true
        }
        if isFirst { begun.signal() }
        return isFirst
    }

    /// The server ended before the run, and nobody stopped it.
    private func sayFailed(_ reason: String) {
        let isNew = phase.withLock { phase in
            guard case .listening = phase else { return false }
            phase = .failed(reason: reason)
            return true
        }
        guard isNew else { return }
        clients.finish(serverSentEvent("end", Ending.failed.rawValue))
        Launch.say("the dashboard ended (\(reason)): the run goes on without it")
    }

    /// Looks a few times a second, where somebody listens, at what the run has handed over, and tells of it.
    private func lookAndTell() async {
        var (told, toldPage, quiet) = (0, 0, 0)
        while address != nil {
            // Sleeping fails only where the task is cancelled, which ends this as well.
            guard (try? await Task.sleep(for: Self.interval)) != nil else { return }
            guard clients.count > 0 else { continue }
            let newest = feed.value, number = page.number
            quiet += 1
            if newest.changes != told, !newest.line.isEmpty {
                clients.send(serverSentEvent("step", newest.line))
                (told, quiet) = (newest.changes, 0)
            }
            if number != toldPage {
                clients.send(serverSentEvent("report", "\(number)"))
                (toldPage, quiet) = (number, 0)
            }
            if quiet >= Self.quietLooks {
                clients.send(Array(":\n\n".utf8))
                quiet = 0
            }
            page.refresh(changes: newest.changes)
        }
    }
}
