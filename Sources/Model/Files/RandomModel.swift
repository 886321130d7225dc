package import Tensor

/// Models that have learned nothing, in the shapes of known ones, to measure with: written row by row, so that no memory has to hold them.
///
/// Matrices are uniform with a deviation of 0.02, a function of seed, tensor and row; norm gains are 1. The tokenizer has the 256 bytes, a
/// token that begins and one that ends a text.
package struct RandomModel: Sendable {
    package enum Shape: String, Sendable, CaseIterable {
        case tiny
        case smollm2 = "smollm2-135m"
        case llama1B = "llama-3.2-1b"
        case llama8B = "llama-3-8b"

        /// Of the published configurations; positions are rotated without scaling.
        var configuration: TransformerConfiguration {
            switch self {
            case .tiny: make(hidden: 64, intermediate: 96, layers: 2, heads: 4, keyValueHeads: 2, vocabulary: 320, context: 512, theta: 1e4, tied: true)
            case .smollm2:
                make(hidden: 576, intermediate: 1536, layers: 30, heads: 9, keyValueHeads: 3, vocabulary: 49152, context: 8192, theta: 1e5, tied: true)
            case .llama1B:
                make(hidden: 2048, intermediate: 8192, layers: 16, heads: 32, keyValueHeads: 8, vocabulary: 128_256, context: 131_072, theta: 5e5, tied: true)
            case .llama8B:
                make(hidden: 4096, intermediate: 14336, layers: 32, heads: 32, keyValueHeads: 8, vocabulary: 128_256, context: 8192, theta: 5e5, tied: false)
            }
        }

        private func make(
            hidden: Int, intermediate: Int, layers: Int, heads: Int, keyValueHeads: Int, vocabulary: Int, context: Int, theta: Double, tied: Bool
        ) -> TransformerConfiguration {
            TransformerConfiguration(
                hiddenSize: hidden, intermediateSize: intermediate, layerCount: layers, headCount: heads, keyValueHeadCount: keyValueHeads,
                headSize: hidden / heads, vocabularySize: vocabulary, contextLength: context, rope: RotaryConfiguration(theta: theta),
                tiedEmbeddings: tied, beginToken: beginToken, endTokens: [endToken])
        }

        private var beginToken: Int32 { 256 }
        private var endToken: Int32 { 257 }
    }

    /// How the matrices are stored: a folder in Hugging Face's layout, or a GGUF file.
    package enum Format: String, Sendable, CaseIterable {
        case bf16, q4_0
    }

    private let configuration: TransformerConfiguration
    private let seed: UInt64
    private let parallel: Parallel

    package init(_ shape: Shape, seed: UInt64, parallel: Parallel) {
        configuration = shape.configuration
        self.seed = seed
        self.parallel = parallel
    }

    package func write(_ format: Format, to path: String) throws(ModelFileError) {
        switch format {
        case .bf16: try writeFolder(path)
        case .q4_0: try writeGGUF(path)
        }
    }

    // MARK: Both forms

    /// Hands out the numbers of a tensor in blocks of whole rows, in their order. A vector is one row.
    private func forEachBlock(
        of index: Int, shape: [Int], _ body: (_ values: UnsafeBufferPointer<Float>, _ isLast: Bool) -> Void
    ) {
        let rows = shape.count > 1 ? shape[0] : 1, width = shape.last ?? 1, blockRows = min(rows, max(1, (8 << 20) / width))
        let block = FloatTensor(blockRows, width)
        for start in stride(from: 0, to: rows, by: blockRows) {
            let count = min(blockRows, rows - start)
            parallel.forEach(count) { range in
                for row in range {
                    let values = block.base + row * width
                    if shape.count == 1 { values.update(repeating: 1, count: width) } else { draw(index, start + row, into: values, width) }
                }
            }
            body(UnsafeBufferPointer(start: block.base, count: count * width), start + count == rows)
        }
    }

    /// Four numbers of each draw of 64 bits: RandomWeights' normal deviates would take a quarter of an hour for an 8B model.
    private func draw(_ tensor: Int, _ row: Int, into values: UnsafeMutablePointer<Float>, _ width: Int) {
        var random = RandomStream(seed: seed, purpose: .initialization, step: tensor, slot: row)
        let step = 0.02 * Float(3).squareRoot() / 32768
        for start in stride(from: 0, to: width, by: 4) {
            var bits = random.next()
            for k in start..<min(start + 4, width) {
                values[k] = (Float(bits & 0xFFFF) - 32767.5) * step
                bits >>= 16
            }
        }
    }

    /// The tokens in the order of their ids, as GPT-2's vocabularies spell them.
    private var tokens: [String] {
        let bytes = ByteAlphabet.scalars.map { String(Character($0)) }
        return bytes + ["<|begin|>", "<|end|>"] + (bytes.count + 2..<configuration.vocabularySize).map { "<|unused_\($0)|>" }
    }

    // MARK: bf16

    private func writeFolder(_ path: String) throws(ModelFileError) {
        let shapes = configuration.tensorShapes
        var table = TokenTable(capacity: configuration.vocabularySize)
        for (id, token) in tokens.enumerated() {
            let conflict = table.insert(ByteString(token), id: Int32(id))
            precondition(conflict == nil, "the token \(token) is there twice")
        }
        let special = [Int32(256), 257].map { id in
            Vocabulary.AddedToken(id: id, content: ByteString(tokens[Int(id)]), isSpecial: true, isNormalized: false)
        }
        let tokenizer = Tokenizer(
            Vocabulary(
                tokens: table, merges: MergeBuilder(table, capacity: 0, path: path).merges, addedTokens: special, normalization: [],
                preTokenizer: .gpt2, spelling: .bytes, decoding: .bytes))
        try ModelFolder.write(
            path, configuration: configuration, shapes: shapes.map { ($0.name, $0.shape) }, tokenizerJSON: nil, tokenizer: tokenizer,
            chatTemplate: nil
        ) { index, file in
            forEachBlock(of: index, shape: shapes[index].shape) { values, _ in
                let bits = [UInt16](unsafeUninitializedCapacity: values.count) { buffer, count in
                    if let from = values.baseAddress, let to = buffer.baseAddress {
                        Kernel.roundToBFloat16(from, count: values.count, into: to)
                    }
                    count = values.count
                }
                bits.withUnsafeBytes { file.write($0) }
            }
        }
    }

    // MARK: Q4_0

    private func writeGGUF(_ path: String) throws(ModelFileError) {
        let c = configuration, shapes = c.tensorShapes
        let tensors = shapes.map { name, shape in
            GGUFWriter.Tensor(name: GGUFModel.storedName(of: name), shape: shape, format: shape.count > 1 ? .q4_0 : .f32)
        }
        func count(_ value: Int) -> GGUFWriter.Value { .integer(UInt32(value)) }
        let tokens = tokens
        let metadata: [(name: String, value: GGUFWriter.Value)] = [
            ("general.architecture", .text("llama")), ("general.name", .text("random")), ("llama.context_length", count(c.contextLength)),
            ("llama.embedding_length", count(c.hiddenSize)), ("llama.block_count", count(c.layerCount)),
            ("llama.feed_forward_length", count(c.intermediateSize)), ("llama.rope.dimension_count", count(c.headSize)),
            ("llama.attention.head_count", count(c.headCount)), ("llama.attention.head_count_kv", count(c.keyValueHeadCount)),
            ("llama.attention.layer_norm_rms_epsilon", .number(c.normEpsilon)), ("llama.rope.freq_base", .number(Float(c.rope.theta))),
            ("llama.vocab_size", count(c.vocabularySize)), ("general.file_type", .integer(2)), ("tokenizer.ggml.model", .text("gpt2")),
            ("tokenizer.ggml.pre", .text("gpt-2")), ("tokenizer.ggml.tokens", .texts(tokens)),
            // 1: plain, 3: marks structure, 5: unused.
            ("tokenizer.ggml.token_type", .integers(tokens.indices.map { $0 < 256 ? 1 : $0 < 258 ? 3 : 5 })),
            ("tokenizer.ggml.merges", .texts([])), ("tokenizer.ggml.bos_token_id", .integer(256)),
            ("tokenizer.ggml.eos_token_id", .integer(257)), ("tokenizer.ggml.add_bos_token", .boolean(false)),
        ]
        var writer = try GGUFWriter(replacing: path, metadata: metadata, tensors: tensors)
        for (index, (_, shape)) in shapes.enumerated() {
            forEachBlock(of: index, shape: shape) { values, isLast in
                guard tensors[index].format == .q4_0 else { return writer.write(UnsafeRawBufferPointer(values), isLast: isLast) }
                let format = BlockFormat.q4_0, blocks = values.count / format.elementCount
                let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: blocks * format.byteCount, alignment: 16)
                defer { bytes.deallocate() }
                parallel.forEach(blocks, grain: 4096) { range in
                    guard let from = values.baseAddress, let to = bytes.baseAddress else { return }
                    for block in range { Self.quantise(from + block * 32, into: to + block * format.byteCount) }
                }
                writer.write(UnsafeRawBufferPointer(bytes), isLast: isLast)
            }
        }
        try writer.finish()
    }

    /// One block of Q4_0, as llama.cpp's reference makes it: the number of the largest magnitude becomes -8 times the scale.
    private static func quantise(_ x: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
        var largest: Float = 0
        for i in 0..<32 where x[i].magnitude > largest.magnitude { largest = x[i] }
        let scale = largest / -8, inverse = scale == 0 ? 0 : 1 / scale
        func code(_ value: Float) -> UInt8 { UInt8(min(15, max(0, value * inverse + 8.5))) }
        block.storeBytes(of: UInt16(float16Bits: scale).littleEndian, as: UInt16.self)
        for i in 0..<16 { block.storeBytes(of: code(x[i]) | code(x[i + 16]) << 4, toByteOffset: 2 + i, as: UInt8.self) }
    }
}
