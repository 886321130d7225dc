package import Tensor

/// The frozen weights that every policy, reference and reward model of a process shares.
package final class BaseModel: @unchecked Sendable {
    package let configuration: TransformerConfiguration
    package let precision: Precision
    /// Whether transposed weights are there too, so that a policy on this base can be trained.
    package let gradients: Bool
    /// What the weights were read from, for those who need exact values again.
    package let source: any WeightSource
    let weights: ModelWeights

    /// Reads and packs all weights. Throws when a tensor is missing, has another shape than the configuration implies, or
    /// holds a value that is not finite.
    package convenience init(
        _ files: ModelFiles, precision: Precision, gradients: Bool, parallel: Parallel
    ) throws(ModelFileError) {
        try self.init(
            files.configuration, source: files.weights, path: files.path, precision: precision, gradients: gradients,
            parallel: parallel)
    }

    /// A model that has learned nothing: see `RandomWeights`.
    package convenience init(
        randomly configuration: TransformerConfiguration, seed: UInt64, precision: Precision, gradients: Bool,
        parallel: Parallel
    ) throws(ModelFileError) {
        try self.init(
            configuration, source: RandomWeights(configuration, seed: seed), path: "a randomly initialised model",
            precision: precision, gradients: gradients, parallel: parallel)
    }

    init(
        _ configuration: TransformerConfiguration, source: any WeightSource, path: String, precision: Precision,
        gradients: Bool, parallel: Parallel
    ) throws(ModelFileError) {
        self.configuration = configuration
        self.precision = precision
        self.gradients = gradients
        self.source = source
        let slots = WeightSlot.all(of: configuration)
        for (slot, shape) in slots {
            guard let found = source.shape(of: slot.name) else {
                throw .missing(path: path, field: "tensor \(slot.name)", advice: "config.json does not describe this file")
            }
            if found != shape { throw .shape(path: path, tensor: slot.name, expected: shape, found: found) }
        }
        let weights = ModelWeights(configuration, precision: precision, gradients: gradients)
        self.weights = weights
        let failures = Failures(count: slots.count)
        parallel.forEach(slots.count) { range in
            for index in range {
                let (slot, shape) = slots[index]
                do throws(ModelFileError) {
                    try Self.load(slot, shape: shape, from: source, into: weights)
                } catch {
                    failures.note(error, at: index)
                }
            }
        }
        if let first = failures.first { throw first }
    }

    /// Reads a tensor by blocks of rows, so that the model never lies in memory twice.
    private static func load(
        _ slot: WeightSlot, shape: [Int], from source: any WeightSource, into weights: ModelWeights
    ) throws(ModelFileError) {
        let rows = shape.count > 1 ? shape[0] : 1, width = shape.last ?? 1
        let blockRows = max(2, (1 << 18) / width & ~1)
        let block = FloatTensor(min(blockRows, rows), width)
        var start = 0
        while start < rows {
            let range = start..<min(start + blockRows, rows)
            try source.readRows(of: slot.name, range, into: block.base)
            weights.pack(slot, rows: range, from: block.base)
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
