import Foundation
import Learner
import Model
import TestSupport
import Testing

@Suite(
    "A real model computes what transformers computes on its dequantised weights", .serialized,
    .enabled(if: RealModelCase.isThere, "needs GFN_FIXTURES, and GFN_SMOLLM2 with the model's file"))
struct RealModelTests {
    @Test("logits, prompt log-probabilities and greedy continuations agree")
    func prompts() throws {
        var count = 0, steps = 0, closest = 0.0
        for real in try FixtureWalk.realModels() {
            let policy = Policy(base: try real.base(), trainable: .full, parallel: real.parallel)
            policy.stopTokens = .none
            for prompt in try real.prompts() {
                let V = real.model.configuration.vocabularySize, label = "prompt \(count)"
                let logits = policy.logits(prompt.input_ids).suffix(V).map { Double($0) }
                closest = max(
                    closest, expectClose(prompt.top20_ids.map { logits[$0] }, prompt.top20_logits, relative: 0, absolute: 2e-3, label))
                let best = logits.max() ?? 0
                let logSumExp = best + log(logits.reduce(0) { $0 + exp($1 - best) })
                closest = max(closest, expectClose(logSumExp, prompt.logsumexp, relative: 0, absolute: 2e-3, label))
                let group = TokenGroup(prompt: [prompt.input_ids[0]], responses: [Array(prompt.input_ids.dropFirst())])
                let scores = policy.forward([group], recording: false).scores[0][0]
                closest = max(
                    closest,
                    expectClose(scores.tokenLogProbabilities, prompt.prompt_token_logprobs, relative: 0, absolute: 1e-3, label))
                // After a step with a smaller margin another token may be right.
                let certain = prompt.greedy_margins.firstIndex { $0 < 2e-3 } ?? prompt.greedy_ids.count
                let greedy = policy.greedy([prompt.input_ids], count: prompt.greedy_ids.count)[0]
                #expect(greedy.prefix(certain) == prompt.greedy_ids.prefix(certain), "\(label)")
                (count, steps) = (count + 1, steps + certain)
            }
        }
        #expect(FixtureWalk.ran(count, "prompts of a real model with \(steps) greedy steps", closest: closest))
    }

    @Test("log-probabilities of GSM8K solutions agree, token by token and in sum")
    func solutions() throws {
        var count = 0, closest = 0.0
        for real in try FixtureWalk.realModels() {
            let policy = Policy(base: try real.base(), trainable: .full, parallel: real.parallel)
            for (solution, tokens) in try real.solutions() {
                #expect(tokens.count == solution.n_tokens)
                let group = TokenGroup(prompt: [tokens[0]], responses: [Array(tokens.dropFirst())])
                let scores = policy.forward([group], recording: false).scores[0][0].tokenLogProbabilities
                let label = "\(solution.source):\(solution.line)"
                closest = max(closest, expectClose(scores, solution.token_logprobs, relative: 0, absolute: 1e-3, label))
                let sum = scores.dropFirst(solution.n_prompt_tokens - 1).reduce(0) { $0 + Double($1) }
                closest = max(closest, expectClose(sum, solution.answer_logprob_sum, relative: 0, absolute: 2e-2, label))
                count += 1
            }
        }
        #expect(FixtureWalk.ran(count, "GSM8K solutions scored by a real model", closest: closest))
    }

