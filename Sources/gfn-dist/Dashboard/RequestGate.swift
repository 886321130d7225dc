/// Which requests a dashboard answers: those that read, that came to this machine by name, and that know the token.
struct RequestGate: Sendable {
    let token: AccessToken

    struct Refusal: Equatable, Sendable {
        let status: Int
        /// One sentence, for who asked.
        let reason: String
    }

    /// Nil: the request may be answered.
    func refusal(method: String, host: String?, token given: String?) -> Refusal? {
        guard Self.isLoopback(host) else {
            return Refusal(
                status: 403,
                reason: "This dashboard answers only requests for 127.0.0.1 or localhost: open the address that the run printed.")
        }
        guard method == "GET" else { return Refusal(status: 405, reason: "This dashboard can only be read: use GET.") }
        guard token.matches(given) else {
            return Refusal(
                status: 403, reason: "The token is missing or wrong: open the whole address that the run printed, with ?token=.")
        }
        return nil
    }

    /// Whether a Host header names this machine itself, at any port: a tunnel has another one. A page of another site that had its own
    /// name point here (DNS rebinding) would say that name.
    static func isLoopback(_ host: String?) -> Bool {
        guard let host = host?.lowercased() else { return false }
        for name in ["127.0.0.1", "localhost", "[::1]"] where host.hasPrefix(name) {
            let rest = host.dropFirst(name.count)
            if rest.isEmpty || rest.first == ":" && rest.dropFirst().allSatisfy({ ("0"..."9").contains($0) }) { return true }
        }
        return false
    }
}
