/// One thing that was looked at: fine, worth a change, or in the way of a run.
struct DoctorLine: Codable, Sendable, Equatable {
    enum State: String, Codable, Sendable {
        case fine
        /// A run works, and would be better off.
        case advice
        /// A run would fail.
        case broken
    }

    let topic: String
    let state: State
    let text: String
    /// What to do; empty where it is fine.
    let remedy: String

    static func fine(_ topic: String, _ text: String) -> DoctorLine { .init(topic: topic, state: .fine, text: text, remedy: "") }
    static func advice(_ topic: String, _ text: String, _ remedy: String) -> DoctorLine {
        .init(topic: topic, state: .advice, text: text, remedy: remedy)
    }
    static func broken(_ topic: String, _ text: String, _ remedy: String) -> DoctorLine {
        .init(topic: topic, state: .broken, text: text, remedy: remedy)
    }

    /// For people.
    var line: String {
        func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(1, width - text.count)) }
        return padded(state.rawValue, 8) + padded(topic, 15) + text + (remedy.isEmpty ? "" : ": " + remedy)
    }
}
