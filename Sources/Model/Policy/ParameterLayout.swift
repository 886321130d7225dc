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
    /// The two matrices of one adapted linear map.
    package struct Adapter: Sendable, Equatable {
        package let place: AdapterPlace
        /// A [rank, inputs] and B [outputs, rank].
        package let a, b: Entry
    }

    package let entries: [Entry]
    /// For LoRA, the entries in pairs; empty for full weights.
    package let adapters: [Adapter]
    /// How many numbers there are.
    package let count: Int

    /// LoRA: by layer, then linear map, A [rank, inputs] before B [outputs, rank]. Full: `TransformerConfiguration.tensorShapes`.
    package init(_ trainable: Trainable, of model: TransformerConfiguration) {
        var entries: [Entry] = [], adapters: [Adapter] = [], offset = 0
        func append(_ name: String, _ shape: [Int]) -> Entry {
            let entry = Entry(name: name, shape: shape, offset: offset)
            entries.append(entry)
            offset += entry.count
            return entry
        }
        switch trainable {
        case .full: for (name, shape) in model.tensorShapes { _ = append(name, shape) }
        case .lora(let configuration):
            for (place, strength) in configuration.places(layerCount: model.layerCount) {
                let (outputs, inputs) = model.extents(of: place.kind)
                let a = append(place.names.a, [strength.rank, inputs])
                adapters.append(Adapter(place: place, a: a, b: append(place.names.b, [outputs, strength.rank])))
            }
        }
        self.entries = entries
        self.adapters = adapters
        count = offset
    }
}

/// What training changes.
package enum Trainable: Sendable, Equatable {
    /// Low-rank adapters beside frozen weights.
    case lora(AdapterConfiguration)
    /// Every weight: embedding, norms, linear maps, biases, and the output matrix where it is not the embedding.
    case full
}
