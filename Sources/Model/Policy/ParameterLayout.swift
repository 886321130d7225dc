/// The order of all trainable numbers in one flat block: what is trained, broadcast, clipped and saved.
package struct ParameterLayout: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        /// PEFT's name of an adapter matrix, or Hugging Face's of a weight.
        package let name: String
        package let shape: [Int]
        package let offset: Int
        package var count: Int { shape.reduce(1, *) }
        package var range: Range<Int> { offset..<offset + count }
    }
    package let entries: [Entry]
    /// How many numbers there are.
    package let count: Int

    init(_ tensors: [(name: String, shape: [Int])]) {
        var entries: [Entry] = [], offset = 0
        for (name, shape) in tensors {
            let entry = Entry(name: name, shape: shape, offset: offset)
            entries.append(entry)
            offset += entry.count
        }
        self.entries = entries
        count = offset
    }

    /// LoRA: by layer, then linear map, A [rank, inputs] before B [outputs, rank]. Full: `TransformerConfiguration.tensorShapes`.
    package init(_ trainable: Trainable, of model: TransformerConfiguration) {
        switch trainable {
        case .full: self.init(model.tensorShapes)
        case .lora(let adapter):
            var tensors: [(name: String, shape: [Int])] = []
            for layer in 0..<model.layerCount {
                for kind in adapter.targets {
                    let (outputs, inputs) = model.extents(of: kind)
                    let module = "base_model.model.model.layers.\(layer).\(kind.path)"
                    tensors.append((module + ".lora_A.weight", [adapter.rank, inputs]))
                    tensors.append((module + ".lora_B.weight", [outputs, adapter.rank]))
                }
            }
            self.init(tensors)
        }
    }
}

/// What training changes.
package enum Trainable: Sendable, Equatable {
    /// Low-rank adapters beside frozen weights, the same linear maps in every layer.
    case lora(AdapterConfiguration)
    /// Every weight: embedding, norms, linear maps, biases, and the output matrix where it is not the embedding.
    case full
}
