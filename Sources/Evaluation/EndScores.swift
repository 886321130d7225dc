/// One problem of a task that lists every legal response ("end"), with what a policy and the reward make of each.
///
/// −∞ is a value like any other here. JSON has no number for it: an encoder needs a `nonConformingFloatEncodingStrategy`.
package struct EndScores: Sendable, Equatable, Codable {
    package struct End: Sendable, Equatable, Codable {
        /// The response as text, without ⊤.
        package var text: String
        /// log π(y⊤ | x), nats; −∞ where the policy never ends so.
        package var logPolicy: Double
        /// log R(x, y⊤), nats; −∞ where the target has no mass.
        package var logReward: Double
        package var isCorrect: Bool

        package init(text: String, logPolicy: Double, logReward: Double, isCorrect: Bool) {
            (self.text, self.logPolicy, self.logReward, self.isCorrect) = (text, logPolicy, logReward, isCorrect)
        }
    }

    /// Its prompt as text.
    package var name: String
    /// All of them, each once, in the task's order.
    package var ends: [End]
    /// log Z(x) of a learned root head, nats; nil where the method has none.
    package var learnedLogPartition: Double?

    package init(name: String, ends: [End], learnedLogPartition: Double? = nil) {
        (self.name, self.ends, self.learnedLogPartition) = (name, ends, learnedLogPartition)
    }
}
