/// The learned log-partition function: log Z(x) = w·h(x)/√d + b, with h(x) the policy's final hidden state of the prompt.
///
/// h is taken as a constant: no gradient flows into the policy. Division by √d keeps the step that a fixed learning rate
/// makes in log Z about equal for narrow and wide models.
package struct RootFlow: Sendable, Equatable {
    /// w, then b. `[d + 1]`
    package private(set) var parameters: [Float]
    package private(set) var optimizer: AdamW
    /// Whether b has been set from data. Until then log Z is 0, where it can be tens.
    package private(set) var isInitialised: Bool

    package var width: Int { parameters.count - 1 }

    package init(width: Int, settings: AdamW.Settings = AdamW.Settings()) {
        parameters = Array(repeating: 0, count: width + 1)
        optimizer = AdamW(settings, count: width + 1)
        isInitialised = false
    }

    package init(parameters: [Float], optimizer: AdamW, isInitialised: Bool) {
        precondition(parameters.count == optimizer.firstMoments.count, "root flow: moments of another width")
        (self.parameters, self.optimizer, self.isInitialised) = (parameters, optimizer, isInitialised)
    }

    /// log Z in nats of a prompt whose last hidden state is `hidden` `[d]`.
    package func logPartition(_ hidden: [Float]) -> Double {
        precondition(hidden.count == width, "root flow: \(hidden.count) features for width \(width)")
        var sum = 0.0
        for (w, h) in zip(parameters, hidden) { sum += Double(w) * Double(h) }
        return sum / Double(width).squareRoot() + Double(parameters[width])
    }

    /// Writes the gradient `[d + 1]` of a loss with slope `slope` in log Z(x).
    package func writeGradient(slope: Double, hidden: [Float], to gradient: UnsafeMutablePointer<Float>) {
        let scale = slope / Double(width).squareRoot()
        for (index, h) in hidden.enumerated() { gradient[index] = Float(scale * Double(h)) }
        gradient[width] = Float(slope)
    }

    /// Starts at the log Z that the first batch suggests: −mean H.
    package mutating func initialise(bias: Double) {
        parameters[width] = Float(bias)
        isInitialised = true
    }

    package mutating func update(gradient: UnsafePointer<Float>, learningRate: Double) {
        optimizer.update(&parameters, gradient: gradient, learningRate: learningRate)
    }
}
