package import Tensor

/// The frozen weights that every policy, reference and reward model of a process shares.
package final class BaseModel: @unchecked Sendable {
    package let configuration: TransformerConfiguration
    package let precision: Precision
    /// Of the keys and values that attention reads: see `UnloadedModel`.
    package let keyPrecision: Precision
    /// Whether transposed weights are there too, so that a policy on this base can be trained.
    package let gradients: Bool
    /// What the weights were read from, for those who need exact values again.
    package let source: any WeightSource
    let weights: ModelWeights
    /// Why the cache was not used as it should have been, in a sentence; nil: it was, or there is none.
    package let cacheNote: String?

    /// Packs all weights, or maps what the cache has of them. Throws when a tensor is missing, has another shape than the configuration implies, or
    /// holds a value that is not finite.
    package convenience init(
        _ files: ModelFiles, precision: Precision, gradients: Bool, parallel: Parallel, quantised: QuantisedWeights = .blocks,
        cache: PackedCache? = nil
    ) throws(ModelFileError) {
        try self.init(
            UnloadedModel(files, precision: precision, parallel: parallel, quantised: quantised), gradients: gradients, cache: cache)
    }

    /// A model that has learned nothing: see `RandomWeights`.
    package convenience init(
        randomly configuration: TransformerConfiguration, seed: UInt64, precision: Precision, gradients: Bool,
        parallel: Parallel
    ) throws(ModelFileError) {
        try self.init(UnloadedModel(randomly: configuration, seed: seed, precision: precision, parallel: parallel), gradients: gradients)
    }

    /// Reads what was opened.
    package init(_ model: UnloadedModel, gradients: Bool, cache: PackedCache? = nil) throws(ModelFileError) {
        let packing = model.packing
        (configuration, precision, source) = (packing.configuration, packing.precision, packing.source)
        keyPrecision = model.keyPrecision
        self.gradients = gradients
        let parts: [WeightPart] = gradients ? [.forward, .transposed] : [.forward]
        if let cache {
            (weights, cacheNote) = try cache.weights(parts, packing)
        } else {
            (weights, cacheNote) = (try packing.weights(parts), nil)
        }
    }
}

/// How a model's weights become packed ones.
struct Packing: Sendable {
    let configuration: TransformerConfiguration
    let source: any WeightSource
    let precision: Precision
    let slots: [(slot: WeightSlot, shape: [Int])]
    let quantised: QuantisedWeights
    let forms: WeightForms
    let parallel: Parallel

    init(
        _ configuration: TransformerConfiguration, source: any WeightSource, precision: Precision,
        slots: [(slot: WeightSlot, shape: [Int])], quantised: QuantisedWeights, parallel: Parallel
    ) {
        self.configuration = configuration
        self.source = source
        self.precision = precision
        self.slots = slots
        self.quantised = quantised
        forms = WeightForms(precision, of: source, slots: slots, quantised: quantised)
        self.parallel = parallel
    }

    func byteCount(_ part: WeightPart) -> Int { part.byteCount(of: configuration, forms: forms) }

    /// In memory of this process. Throws where the system gives none.
    func weights(_ parts: [WeightPart]) throws(ModelFileError) -> ModelWeights {
        var arenas: [WeightPart: MemoryArena] = [:]
        for part in parts {
            let size = byteCount(part)
            guard let arena = MemoryArena(byteCount: size) else { throw .noMemory(part: part.rawValue, byteCount: size) }
            arenas[part] = arena
        }
        return try weights(in: arenas, packing: Set(parts))
    }

    /// In these arenas, of which those of `parts` are zeroed memory that is to be packed into.
    func weights(in arenas: [WeightPart: MemoryArena], packing parts: Set<WeightPart>) throws(ModelFileError) -> ModelWeights {
        let weights = ModelWeights(configuration, forms: forms, in: arenas)
        if parts.isEmpty { return weights }
        let failures = Failures(count: slots.count)
        parallel.forEach(slots.count) { range in
            for index in range {
                let (slot, shape) = slots[index]
                do throws(ModelFileError) {
                    try load(slot, shape: shape, into: weights, parts)
                } catch {
                    failures.note(error, at: index)
                }
            }
        }
        if let first = failures.first { throw first }
        return weights
    }

    /// Reads a tensor by blocks of rows, so that the model never lies in memory twice.
    private func load(
        _ slot: WeightSlot, shape: [Int], into weights: ModelWeights, _ parts: Set<WeightPart>
    ) throws(ModelFileError) {
        let rows = shape.count > 1 ? shape[0] : 1, width = shape.last ?? 1
        let blockRows = max(2, (1 << 18) / width & ~1)
        if case .codes(let format) = forms[slot] {
            let block = CodeRows(min(blockRows, rows), width: width, format: format)
            for start in stride(from: 0, to: rows, by: blockRows) {
                let range = start..<min(start + blockRows, rows)
                try source.readCodes(of: slot.name, range, into: block)
                weights.pack(slot, rows: range, from: block, into: parts)
            }
            // Tied embeddings are a table of numbers too.
            guard slot == .embedding, parts.contains(.forward) else { return }
        }
        let block = FloatTensor(min(blockRows, rows), width)
        var start = 0
        while start < rows {
            let range = start..<min(start + blockRows, rows)
            try source.readRows(of: slot.name, range, into: block.base)
            weights.pack(slot, rows: range, from: block.base, into: parts)
            start = range.upperBound
        }
    }

    /// The first error, by tensor and not by time, of a load on several threads; every index is written by one thread.
    private final class Failures: @unchecked Sendable {
        private let errors: UnsafeMutableBufferPointer<ModelFileError?>

        init(count: Int) {
            errors = .allocate(capacity: count)
            errors.initialize(repeating: nil)
        }

        deinit {
            errors.deinitialize()
            errors.deallocate()
        }

        func note(_ error: ModelFileError, at index: Int) { errors[index] = error }
        var first: ModelFileError? { errors.lazy.compactMap { $0 }.first }
    }
}
