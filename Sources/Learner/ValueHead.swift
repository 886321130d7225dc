package import Model

/// The learned value of a state: V(s) = w·h(s)/√d + b, with h(s) the policy's final hidden state. It starts at zero.
///
/// The policy and V share all layers: what V's loss asks of h goes into the policy's backward, as `hiddenWeights`. Slopes and
/// values are by group, response and state 0…n, in that order; s_0, which the responses of a group share, is there for each.
package struct ValueHead: Sendable, Equatable {
    package private(set) var head: LinearHead

    package var width: Int { head.width }

    package init(width: Int, settings: AdamW.Settings = AdamW.Settings()) {
        self.init(LinearHead(width: width, settings: settings))
    }

    package init(_ head: LinearHead) { self.head = head }

    /// V of every state of every response that was passed forward.
    package func values(of forward: ForwardResult) -> [[[Double]]] {
        forward.scores.enumerated().map { g, responses in
            responses.enumerated().map { k, scores in
                scores.stopLogProbabilities.indices.map { i in
                    forward.withHidden(ofState: i, response: k, group: g) { head.value(of: $0) }
                }
            }
        }
    }

    /// Writes the gradient `[d + 1]` of a loss with slopes dL/dV(s): Σ slope·h/√d for w, and Σ slope for b.
    package func writeGradient(slopes: [[[Double]]], of forward: ForwardResult, to gradient: UnsafeMutablePointer<Float>) {
        precondition(
            slopes.map { $0.map(\.count) } == forward.scores.map { $0.map(\.stopLogProbabilities.count) },
            "value head: slopes do not fit the states")
        var sum = LinearHead.Gradient(width: width)
        for (g, slopes) in slopes.enumerated() {
            for (k, slopes) in slopes.enumerated() {
                for (i, slope) in slopes.enumerated() {
                    forward.withHidden(ofState: i, response: k, group: g) { sum.add(slope: slope, hidden: $0) }
                }
            }
        }
        sum.write(to: gradient)
    }

    /// What the same loss asks of the hidden states, for the policy's backward: dL/dh = slope · w/√d.
    package func hiddenWeights(slopes: [[[Double]]]) -> HiddenWeights {
        HiddenWeights(direction: head.direction, slopes: slopes.map { $0.map { $0.map { Float($0) } } })
    }

    package mutating func update(gradient: UnsafePointer<Float>, learningRate: Double) {
        head.update(gradient: gradient, learningRate: learningRate)
    }
}
