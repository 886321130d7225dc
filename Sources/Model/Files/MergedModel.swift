package import Tensor

/// A model with an adapter added to its weights, to be written as a folder in Hugging Face's layout.
///
/// Adapted matrices are W + s · B A in single precision (`LowRankUpdate`), rounded once to the type that they are stored in. A folder's
/// files keep their names, its tensors their order, and what is not adapted its bytes; a GGUF file's weights are dequantised and rounded
/// to bfloat16. Weights pass through in blocks of rows.
package struct MergedModel {
    private let files: ModelFiles
    private let updates: [String: LowRankUpdate]
    private let parallel: Parallel
    /// Asked before each block; where it says yes, writing ends with an error.
    private let shouldStop: () -> Bool

    /// Numbers of a block: 32 MB of them.
    private static let blockCount = 8 << 20

    /// - Parameter adapter: read for this model (`AdapterFolder.read`); nil: the model as it is.
    package init(
        _ files: ModelFiles, adapter: (configuration: AdapterConfiguration, matrices: [AdapterPlace: AdapterMatrices])?,
        parallel: Parallel, shouldStop: @escaping () -> Bool = { false }
    ) {
        var updates: [String: LowRankUpdate] = [:]
        for (place, strength) in adapter?.configuration.places(layerCount: files.configuration.layerCount) ?? [] {
            guard let matrices = adapter?.matrices[place] else { preconditionFailure("the adapter has no matrices for \(place.path)") }
            let scaling = adapter?.configuration.scaling(of: strength) ?? 1
            updates["\(place.path).weight"] = LowRankUpdate(matrices, rank: strength.rank, scaling: scaling)
        }
        (self.files, self.updates, self.parallel, self.shouldStop) = (files, updates, parallel, shouldStop)
    }

    /// Writes the model into the folder `path`.
    ///
    /// Throws when the disk refuses, when a merged weight is too large for the type it is stored in, and where config.json has no words for
    /// the model of a GGUF file.
    package func write(_ path: String) throws(ModelFileError) {
        if MappedFile.isFolder(files.path) { try writeFolder(path) } else { try writeDequantised(path) }
    }

    // MARK: A folder

    private func writeFolder(_ path: String) throws(ModelFileError) {
        try SideFile.makeFolder(path)
        try ModelFolder.copyCompanions(from: files.path, to: path)
        // Not files.weights, which leaves out an output matrix that is the embedding again.
        let checkpoint = try SafetensorsCheckpoint(folder: files.path)
        let names = checkpoint.files.map { $0.path.split(separator: "/").last.map(String.init) ?? SafetensorsCheckpoint.fileName }
        if names != [SafetensorsCheckpoint.fileName] {
            let index = SafetensorsCheckpoint.indexName
            try SideFile.copy("\(files.path)/\(index)", to: "\(path)/\(index)")
        }
        for (name, source) in zip(names, checkpoint.files) {
            try SafetensorsWriter.write(
                source.entries.map { ($0.name, $0.shape, $0.type) }, metadata: source.metadata, to: "\(path)/\(name)"
            ) { (index, file) throws(ModelFileError) in
                let entry = source.entries[index]
                if updates[entry.name] == nil {
                    try checkStop(file)
                    source.withBytes(of: entry.name) { file.write($0) }
                } else {
                    try write(entry.name, shape: entry.shape, as: entry.type, from: source, path: source.path, to: file)
                }
            }
        }
    }

    // MARK: A GGUF file

    private func writeDequantised(_ path: String) throws(ModelFileError) {
        let shapes = files.configuration.tensorShapes
        // Without one, whoever loads the folder could read no text.
        let tokenizer = try files.requireTokenizer()
        try files.configuration.requireWritable(path: files.path)
        try ModelFolder.write(
            path, configuration: files.configuration, shapes: shapes, tokenizerJSON: nil, tokenizer: tokenizer,
            chatTemplate: files.writtenTemplate.text
        ) { (index, file) throws(ModelFileError) in
            let (name, shape) = shapes[index]
            try write(name, shape: shape, as: .bfloat16, from: files.weights, path: files.path, to: file)
        }
    }

    // MARK: Both

    private func checkStop(_ file: SideFile) throws(ModelFileError) {
        if shouldStop() { throw .unwritable(path: file.path, reason: "it was stopped") }
    }

    /// Writes a tensor block by block, with what the adapter adds to it. A vector is one row.
    private func write(
        _ name: String, shape: [Int], as type: SafetensorsFile.ElementType, from source: any WeightSource, path: String, to file: SideFile
    ) throws(ModelFileError) {
        let rows = shape.count > 1 ? shape[0] : 1, width = shape.last ?? 1
        guard rows > 0, width > 0 else { return }
        let blockRows = min(rows, max(1, Self.blockCount / width)), block = FloatTensor(unwritten: blockRows, width)
        for start in stride(from: 0, to: rows, by: blockRows) {
            try checkStop(file)
            let range = start..<min(rows, start + blockRows), count = range.count * width
            try source.readRows(of: name, range, into: block.base)
            updates[name]?.add(toRows: range, at: block.base, parallel: parallel)
            if let index = Self.firstTooLarge(block.base, count: count, for: type) {
                throw .malformed(
                    path: path, field: "tensor \(name) with the adapter",
                    expected: "numbers that \(type.rawValue) holds in every row; export the adapter by itself",
                    found: "\(block.base[index]) in row \(start + index / width)")
            }
            put(block.base, count: count, as: type, to: file)
        }
    }

    /// The index of the first number that is not finite, or becomes an infinity where it is rounded.
    private static func firstTooLarge(
        _ values: UnsafePointer<Float>, count: Int, for type: SafetensorsFile.ElementType
    ) -> Int? {
        let bound: Float =
            switch type {
            case .bfloat16: 0x1.FFp127
            case .float16: 65520
            default: .infinity
            }
        // A NaN is not below anything; no branch within, so the loop is vectorised.
        var isSmall = true
        for i in 0..<count { isSmall = (values[i].magnitude < bound) && isSmall }
        return isSmall ? nil : (0..<count).first { !(values[$0].magnitude < bound) }
    }

    private func put(_ values: UnsafeMutablePointer<Float>, count: Int, as type: SafetensorsFile.ElementType, to file: SideFile) {
        guard type != .float32 else { return file.write(UnsafeRawBufferPointer(start: values, count: 4 * count)) }
        let bits = UnsafeMutablePointer<UInt16>.allocate(capacity: count)
        defer { bits.deallocate() }
        if type == .bfloat16 {
            Kernel.roundToBFloat16(values, count: count, into: bits)
        } else {
            // No other type is read as weights.
            for i in 0..<count { bits[i] = UInt16(float16Bits: values[i]) }
        }
        file.write(UnsafeRawBufferPointer(start: bits, count: 2 * count))
    }
}
