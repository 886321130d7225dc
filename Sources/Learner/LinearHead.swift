/// A linear function of a hidden state with an optimiser of its own: w·h/√d + b, with h `[d]` the final norm's output.
///
/// Division by √d keeps the step that a fixed learning rate makes in the value about equal for narrow and wide models.
package struct LinearHead: Sendable, Equatable {
    /// w, then b. `[d + 1]`
    package private(set) var parameters: [Float]
    package private(set) var optimizer: AdamW

    package var width: Int { parameters.count - 1 }
    /// dvalue/dh = w/√d. `[d]`
    package var direction: [Float] {
        let scale = 1 / Double(width).squareRoot()
        return parameters.dropLast().map { Float(scale * Double($0)) }
    }

    /// Zero for every h.
    package init(width: Int, settings: AdamW.Settings = AdamW.Settings()) {
        self.init(parameters: Array(repeating: 0, count: width + 1), optimizer: AdamW(settings, count: width + 1))
    }

    /// direction·h + bias, with an optimiser that has not begun.
    package init(direction: [Float], bias: Float, settings: AdamW.Settings = AdamW.Settings()) {
        let scale = Double(direction.count).squareRoot()
        self.init(
            parameters: direction.map { Float(scale * Double($0)) } + [bias], optimizer: AdamW(settings, count: direction.count + 1))
    }

    package init(parameters: [Float], optimizer: AdamW) {
        precondition(parameters.count == optimizer.firstMoments.count, "linear head: moments of another width")
        (self.parameters, self.optimizer) = (parameters, optimizer)
    }

    /// Summed in Double in the order of features.
    package func value(of hidden: UnsafeBufferPointer<Float>) -> Double {
        precondition(hidden.count == width, "linear head: \(hidden.count) features for width \(width)")
        var sum = 0.0
        for (w, h) in zip(parameters, hidden) { sum += Double(w) * Double(h) }
        return sum / Double(width).squareRoot() + Double(parameters[width])
    }

    /// Sets b.
    package mutating func set(bias: Double) { parameters[width] = Float(bias) }

    package mutating func update(gradient: UnsafePointer<Float>, learningRate: Double) {
        optimizer.update(&parameters, gradient: gradient, learningRate: learningRate)
    }

    /// The gradient of a loss in a head's parameters: Σ slope·h/√d, then Σ slope, in Double and in the order in which they are added.
    package struct Gradient: Sendable {
        /// −0 is what a first term can be added to without any change, not even of a zero's sign.
        private var sums: [Double]
        private var width: Int { sums.count - 1 }

        package init(width: Int) { sums = Array(repeating: -0.0, count: width + 1) }

        /// `slope`: of the loss in the value of `hidden` `[d]`.
        package mutating func add(slope: Double, hidden: UnsafeBufferPointer<Float>) {
            precondition(hidden.count == width, "linear head: \(hidden.count) features for width \(width)")
            let scale = slope / Double(width).squareRoot()
            for (index, h) in hidden.enumerated() { sums[index] += scale * Double(h) }
            sums[width] += slope
        }

        /// Writes d + 1 numbers.
        package func write(to gradient: UnsafeMutablePointer<Float>) {
            for (index, sum) in sums.enumerated() { gradient[index] = Float(sum) }
        }
    }
}
