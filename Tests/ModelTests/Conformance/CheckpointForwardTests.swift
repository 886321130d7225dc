import Model
import Tensor
import TestSupport
import Testing

@Suite("Forward: a checkpoint computes what transformers and PEFT compute")
struct CheckpointForwardTests {
    @Test("logits agree, at every position and at each row's end, for the base and with an adapter")
    func logits() throws {
        var count = 0, closest = 0.0
        for model in try FixtureWalk.checkpoints() {
            let policy = try model.policy(), V = model.model.configuration.vocabularySize
            func compare(_ actual: some Sequence<Float>, _ expected: some Sequence<Float>, _ what: String) {
                closest = max(
                    closest,
                    expectClose(Array(actual), Array(expected), relative: 1e-5, absolute: 1e-4, "\(model.name), \(what)"))
                count += 1
            }
            policy.adapterEnabled = false
            let everywhere = model.io.shape(of: "right.logits") == nil ? nil : try model.io.read("right.logits")
            let width = model.io.shape(of: "right.logits")?[1] ?? 0
            let last = try model.io.read("left.last_logits")
            for (row, sequence) in try model.sequences(.left).enumerated() {
                let logits = policy.logits(sequence)
                compare(logits.suffix(V), last[row * V..<(row + 1) * V], "last logits of row \(row)")
                // Rows are padded on the right in this one.
                if let everywhere { compare(logits, everywhere[row * width * V..<(row * width + sequence.count) * V], "logits of row \(row)") }
            }
            guard model.lora.shape(of: "last_logits") != nil else { continue }
            policy.adapterEnabled = true
            let adapted = try model.lora.read("last_logits")
            for (row, sequence) in try model.sequences().enumerated() {
                compare(policy.logits(sequence).suffix(V), adapted[row * V..<(row + 1) * V], "adapted logits of row \(row)")
            }
        }
        #expect(FixtureWalk.ran(count, "rows of logits", closest: closest))
    }

    @Test("token log-probabilities agree in batches padded on either side, for the base and with an adapter")
    func tokenLogProbabilities() throws {
        var count = 0, closest = 0.0
        for model in try FixtureWalk.checkpoints() {
            let policy = try model.policy()
            policy.adapterEnabled = false
            var comparisons = try CheckpointCase.Padding.allCases.map { padding in
                (try model.tokenLogProbabilities(of: policy, padding), try model.rows("\(padding).token_logprobs", in: model.io, padding))
            }
            policy.adapterEnabled = true
            comparisons.append((try model.tokenLogProbabilities(of: policy), try model.rows("token_logprobs", in: model.lora)))
            for (actual, expected) in comparisons {
                #expect(actual.count == expected.count)
                for (actual, expected) in zip(actual, expected) {
                    closest = max(
                        closest, expectClose(actual, Array(expected.dropFirst()), relative: 1e-5, absolute: 5e-5, model.name))
                    count += 1
                }
            }
        }
        #expect(FixtureWalk.ran(count, "rows of token log-probabilities", closest: closest))
    }

    @Test("the loss over the labels and the weighted sum of log-probabilities agree")
    func sums() throws {
        var count = 0, closest = 0.0
        for model in try FixtureWalk.checkpoints() {
            let policy = try model.policy()
            let weights = try model.rows("weights", in: model.io)
            let sum = zip(try model.tokenLogProbabilities(of: policy), weights).reduce(0.0) { sum, row in
                zip(row.0, row.1.dropFirst()).reduce(sum) { $0 + Double($1.0) * Double($1.1) }
            }
            // Of the log-probabilities' own tolerance, each by its weight.
            let tolerance = weights.joined().reduce(0.0) { $0 + abs(Double($1)) * 5e-5 }
            closest = max(closest, expectClose(sum, model.meta.weighted_sum, relative: 0, absolute: tolerance, "\(model.name) weighted sum"))
            policy.adapterEnabled = false
            closest = max(closest, expectClose(try model.loss(of: policy), model.meta.loss, relative: 0, absolute: 1e-5, "\(model.name) loss"))
            count += 1
        }
        #expect(FixtureWalk.ran(count, "losses and weighted sums", closest: closest))
    }

    @Test("greedy decoding finds the same tokens, with an adapter too, and stops where they stop")
    func greedy() throws {
        var count = 0
        for model in try FixtureWalk.checkpoints() {
            let policy = try model.policy()
            for (enabled, greedy) in [(true, model.meta.greedy_lora), (false, model.meta.greedy)] {
                policy.adapterEnabled = enabled
                policy.stopTokens = .none
                let length = greedy.new_ids.map(\.count).max() ?? 0
                #expect(policy.greedy(greedy.prompts, count: length) == greedy.new_ids, "\(model.name), adapter \(enabled)")
                count += greedy.prompts.count
            }
            // The reference includes the end token, which here is no part of a response.
            let ended = model.meta.greedy_with_eos
            policy.stopTokens = StopTokens([ended.eos_token_id])
            #expect(ended.new_ids.last == ended.eos_token_id)
            #expect(policy.greedy([ended.prompt], count: 64) == [ended.new_ids.dropLast()], "\(model.name) with an end token")
            count += 1
        }
        #expect(FixtureWalk.ran(count, "greedy continuations"))
    }

    @Test("a base weight and its scaled adapter matrices add up to the merged weight")
    func merged() throws {
        var count = 0, closest = 0.0
        for model in try FixtureWalk.checkpoints() {
            let (adapter, matrices) = try AdapterFolder.read(model.adapterPath, for: model.model.configuration)
            for (place, strength) in adapter.places(layerCount: model.model.configuration.layerCount) {
                let scaling = Double(adapter.scaling(of: strength))
                expectClose(scaling, model.meta.lora.scaling, relative: 1e-7, model.name)
                let matrices = try #require(matrices[place])
                let weight = "model.layers.\(place.layer).\(place.kind.path).weight"
                guard model.lora.shape(of: "merged.\(weight)") != nil else { continue }
                let base = try model.model.weights.read(weight)
                let (outputs, inputs) = model.model.configuration.extents(of: place.kind), rank = matrices.a.count / inputs
                let merged = (0..<outputs * inputs).map { index in
                    let (row, column) = (index / inputs, index % inputs)
                    return (0..<rank).reduce(Double(base[index])) { sum, r in
                        sum + scaling * Double(matrices.b[row * rank + r]) * Double(matrices.a[r * inputs + column])
                    }
                }
                closest = max(
                    closest,
                    expectClose(merged, try model.lora.read("merged.\(weight)"), relative: 0, absolute: 1e-6, "\(model.name) \(weight)"))
                count += 1
            }
        }
        #expect(FixtureWalk.ran(count, "merged weights", closest: closest))
    }
}