    @Test("adapter gradients, losses and the matrices after three AdamW steps agree")
    func training() throws {
        for real in try FixtureWalk.realModels() {
            let (step, numbers, groups, counted) = try real.training()
            let (adapter, matrices) = try AdapterFolder.read(
                real.folder.appendingPathComponent("adapter").path, for: real.model.configuration)
            let policy = Policy(base: try real.base(gradients: true), trainable: .lora(adapter), parallel: real.parallel)
            var parameters = policy.layout.parameters(of: matrices)
            policy.adopt(values: parameters, version: 0)
            let share = -1 / Float(counted.joined().count { $0 })
            let weights = counted.map { row in
                [ResponseWeights(token: row.map { $0 ? share : 0 }, stop: [Float](repeating: 0, count: row.count + 1))]
            }
            let settings = step.optimizer
            var optimizer = AdamW(
                AdamW.Settings(
                    beta1: settings.betas[0], beta2: settings.betas[1], epsilon: settings.eps, weightDecay: settings.weight_decay),
                count: parameters.count)
            var losses: [Double] = [], norms: [Double] = [], closest = 0.0
            for number in 0...3 {
                let result = policy.forward(groups, recording: number < 3)
                let terms = zip(result.scores, counted).flatMap { scores, counted in
                    zip(scores[0].tokenLogProbabilities, counted).filter(\.1).map { -Double($0.0) }
                }
                losses.append(terms.reduce(0, +) / Double(terms.count))
                guard number < 3 else { continue }
                var gradient = [Float](repeating: 0, count: policy.layout.count)
                policy.backward(result, weights: weights, into: &gradient)
                norms.append(gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot())
                if number == 0 {
                    closest = try compare(gradient, "grad", numbers, policy.layout) {
                        expectClose($0, $1, relative: 1e-3, absolute: 1e-5, $2)
                    }
                }
                optimizer.update(&parameters, gradient: gradient, gradientScale: 1, learningRate: settings.lr)
                policy.adopt(values: parameters, version: number + 1)
            }
            expectClose(losses, step.losses_before_each_step_and_after, relative: 0, absolute: 1e-4, "losses")
            expectClose(norms, step.global_grad_norms, relative: 1e-3, "gradient norms")
            #expect(FixtureWalk.ran(1, "adapter gradients of a real model", closest: closest))
            try compareMatrices(parameters, numbers, policy.layout)
        }
    }

    /// The matrices after three steps. Adam's first step is the gradient's sign: an entry whose gradient is below the
    /// gradients' own tolerance of 1e-5 can move either way, and does so between float32 and float64 of torch too (by 7e-4
    /// here). The bound on all entries is therefore asked of the entries whose sign is certain.
    private func compareMatrices(_ parameters: [Float], _ numbers: SafetensorsFile, _ layout: ParameterLayout) throws {
        var (actual, expected): ([Float], [Float]) = ([], [])
        var strays = 0, certain = 0
        let closest = try compare(parameters, "after3", numbers, layout) { ours, theirs, name in
            actual += ours
            expected += theirs
            let gradient = try numbers.read("grad" + name.dropFirst("after3".count))
            let known = gradient.indices.filter { abs(gradient[$0]) > 1e-5 }
            strays += gradient.indices.count { abs(gradient[$0]) <= 1e-5 && abs(ours[$0] - theirs[$0]) > 2e-4 }
            certain += known.count
            return expectClose(known.map { ours[$0] }, known.map { theirs[$0] }, relative: 0, absolute: 2e-4, name)
        }
        let most = expectMostClose(actual, expected, absolute: 5e-5, "after3")
        #expect(FixtureWalk.ran(certain, "entries of a real model's adapter after three steps, beside \(strays) strays", closest: closest))
        #expect(FixtureWalk.ran(actual.count, "of them and all others, 99.9 %", closest: most))
    }

    /// Calls `body` with our numbers and the reference's for each matrix that the reference has; all others must be zero.
    private func compare(
        _ values: [Float], _ kind: String, _ reference: SafetensorsFile, _ layout: ParameterLayout,
        _ body: ([Float], [Float], String) throws -> Double
    ) throws -> Double {
        var closest = 0.0, count = 0
        for entry in layout.entries {
            let name = "\(kind).\(entry.name)"
            guard reference.shape(of: name) != nil else {
                #expect(values[entry.range].allSatisfy { $0 == 0 }, "\(name)")
                continue
            }
            closest = max(closest, try body(Array(values[entry.range]), reference.read(name), name))
            count += 1
        }
        #expect(count == reference.names.count { $0.hasPrefix("\(kind).") })
        return closest
    }
}
