/// What the address of a dashboard carries, so that only who was given it can look: 128 random bits of the system's generator.
struct AccessToken: Sendable {
    /// 32 hexadecimal digits.
    let text: String

    init() {
        var generator = SystemRandomNumberGenerator()
        text = (0..<16).map { _ in
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    /// Whether a text is the token. How long it takes says nothing of where the two differ.
    func matches(_ other: String?) -> Bool {
        let (own, given) = (Array(text.utf8), Array((other ?? "").utf8))
        guard own.count == given.count else { return false }
        return zip(own, given).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
