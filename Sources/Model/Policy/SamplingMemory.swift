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

    /// Of a pass that records nothing and is scored.
    package static func scoring(
        _ configuration: TransformerConfiguration, forms: WeightForms, adapter: AdapterConfiguration?, rows: Int, states: Int
    ) -> Int {
        let w = PassWidths(configuration, forms: forms, adapter: adapter)
        let head = min(OutputHead.blockRows, states) * configuration.vocabularySize
        return 4 * (rows * (w.layer + w.scratch) + states * (w.hidden + 5) + head) + rows * w.inputBytes
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
        _ configuration: TransformerConfiguration, forms: WeightForms, adapter: AdapterConfiguration?, _ sampling: Sampling,
        keyPrecision: Precision = .fp32, maxRows: Int = SamplingSettings.usualMaxRows
    ) -> Int {
        guard sampling.prompts > 0, sampling.responses > 0 else { return 0 }
        let w = PassWidths(configuration, forms: forms, adapter: adapter)
        // The prompts that fill the last free row may have more responses than that.
        let responses = min(sampling.prompts * sampling.responses, maxRows - 1 + sampling.responses)
        let prompts = min(sampling.prompts, (responses - 1) / sampling.responses + 2)
        let capacity = KeyValueCache.capacity(
            holding: KeyBlocks.length - 1 + sampling.maxNewTokens, first: KeyValueCache.firstCapacity(sampling.maxNewTokens))
        let positions = responses * capacity + prompts * KeyValueCache.wholeBlocks(sampling.longestPrompt)
        let bytes = KeyValueCache.bytes(configuration, keyPrecision, positions: positions), caches = bytes.keys + bytes.values
        let readRows = min(sampling.prompts * sampling.longestPrompt, Sampler.promptRows - 1 + sampling.longestPrompt)
        let rows = min(maxRows, responses)
        let pass = 4 * (w.layer + w.scratch) * (readRows + maxRows) + max(readRows, rows) * w.inputBytes
        return caches + pass + 4 * (min(maxRows, OutputHead.blockRows) + 1) * configuration.vocabularySize
    }
}

/// How many numbers a row of a pass has in the memory of its layers.
struct PassWidths {
    let hidden: Int
    /// Of `LayerActivations` that keep neither gate nor up, in place.
    let layer: Int
    /// Of `LayerScratch`.
    let scratch: Int
    /// Bytes of a product's inputs.
    let inputBytes: Int

    init(_ c: TransformerConfiguration, forms: WeightForms, adapter: AdapterConfiguration?) {
        let ranks = adapter?.maximumRanks(layerCount: c.layerCount) ?? []
        hidden = c.hiddenSize
        layer = hidden + 2 + 2 * c.headCount * c.headSize + 2 * c.keyValueHeadCount * c.headSize + c.headCount + ranks.reduce(0, +)
        scratch = hidden + 3 * c.intermediateSize
        inputBytes = forms.inputBytes(c, ranks: ranks).forward
    }
}
