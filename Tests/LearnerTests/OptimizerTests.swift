import Learner
import TestSupport
import Testing

@Suite("Optimiser") struct OptimizerTests {
    @Test("AdamW follows torch's trajectory, with and without decay and clipping")
    func followsTorch() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("optimizer") {
            for item in fixtures.cases {
                let start = fixtures.vector(item.id, "start").map { Float($0) }
                let betas = item.parameters["betas"] as? [Double] ?? []
                var optimizer = AdamW(
                    AdamW.Settings(
                        beta1: betas[0], beta2: betas[1], epsilon: item.number("eps") ?? .nan,
                        weightDecay: item.number("weight_decay") ?? .nan), count: start.count)
                let maximum = item.number("clip_grad_norm")
                var parameters = start
                var norms: [Double] = []
                for (gradient, expected) in zip(fixtures.rows(item.id, "gradients"), fixtures.rows(item.id, "out.trajectory")) {
                    let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
                    if maximum != nil { norms.append(norm) }
                    optimizer.update(
                        &parameters, gradient: gradient.map { Float($0) }, gradientScale: clippingScale(norm: norm, maximum: maximum),
                        learningRate: item.number("lr") ?? .nan)
                    expectClose(parameters, expected, relative: 1e-6, absolute: 1e-7, item.id)
                }
                expectClose(norms, item.fields["norms_before_clipping"] as? [Double] ?? [], relative: 1e-9, item.id)
                expectClose(optimizer.firstMoments, fixtures.vector(item.id, "out.exp_avg"), relative: 1e-6, absolute: 1e-7, item.id)
                expectClose(optimizer.secondMoments, fixtures.vector(item.id, "out.exp_avg_sq"), relative: 1e-6, absolute: 1e-9, item.id)
                ran += 1
            }
        }
        print("adamw: \(ran) cases")
        #expect(ran >= 8)
    }

    @Test("an optimiser continued from its moments goes on as if it had not stopped")
    func continues() {
        var parameters: [Float] = [0.3, -0.7, 1.1]
        var optimizer = AdamW(AdamW.Settings(weightDecay: 0.02), count: 3)
        optimizer.update(&parameters, gradient: [0.5, -2, 0.01], learningRate: 0.01)
        var (copy, copied) = (AdamW(optimizer.settings, step: optimizer.step, firstMoments: optimizer.firstMoments, secondMoments: optimizer.secondMoments), parameters)
        optimizer.update(&parameters, gradient: [0.25, 1, 0.3], learningRate: 0.01)
        copy.update(&copied, gradient: [0.25, 1, 0.3], learningRate: 0.01)
        #expect(parameters == copied && copy == optimizer)
    }

    @Test("clipping leaves a short gradient alone and brings a long one to the maximum")
    func clipping() {
        #expect(clippingScale(norm: 0.4, maximum: 1) == 1)
        #expect(clippingScale(norm: 40, maximum: nil) == 1)
        expectClose(40 * clippingScale(norm: 40, maximum: 2), 2, relative: 1e-6)
    }

    @Test("schedules have torch's values")
    func schedules() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("optimizer") {
            for item in fixtures.schedules {
                let kind = try #require(LearningRateSchedule.Shape(rawValue: item["kind"] as? String ?? ""))
                let expected = try #require(item["values"] as? [Double])
                let schedule = LearningRateSchedule(
                    shape: kind, peak: try #require(item["peak"] as? Double),
                    warmUpSteps: try #require(item["warmup_steps"] as? Int), totalSteps: try #require(item["total_steps"] as? Int))
                expectClose(expected.indices.map { schedule.rate(at: $0) }, expected, relative: 1e-12, absolute: 1e-20)
                ran += 1
            }
        }
        print("schedules: \(ran) cases")
        #expect(ran >= 6)
    }
}
