import Foundation
import Synchronization
import Testing

@testable import gfn_dist

@Suite("What a dashboard is made of")
struct DashboardPartTests {
    @Test("a token is 128 bits that nobody else has")
    func token() {
        let token = AccessToken()
        #expect(token.text.count == 32 && token.text.allSatisfy(\.isHexDigit))
        #expect(token.matches(token.text))
        #expect(token.text != AccessToken().text)
        for other in [nil, "", String(token.text.dropLast()), token.text + "0", token.text.uppercased() + " ", AccessToken().text] {
            #expect(!token.matches(other))
        }
    }

    @Test("only who names this machine is answered", arguments: [
        ("127.0.0.1", true), ("127.0.0.1:8080", true), ("localhost", true), ("LOCALHOST:9", true), ("[::1]:80", true),
        (nil, false), ("", false), ("evil.example", false), ("127.0.0.1.evil.example", false), ("localhost.evil.example:80", false),
        ("evil.example:127.0.0.1", false), ("127.0.0.1:80x", false),
    ] as [(String?, Bool)])
    func host(_ host: String?, _ isAnswered: Bool) {
        let gate = RequestGate(token: AccessToken())
        #expect((gate.refusal(method: "GET", host: host, token: gate.token.text) == nil) == isAnswered)
    }

    @Test("a request that writes, or lacks the token, is refused")
    func refusals() {
        let gate = RequestGate(token: AccessToken())
        #expect(gate.refusal(method: "POST", host: "localhost", token: gate.token.text)?.status == 405)
        #expect(gate.refusal(method: "GET", host: "localhost", token: nil)?.status == 403)
        #expect(gate.refusal(method: "GET", host: "localhost", token: "0")?.status == 403)
    }

    @Test("a client that reads nothing loses the oldest events, keeps the last, and holds nobody up")
    func stuckClient() async throws {
        let clients = EventClients()
        let stuck = try #require(clients.join([serverSentEvent("step", "first")]))
        for number in 1...10_000 { clients.send(serverSentEvent("step", "\(number)")) }
        clients.finish(serverSentEvent("end", "done"))
        var (events, iterator) = ([String](), stuck.makeAsyncIterator())
        while let event = try await iterator.nextBuffer(suggested: 1) { events.append(String(decoding: event, as: UTF8.self)) }
        #expect(events.count == EventClients.depth)
        #expect(events.first == "event: step\ndata: \(10_002 - EventClients.depth)\n\n")
        #expect(events.last == "event: end\ndata: done\n\n")
        #expect(clients.join([]) == nil)
    }

    @Test("there are so many clients and no more, and one that has gone makes room")
    func limit() {
        let clients = EventClients()
        var streams = (0..<EventClients.limit).map { _ in clients.join([]) }
        #expect(streams.allSatisfy { $0 != nil })
        #expect(clients.join([]) == nil)
        streams[3] = nil
        clients.send(serverSentEvent("step", "1"))
        #expect(clients.count == EventClients.limit - 1)
        #expect(clients.join([]) != nil)
    }

    @Test("a run that hands lines over is not held up by those who look")
    func feed() async {
        let feed = LiveFeed()
        let looked = Task.detached {
            var (before, isAscending) = (0, true)
            while before < 20_000 {
                let changes = feed.value.changes
                isAscending = isAscending && changes >= before
                before = changes
                if Task.isCancelled { break }
            }
            return isAscending
        }
        for number in 0..<200_000 { feed.put("\(number)") }
        #expect((1...200_000).contains(feed.value.changes) && !feed.value.line.isEmpty)
        looked.cancel()
        #expect(await looked.value)
    }

    @Test("a page is made once for all who ask, and not again before its time or without a change")
    func page() async {
        let made = Mutexed(0)
        let page = LivePage(pause: .seconds(3600)) { number in
            made.change { $0 += 1 }
            return Data("page \(number)".utf8)
        }
        #expect(page.number == 0)
        async let one = page.newest(changes: 1)
        async let other = page.newest(changes: 1)
        let pages = await [one, other]
        #expect(pages.allSatisfy { $0.number == 1 && $0.bytes == Data("page 1".utf8) })
        #expect(await page.newest(changes: 2).number == 1)
        #expect(made.value == 1)
    }

    @Test("the last page is made at the end, whatever was made just before, and it is known who has it")
    func lastPage() async {
        let made = Mutexed(0)
        let page = LivePage(pause: .seconds(3600)) { number in
            made.change { $0 += 1 }
            return Data("page \(number)".utf8)
        }
        _ = await page.newest(changes: 1)
        #expect(page.last(changes: 1, by: .now + .seconds(10)) == 2)
        #expect(page.number == 2 && made.value == 2)
        #expect(!page.isTaken(1, by: .now))
        #expect(await page.newest(changes: 1).number == 2)
        #expect(page.isTaken(1, by: .now) && !page.isTaken(2, by: .now + .milliseconds(20)))
    }

    @Test("a last page that takes too long is not waited for")
    func lateLastPage() {
        let page = LivePage { _ in
            Thread.sleep(forTimeInterval: 0.5)
            return Data()
        }
        #expect(page.last(changes: 1, by: .now + .milliseconds(50)) == nil)
    }

    @Test("a live page may ask whence it came, and a report nothing at all")
    func policy() throws {
        let live = LiveReport.text(of: nil, number: 7)
        #expect(live.contains("being prepared") && live.contains("connect-src") && live.contains("EventSource"))
        let report = try ReportPage([]).text
        #expect(!report.contains("connect-src") && !report.contains("EventSource"))
    }
}

