import Learner
import Model
import TestSupport
import Testing

@Suite("Training: gradients and steps of a checkpoint are those of torch")
struct CheckpointTrainingTests {
    @Test("gradients of an adapter agree, of the loss and of the weighted sum")
    func adapterGradients() throws {
        var count = 0, closest = 0.0
        for model in try FixtureWalk.checkpoints() {
            let policy = try model.policy()
            let weighted = try model.gradient(of: policy, weights: model.weights(model.rows("weights", in: model.io)))
            for (kind, gradient, absolute) in [("wgrad", weighted, 2e-4), ("grad", try model.lossGradient(of: policy), 2e-6)] {
                for entry in policy.layout.entries {
                    closest = max(
                        closest,
                        expectClose(
                            Array(gradient[entry.range]), try model.lora.read("\(kind).\(entry.name)"), relative: 1e-4,
                            absolute: absolute, "\(model.name) \(kind) \(entry.name)"))
                    count += 1
                }
            }
            // Nothing that the reference has is left out.
            #expect(model.lora.names.count { $0.hasPrefix("grad.") } == policy.layout.entries.count)
        }
        #expect(FixtureWalk.ran(count, "gradients of adapter matrices", closest: closest))
    }

    @Test("three AdamW steps lead to the same matrices, losses and gradient norms, clipped where the reference clips")
    func steps() throws {
        var count = 0, closest = 0.0, closestMost = 0.0
        for model in try FixtureWalk.checkpoints() {
            let policy = try model.policy(), train = model.meta.train
            var parameters = try model.parameters(of: policy)
            var optimizer = AdamW(
                AdamW.Settings(beta1: train.betas[0], beta2: train.betas[1], epsilon: train.eps, weightDecay: train.weight_decay),
                count: parameters.count)
            var losses = [try model.loss(of: policy)]
            for step in 1...3 {
                let gradient = try model.lossGradient(of: policy)
                let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                expectClose(norm, train.grad_norms_before_clipping[step - 1], relative: 1e-4, "\(model.name) norm \(step)")
                optimizer.update(
                    &parameters, gradient: gradient, gradientScale: clippingScale(norm: norm, maximum: train.clip_grad_norm),
                    learningRate: train.lr)
                policy.adopt(values: parameters, version: step)
                losses.append(try model.loss(of: policy))
                guard step != 2 else { continue }
                let expected = try policy.layout.entries.flatMap { try model.lora.read("after\(step).\($0.name)") }
                let label = "\(model.name) after \(step)"
                closest = max(closest, expectClose(parameters, expected, relative: 0, absolute: 5e-5, label))
                closestMost = max(closestMost, expectMostClose(parameters, expected, absolute: 5e-6, label))
                count += 1
            }
            expectClose(losses, train.losses_before_steps_1_2_3_and_after_3, relative: 0, absolute: 1e-5, "\(model.name) losses")
        }
        #expect(FixtureWalk.ran(count, "states after AdamW steps, all entries", closest: closest))
        #expect(FixtureWalk.ran(count, "states after AdamW steps, 99.9 % of entries", closest: closestMost))
    }

    @Test("gradients of all weights agree")
    func fullGradients() throws {
        var count = 0, closest = 0.0
        for model in try FixtureWalk.checkpoints() {
            guard let expected = model.fullGradients else { continue }
            let policy = try model.policy(.full)
            policy.adopt(values: try policy.initialParameters(seed: 1), version: 1)
            let gradient = try model.lossGradient(of: policy)
            for entry in policy.layout.entries {
                closest = max(
                    closest,
                    expectClose(
                        Array(gradient[entry.range]), try expected.read(entry.name), relative: 1e-4, absolute: 2e-6,
                        "\(model.name) \(entry.name)"))
                count += 1
            }
            #expect(expected.names.count == policy.layout.entries.count)
        }
        #expect(FixtureWalk.ran(count, "gradients of weights", closest: closest))
    }
}

/// Expects 99.9 % of the elements to agree within `absolute`, as the reference allows for Adam, which divides by a gradient's
/// own size. Returns the share of the tolerance that the worst of those takes.
func expectMostClose(
    _ actual: [Float], _ expected: [Float], absolute: Double, _ label: String, sourceLocation: SourceLocation = #_sourceLocation
) -> Double {
    guard actual.count == expected.count, !actual.isEmpty else {
        Issue.record("\(label): \(actual.count) numbers where \(expected.count) are expected", sourceLocation: sourceLocation)
        return .infinity
    }
    let shares = zip(actual, expected).map { abs(Double($0) - Double($1)) / absolute }.map { $0.isNaN ? .infinity : $0 }.sorted()
    let share = shares[shares.count - 1 - shares.count / 1000]
    if share > 1 {
        Issue.record("\(label): one of 99.9 % of the elements is off by \(share) times the tolerance", sourceLocation: sourceLocation)
    }
    return share
}
