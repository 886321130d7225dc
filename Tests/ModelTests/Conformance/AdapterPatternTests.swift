import Model
import Tensor
import TestSupport
import Testing

@Suite("An adapter whose places differ")
struct AdapterPatternTests {
    /// The fixture has an expression for its modules, an excluded one, patterns of ranks and alphas, and rsLoRA; the expected
    /// numbers are those of transformers 5.23 with PEFT 0.21.2.
    @Test("log-probabilities are those of PEFT")
    func forward() throws {
        let model = try ModelFiles.open(ownFixtures.appendingPathComponent("nano-tied-f32/checkpoint").path)
        let adapter = try AdapterFolder.read(ownFixtures.appendingPathComponent("adapter-patterns").path, for: model.configuration)
        let base = try BaseModel(model, precision: .fp32, gradients: false, parallel: .serial)
        let policy = Policy(base: base, trainable: .lora(adapter.configuration), parallel: .serial)
        policy.adopt(values: policy.layout.parameters(of: adapter.matrices), version: 1)
        let group = TokenGroup(prompt: [5], responses: [[6, 7, 8, 9, 10, 11, 12]])
        expectClose(
            policy.forward([group], recording: false).scores[0][0].tokenLogProbabilities,
            [-8.46859, -10.22041, -7.48593, -6.77131, -9.17551, -4.27494, -6.14171], relative: 0, absolute: 5e-5, "token")
        #expect(policy.layout.adapterMatrices(of: policy.layout.parameters(of: adapter.matrices)) == adapter.matrices)
    }

    /// A place's matrices have the same gradients whatever the others' ranks are, since here the others' B is zero.
    @Test("a place's gradient is that of a uniform adapter of its rank")
    func backward() throws {
        let (place, strength) = (AdapterPlace(layer: 0, kind: .down), AdapterConfiguration.Strength(rank: 7, alpha: 3))
        let uniform = AdapterConfiguration(rank: strength.rank, alpha: strength.alpha, targets: [.down], rankStabilised: true)
        var gradients: [(a: [Float], b: [Float])] = []
        for configuration in [unevenAdapter, uniform] {
            let policy = try tinyPolicy(.lora(configuration))
            var parameters = [Float](repeating: 0, count: policy.layout.count)
            let adapter = try #require(policy.layout.adapters.first { $0.place == place })
            var random = RandomStream(seed: 2, purpose: .task)
            for entry in [adapter.a, adapter.b] { for index in entry.range { parameters[index] = 0.3 * Float(random.normal()) } }
            policy.adopt(values: parameters, version: 2)
            var gradient = [Float](repeating: 0, count: policy.layout.count)
            policy.backward(policy.forward(tinyGroups, recording: true), weights: randomWeights(tinyGroups), into: &gradient)
            gradients.append((Array(gradient[adapter.a.range]), Array(gradient[adapter.b.range])))
        }
        #expect(gradients[0].a == gradients[1].a && gradients[0].b == gradients[1].b)
        #expect(gradients[0].a.contains { $0 != 0 })
    }
}
