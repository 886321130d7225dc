package import Tensor

extension PolicyMemory {
    /// Bytes of the weights that a policy has of its own, packed: its adapter, or all of them.
    package static func weights(
        _ trainable: Trainable, of configuration: TransformerConfiguration, precision: Precision, gradients: Bool
    ) -> Int {
        switch trainable {
        case .full:
            let parts: [WeightPart] = gradients ? [.forward, .transposed] : [.forward], forms = WeightForms(precision)
            return parts.reduce(0) { $0 + $1.byteCount(of: configuration, forms: forms) }
        case .lora(let adapter):
            func matrix(_ outputs: Int, _ inputs: Int) -> Int {
                PackedMatrix.byteCount(outputs: outputs, inputs: inputs, precision: precision)
                    + (gradients ? PackedMatrix.byteCount(outputs: inputs, inputs: outputs, precision: precision) : 0)
            }
            return adapter.places(layerCount: configuration.layerCount).reduce(0) { sum, next in
                let (outputs, inputs) = configuration.extents(of: next.place.kind)
                return sum + matrix(next.strength.rank, inputs) + matrix(outputs, next.strength.rank)
            }
        }
    }

    /// What is sampled together: `responses` each to `prompts` prompts, none of them longer than these.
    package struct Sampling: Sendable, Equatable {
        package var prompts, responses: Int
        package var longestPrompt, maxNewTokens: Int

        package init(prompts: Int, responses: Int, longestPrompt: Int, maxNewTokens: Int) {
            (self.prompts, self.responses, self.longestPrompt, self.maxNewTokens) = (prompts, responses, longestPrompt, maxNewTokens)
        }
    }

    /// Of sampling: the caches of keys and values, and the larger of a step's memory with the next prompts' pass.
    ///
    /// Prompts are counted as long as responses to them are under way, where all responses are of one length.
    package static func sampling(
        _ configuration: TransformerConfiguration, adapter: AdapterConfiguration?, _ sampling: Sampling,
        maxRows: Int = SamplingSettings.usualMaxRows
    ) -> Int {
        guard sampling.prompts > 0, sampling.responses > 0 else { return 0 }
        let w = PassWidths(configuration, adapter: adapter)
        // The prompts that fill the last free row may have more responses than that.
        let responses = min(sampling.prompts * sampling.responses, maxRows - 1 + sampling.responses)
        let prompts = min(sampling.prompts, (responses - 1) / sampling.responses + 2)
        let capacity = KeyValueCache.capacity(holding: sampling.maxNewTokens, first: KeyValueCache.firstCapacity(sampling.maxNewTokens))
        let positions = responses * capacity + prompts * sampling.longestPrompt
        let caches = 8 * configuration.layerCount * w.key * positions
        let readRows = min(sampling.prompts * sampling.longestPrompt, Sampler.promptRows - 1 + sampling.longestPrompt)
        let rows = min(maxRows, responses)
        let pass = 4 * (w.layer + w.scratch) * (readRows + maxRows) + w.inputs(rows: max(readRows, rows))
        return caches + pass + 4 * (min(maxRows, OutputHead.blockRows) + 1) * configuration.vocabularySize
    }
}
