import Learner
import Model
import TestSupport
import Testing

@Suite("Learned value of states") struct ValueHeadTests {
    static let weights: [Float] = (0..<TinyTask.configuration.hiddenSize + 1).map { Float($0 * 7 % 11) / 8 - 0.5 }
    /// Ragged, with an empty response.
    static let group = TokenGroup(prompt: [1, 2, 3], responses: [[4, 5], [], [6]])
    static let slopes: [[[Double]]] = [[[0.5, -1, 0.25], [2], [-0.75, 1.5]]]

    private func values(_ parameters: [Float]) -> ValueHead {
        ValueHead(LinearHead(parameters: parameters, optimizer: AdamW(AdamW.Settings(), count: parameters.count)))
    }

    @Test("it is zero at every state until it learns")
    func start() throws {
        let forward = try TinyTask.policy().forward([Self.group], recording: false)
        #expect(ValueHead(width: TinyTask.configuration.hiddenSize).values(of: forward) == Self.slopes.map { $0.map { $0.map { _ in 0 } } })
    }

    @Test("it is w·h/√d + b at each state, one number at the state that the responses share")
    func value() throws {
        let forward = try TinyTask.policy().forward([Self.group], recording: false)
        let actual = values(Self.weights).values(of: forward)
        let root = RootFlow(
            parameters: Self.weights, optimizer: AdamW(AdamW.Settings(), count: Self.weights.count), isInitialised: true)
        let shared = root.logPartition(forward.promptHidden[0])
        #expect(actual.map { $0.map(\.count) } == [[3, 1, 2]] && actual[0].allSatisfy { $0[0] == shared })
        let hidden = forward.withHidden(ofState: 2, response: 0, group: 0) { Array($0) }
        let expected = zip(hidden, Self.weights).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / 4 + Double(Self.weights[16])
        expectClose(actual[0][0][2], expected, relative: 1e-12)
    }

    @Test("its gradient is the central difference of Σ slope·V in w and b")
    func gradient() throws {
        let forward = try TinyTask.policy().forward([Self.group], recording: false)
        var gradient = [Float](repeating: .nan, count: Self.weights.count)
        values(Self.weights).writeGradient(slopes: Self.slopes, of: forward, to: &gradient)
        func loss(_ parameters: [Float]) -> Double {
            let values = values(parameters).values(of: forward)
            return zip(values[0], Self.slopes[0]).reduce(0) { sum, pair in sum + zip(pair.0, pair.1).reduce(0) { $0 + $1.0 * $1.1 } }
        }
        let expected = Self.weights.indices.map { index in
            var (above, below) = (Self.weights, Self.weights)
            above[index] += 0.25
            below[index] -= 0.25
            return (loss(above) - loss(below)) / 0.5
        }
        expectClose(gradient, expected, relative: 1e-5, absolute: 1e-7)
    }

    @Test("what it asks of the policy is the slope of Σ slope·V in the adapter")
    func hiddenWeights() throws {
        let policy = try TinyTask.policy(), head = values(Self.weights)
        let initial = try policy.initialParameters(seed: 3)
        policy.adopt(values: initial, version: 1)
        var gradient = [Float](repeating: 0, count: policy.layout.count)
        policy.backward(
            policy.forward([Self.group], recording: true),
            weights: [Self.group.responses.map { ResponseWeights(token: $0.map { _ in 0 }, stop: (0...$0.count).map { _ in 0 }) }],
            hiddenWeights: head.hiddenWeights(slopes: Self.slopes), into: &gradient)
        func loss(_ parameters: [Float]) -> Double {
            policy.adopt(values: parameters, version: 1)
            let values = head.values(of: policy.forward([Self.group], recording: false))
            return zip(values[0], Self.slopes[0]).reduce(0) { sum, pair in sum + zip(pair.0, pair.1).reduce(0) { $0 + $1.0 * $1.1 } }
        }
        // Along the gradient itself, the derivative is its squared norm.
        let square = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }
        let step = 1e-2 / square.squareRoot()
        let above = zip(initial, gradient).map { Float(Double($0) + step * Double($1)) }
        let below = zip(initial, gradient).map { Float(Double($0) - step * Double($1)) }
        #expect(square > 0)
        expectClose((loss(above) - loss(below)) / (2 * step), square, relative: 1e-3)
    }

    @Test("learning moves it towards its targets")
    func update() throws {
        let forward = try TinyTask.policy().forward([Self.group], recording: false)
        var head = ValueHead(width: TinyTask.configuration.hiddenSize)
        func error() -> Double { head.values(of: forward)[0].joined().reduce(0) { $0 + ($1 - 2) * ($1 - 2) } }
        let before = error()
        for _ in 0..<50 {
            var gradient = [Float](repeating: 0, count: head.width + 1)
            head.writeGradient(slopes: head.values(of: forward).map { $0.map { $0.map { 2 * ($0 - 2) } } }, of: forward, to: &gradient)
            head.update(gradient: gradient, learningRate: 0.05)
        }
        #expect(error() < before / 100 && head.head.optimizer.step == 50)
    }
}
