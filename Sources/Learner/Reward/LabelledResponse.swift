package import Rollout

/// A response with labelled steps, as a process reward model learns from it.
package struct LabelledResponse: Sendable, Equatable {
    package var prompt: [Int32]
    package var reading: StepReading
    /// How good the step is that ends at each place of `reading`, from 0 to 1; nil: nobody judged it.
    package var labels: [Double?]

    package init(prompt: [Int32], reading: StepReading, labels: [Double?]) {
        precondition(reading.places.count == labels.count, "\(labels.count) labels for \(reading.places.count) steps")
        (self.prompt, self.reading, self.labels) = (prompt, reading, labels)
    }

    package var tokenCount: Int { prompt.count + reading.tokens.count }
}