/// A value that threads share.
private final class Mutexed: Sendable {
    private let storage: Mutex<Int>
    init(_ value: Int) { storage = Mutex(value) }
    var value: Int { storage.withLock { $0 } }
    func change(_ body: (inout Int) -> Void) { storage.withLock { body(&$0) } }
}

extension ProgramTests {
    @Suite("train --dashboard")
    struct DashboardTests {
        /// A run that is shown, and where.
        private struct Shown {
            let program: Program
            let port: Int
            /// With the token.
            let query: String

            init(_ arguments: [String], on layout: Layout) throws {
                program = try Program(train: arguments + ["--dashboard", "0"], on: layout)
                let program = program
                try program.reaches("an address") { program.errorsSoFar.contains("/?token=") && program.errorsSoFar.contains("\n") }
                let line = try #require(program.errorsSoFar.split(separator: "\n").first { $0.hasPrefix("dashboard  ") })
                let url = try #require(URL(string: line.dropFirst("dashboard  ".count).trimmingCharacters(in: .whitespaces)))
                port = try #require(url.port)
                query = try #require(url.query)
            }
        }

        @Test("ends with the same bytes while clients read, get stuck and ask wrongly", arguments: [Layout.single(2), .mpirun(2)])
        func sameBytes(_ layout: Layout) throws {
            let folder = try TemporaryFolder()
            let shown = try Shown(Settings.standard.arguments + ["--quiet", "--output", "\(folder.path)/run"], on: layout)
            let stuck = try HTTPClient(port: shown.port)
            stuck.request("/events?\(shown.query)")
            let listening = try HTTPClient(port: shown.port)
            listening.request("/events?\(shown.query)")
            let page = try HTTPClient.get("/?\(shown.query)", at: shown.port)
            #expect(page.hasPrefix("HTTP/1.1 200") && page.contains("gfn-page") && page.contains("no-store"))
            for (answer, status) in [
                (try HTTPClient.get("/", at: shown.port), 403), (try HTTPClient.get("/?token=0", at: shown.port), 403),
                (try HTTPClient.get("/?\(shown.query)", at: shown.port, host: "evil.example"), 403),
                (try HTTPClient.get("/?\(shown.query)", at: shown.port, method: "POST"), 405),
                (try HTTPClient.get("/config.yaml?\(shown.query)", at: shown.port), 404),
            ] {
                #expect(answer.hasPrefix("HTTP/1.1 \(status)"))
            }
            let events = listening.answer()
            #expect(events.contains("event: step") && events.contains("\"step\":\(Settings.steps)") && events.contains("data: done"))
            let outcome = try shown.program.outcome()
            #expect(outcome.status == 0)
            #expect(RunFiles(path: "\(folder.path)/run").adapter == (try Reference.run().adapter))
            #expect(throws: (any Error).self) { try HTTPClient(port: shown.port) }
        }

        @Test("who follows a run to its end gets the page of all of it")
        func lastPage() throws {
            let folder = try TemporaryFolder()
            let shown = try Shown(Settings.standard.arguments + ["--quiet", "--output", "\(folder.path)/run"], on: .single(1))
            let listening = try HTTPClient(port: shown.port)
            listening.request("/events?\(shown.query)")
            var page = ""
            let hasGone = holds(within: .seconds(60)) {
                guard let newer = try? HTTPClient.get("/?\(shown.query)", at: shown.port) else { return true }
                // The server may go in the middle of an answer.
                if newer.contains("</html>") { page = newer }
                usleep(20_000)
                return false
            }
            #expect(hasGone)
            let last = try #require(listening.answer().firstMatch(of: #/event: last\ndata: ([0-9]+)\n/#))
            #expect(page.contains("name=\"gfn-page\" content=\"\(last.1)\""))
            #expect(page.contains("data-last=\"\(Settings.steps)\""))
            #expect(try shown.program.outcome().status == 0)
        }

        @Test("an interrupted run says so and ends as one that nobody sees")
        func interruption() throws {
            let folder = try TemporaryFolder()
            let settings = Settings.standard.with(["train.steps": "2000"])
            let shown = try Shown(settings.arguments + ["--quiet", "--output", "\(folder.path)/run"], on: .single(1))
            let listening = try HTTPClient(port: shown.port)
            listening.request("/events?\(shown.query)")
            try shown.program.reaches("a step") { !RunFiles(path: "\(folder.path)/run").metricLines.isEmpty }
            shown.program.send(SIGTERM)
            let events = listening.answer()
            #expect(events.contains("data: interrupted") && !events.contains("event: last"))
            #expect(try shown.program.outcome().status == 75)
        }

        @Test("a port that is taken, or is none, is refused before anything is written")
        func refusals() throws {
            let (folder, taken) = (try TemporaryFolder(), try TakenPort())
            let used = try runProgram(["train", "--dashboard", "\(taken.number)", "--output", "\(folder.path)/run"])
            #expect(used.status == 78 && used.ownErrors.count == 1)
            #expect(used.errors.contains("127.0.0.1:\(taken.number)"))
            #expect(!RunFiles(path: folder.path).exists("run"))
            for port in ["65536", "-1", "x"] {
                #expect(try runProgram(["train", "--dashboard=\(port)", "--output", "\(folder.path)/run"]).status == 64)
            }
        }
    }
}
