/// The learned log-partition function: log Z(x) = w·h(x)/√d + b, with h(x) the policy's final hidden state of the prompt.
///
/// h is taken as a constant: no gradient flows into the policy.
package struct RootFlow: Sendable, Equatable {
    package private(set) var head: LinearHead
    /// Whether b has been set from data. Until then log Z is 0, where it can be tens.
    package private(set) var isInitialised: Bool

    package var width: Int { head.width }

    package init(width: Int, settings: AdamW.Settings = AdamW.Settings()) {
        self.init(LinearHead(width: width, settings: settings), isInitialised: false)
    }

    package init(_ head: LinearHead, isInitialised: Bool) {
        (self.head, self.isInitialised) = (head, isInitialised)
    }

    package init(parameters: [Float], optimizer: AdamW, isInitialised: Bool) {
        self.init(LinearHead(parameters: parameters, optimizer: optimizer), isInitialised: isInitialised)
    }

    /// log Z in nats of a prompt whose last hidden state is `hidden` `[d]`.
    package func logPartition(_ hidden: [Float]) -> Double { hidden.withUnsafeBufferPointer { head.value(of: $0) } }

    /// Writes the gradient `[d + 1]` of a loss with slope `slope` in log Z(x).
    package func writeGradient(slope: Double, hidden: [Float], to gradient: UnsafeMutablePointer<Float>) {
        var sum = LinearHead.Gradient(width: width)
        hidden.withUnsafeBufferPointer { sum.add(slope: slope, hidden: $0) }
        sum.write(to: gradient)
    }

    /// Starts at the log Z that the first batch suggests: −mean H.
    package mutating func initialise(bias: Double) {
        head.set(bias: bias)
        isInitialised = true
    }

    package mutating func update(gradient: UnsafePointer<Float>, learningRate: Double) {
        head.update(gradient: gradient, learningRate: learningRate)
    }
}
