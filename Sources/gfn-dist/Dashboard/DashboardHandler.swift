internal import FlyingFox
internal import Foundation

/// Answers the requests to a dashboard: `/` is the report, `/events` says when there is something new.
struct DashboardHandler: HTTPHandler {
    let gate: RequestGate
    let feed: LiveFeed
    let page: LivePage
    let clients: EventClients

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        let refusal = gate.refusal(method: request.method.rawValue, host: request.headers[.host], token: request.query["token"])
        if let refusal { return Self.sentence(refusal.status, refusal.reason) }
        switch request.path {
        case "/":
            let newest = await page.newest(changes: feed.value.changes)
            return Self.response(200, "text/html; charset=utf-8", newest.bytes)
        case "/events":
            let newest = feed.value
            let first = (newest.line.isEmpty ? [] : [serverSentEvent("step", newest.line)])
                + [serverSentEvent("report", "\(page.number)")]
            guard let stream = clients.join(first) else {
                return Self.sentence(503, "\(EventClients.limit) pages follow this run already: close one of them.")
            }
            var headers = Self.headers("text/event-stream")
            headers[HTTPHeader("X-Accel-Buffering")] = "no"
            return HTTPResponse(statusCode: .ok, headers: headers, body: HTTPBodySequence(from: stream))
        default:
            return Self.sentence(404, "There is nothing here: the report is at /.")
        }
    }

    private static func sentence(_ status: Int, _ text: String) -> HTTPResponse {
        response(status, "text/plain; charset=utf-8", Data("\(text)\n".utf8))
    }

    private static func response(_ status: Int, _ type: String, _ body: Data) -> HTTPResponse {
        let phrase = [200: "OK", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"][status] ?? ""
        var headers = headers(type)
        if status == 405 { headers[HTTPHeader("Allow")] = "GET" }
        return HTTPResponse(
            statusCode: HTTPStatusCode(status, phrase: phrase), headers: headers,
            // In large pieces: each is a turn of the server.
            body: HTTPBodySequence(data: body, suggestedBufferSize: 1 << 16))
    }

    /// Nothing is kept, put into another page, or told to other sites.
    private static func headers(_ type: String) -> HTTPHeaders {
        HTTPHeaders([
            .contentType: type, HTTPHeader("Cache-Control"): "no-store", HTTPHeader("X-Content-Type-Options"): "nosniff",
            HTTPHeader("X-Frame-Options"): "DENY", HTTPHeader("Referrer-Policy"): "no-referrer",
            HTTPHeader("Cross-Origin-Resource-Policy"): "same-origin",
        ])
    }
}
