internal import Model

/// A prompt, and every response that is legal behind it with the log reward of ending there.
package struct EnumerableProblem: Sendable {
    package let prompt: String
    /// The responses as texts, which may be empty, each with its log R in nats.
    package let ends: [(text: String, logReward: Double)]
    /// Where it is written, as errors name it: "numbers.yaml:9"; nil: its number in the task.
    package let place: String?

    package init(prompt: String, ends: [(text: String, logReward: Double)], place: String? = nil) {
        (self.prompt, self.ends, self.place) = (prompt, ends, place)
    }
}

/// Why a list of responses is no task for a model. One sentence, which names the place.
package struct EnumerableTaskError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ place: String, _ fault: String) { description = "\(place): \(fault)".printable(limit: 1000) }
}

extension String {
    /// As an error shows a text of a list: what is blank in it can be seen.
    var quoted: String { "\"\(replacing("\n", with: "\\n").replacing("\t", with: "\\t").printable())\"" }
}
