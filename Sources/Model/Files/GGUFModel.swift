internal import Tensor

/// A model in a GGUF file, seen through Hugging Face's names and order of rows.
struct GGUFModel: Sendable {
    let file: GGUFFile
    let configuration: TransformerConfiguration

    init(_ path: String) throws(ModelFileError) {
        file = try GGUFFile(path)
        let fields = GGUFFields(file)
        if let count = try fields.optionalInteger("split.count"), count > 1 {
            throw .unsupported(
                path: path, field: "split.count", supported: "one file; join the parts with llama.cpp's llama-gguf-split --merge",
                found: "\(count), so the model lies in as many files")
        }
        configuration = try Self.configuration(fields)
        let expected = configuration.tensorShapes
        for (name, shape) in expected {
            let stored = Self.storedName(of: name)
            guard let tensor = file.tensors[stored] else {
                throw .missing(path: path, field: "tensor \(stored)", advice: "the file does not hold the model that its metadata describe")
            }
            guard tensor.shape == shape else { throw .shape(path: path, tensor: stored, expected: shape, found: tensor.shape) }
        }
        var known = Set(expected.map { Self.storedName(of: $0.name) })
        // llama.cpp reads them for llama only.
        if configuration.modelType == "llama" { known.insert(GGUFRotary.divisorsName) }
        if let stranger = file.tensors.keys.sorted().first(where: { !known.contains($0) }) {
            throw .unsupported(
                path: path, field: "tensor \(stranger)", supported: "the plain parts of architecture \(configuration.modelType)",
                found: "an extra part of the model")
        }
    }

    private static func configuration(_ fields: GGUFFields) throws(ModelFileError) -> TransformerConfiguration {
        let architecture = try fields.string("general.architecture")
        guard architecture == "llama" || architecture == "qwen2" else {
            throw .unsupported(
                path: fields.file.path, field: "general.architecture", supported: "llama, qwen2", found: "\"\(architecture)\"")
        }
        try fields.checkKeys()
        let prefix = architecture + "."
        let headCount = try fields.integer(prefix + "attention.head_count")
        let hiddenSize = try fields.integer(prefix + "embedding_length")
        guard headCount > 0, hiddenSize > 0 else {
            throw .malformed(
                path: fields.file.path, field: prefix + "attention.head_count", expected: "at least 1, as \(prefix)embedding_length",
                found: "\(headCount), with \(hiddenSize)")
        }
        let keyLength = try fields.optionalInteger(prefix + "attention.key_length")
        let headSize = keyLength ?? hiddenSize / headCount
        for key in ["rope.dimension_count", "attention.value_length"] {
            if let value = try fields.optionalInteger(prefix + key), value != headSize {
                throw .unsupported(path: fields.file.path, field: prefix + key, supported: "\(headSize)", found: "\(value)")
            }
        }
        guard let embedding = fields.file.tensors["token_embd.weight"] else {
            throw .missing(path: fields.file.path, field: "tensor token_embd.weight", advice: "the file holds no language model")
        }
        let vocabulary = try fields.optionalInteger(prefix + "vocab_size") ?? embedding.rowCount
        let tensors = fields.file.tensors
        var endTokens: [Int32] = []
        for key in ["eos", "eot", "eom"].map({ "tokenizer.ggml.\($0)_token_id" }) {
            if let token = try fields.optionalToken(key), !endTokens.contains(token) { endTokens.append(token) }
        }
        let keyValueHeads = try fields.optionalInteger(prefix + "attention.head_count_kv")
        let configuration = TransformerConfiguration(
            hiddenSize: hiddenSize,
            intermediateSize: try fields.integer(prefix + "feed_forward_length"),
            layerCount: try fields.integer(prefix + "block_count"),
            headCount: headCount,
            keyValueHeadCount: keyValueHeads ?? headCount,
            headSize: headSize,
            vocabularySize: vocabulary,
            contextLength: try fields.integer(prefix + "context_length"),
            normEpsilon: Float(try fields.number(prefix + "attention.layer_norm_rms_epsilon")),
            rope: try GGUFRotary.read(fields, prefix: prefix, headSize: headSize),
            tiedEmbeddings: tensors["output.weight"] == nil,
            queryKeyValueBias: tensors["blk.0.attn_q.bias"] != nil,
            outputBias: tensors["blk.0.attn_output.bias"] != nil,
            mlpBias: tensors["blk.0.ffn_gate.bias"] != nil,
            beginToken: try fields.optionalToken("tokenizer.ggml.bos_token_id"),
            endTokens: endTokens,
            modelType: architecture)
        if let problem = configuration.problems().first {
            throw .malformed(path: fields.file.path, field: "the metadata", expected: "consistent sizes", found: "inconsistent: \(problem)")
        }
        return configuration
    }

    /// llama.cpp's name of a tensor that Hugging Face calls `name`.
    static func storedName(of name: String) -> String {
        switch name {
        case "model.embed_tokens.weight": return "token_embd.weight"
        case "model.norm.weight": return "output_norm.weight"
        case "lm_head.weight": return "output.weight"
        default: break
        }
        let parts = name.split(separator: ".")
        guard parts.count >= 5, parts[0] == "model", parts[1] == "layers", let last = parts.last else { return name }
        let renamed = [
            "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "q_proj": "attn_q", "k_proj": "attn_k",
            "v_proj": "attn_v", "o_proj": "attn_output", "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down",
        ]
        guard let module = renamed[String(parts[parts.count - 2])] else { return name }
        return "blk.\(parts[2]).\(module).\(last)"
    }
}

extension TransformerConfiguration {
    /// The row (or, in a bias, the element) of a GGUF file that is row `row` of Hugging Face's matrix.
    ///
    /// For Llama, llama.cpp stores the rows of q_proj and k_proj so that the two of a rotary pair are neighbours; Hugging
    /// Face keeps the pairs half a head apart.
    func storedRow(_ row: Int, of name: String) -> Int {
        guard modelType == "llama", name.contains(".q_proj.") || name.contains(".k_proj.") else { return row }
        let (head, place) = row.quotientAndRemainder(dividingBy: headSize)
        let (half, pair) = place.quotientAndRemainder(dividingBy: headSize / 2)
        return head * headSize + 2 * pair + half
    }
}

extension GGUFModel: WeightSource {
    var names: [String] { configuration.tensorShapes.map(\.name) }
    var paths: [String] { [file.path] }
    func storedType(of name: String) -> String? { file.tensors[Self.storedName(of: name)].map { "\($0.format)".uppercased() } }

    func shape(of name: String) -> [Int]? { file.tensors[Self.storedName(of: name)]?.shape }

    func readRows(of name: String, _ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>) throws(ModelFileError) {
        let stored = Self.storedName(of: name)
        guard let tensor = file.tensors[stored], let width = tensor.shape.last else {
            throw .missing(path: file.path, field: "tensor \(stored)", advice: "the weights do not fit the configuration")
        }
        if tensor.shape.count == 1 {
            guard !rows.isEmpty else { return }
            let values = [Float](unsafeUninitializedCapacity: width) { buffer, count in
                if let base = buffer.baseAddress { file.readRow(0, of: tensor, into: base) }
                count = width
            }
            for index in 0..<width { destination[index] = values[configuration.storedRow(index, of: name)] }
        } else {
            for (index, row) in rows.enumerated() {
                file.readRow(configuration.storedRow(row, of: name), of: tensor, into: destination + index * width)
            }
        }
        if let index = firstNotFinite(destination, count: rows.count * width) {
            throw .notFinite(path: file.path, tensor: stored, row: rows.lowerBound + index / width)
        }
    }

    func codeFormat(of name: String) -> CodeFormat? {
        guard let tensor = file.tensors[Self.storedName(of: name)], tensor.shape.count > 1 else { return nil }
        return tensor.format.codeFormat
    }

    func readCodes(of name: String, _ rows: Range<Int>, into destination: CodeRows) throws(ModelFileError) {
        let stored = Self.storedName(of: name), groups = destination.width / destination.format.group
        guard let tensor = file.tensors[stored] else {
            throw .missing(path: file.path, field: "tensor \(stored)", advice: "the weights do not fit the configuration")
        }
        for (index, row) in rows.enumerated() {
            file.readCodes(
                configuration.storedRow(row, of: name), of: tensor, codes: destination.codes + index * destination.width,
                scales: destination.scales + index * groups, offsets: destination.offsets + index * groups)
            if firstNotFinite(destination.scales + index * groups, count: groups) ?? firstNotFinite(destination.offsets + index * groups, count: groups) != nil {
                throw .notFinite(path: file.path, tensor: stored, row: row)
            }
        }
    }
}

/// Typed access to metadata; every error names the file and the key.
///
/// Only keys that `KeyTable.gguf` calls honoured may be asked for.
struct GGUFFields {
    let file: GGUFFile
    /// Nil when it is none of those that are supported.
    private let architecture: String?

    init(_ file: GGUFFile) {
        self.file = file
        let names = ["llama", "qwen2"]
        architecture = names.first { file.metadata["general.architecture"] == .string(ByteString($0)) }
    }

    /// Throws for the first key that the table does not let pass.
    func checkKeys() throws(ModelFileError) {
        for (key, value) in file.metadata.sorted(by: { $0.key < $1.key }) {
            let name = KeyTable.ggufName(of: key, architecture: architecture)
            // The long arrays are among the honoured ones, and need not be copied.
            guard !KeyTable.gguf.isHonoured(name) else { continue }
            try KeyTable.gguf.check(name, value.asJSON, path: file.path, field: key)
        }
    }

    private subscript(key: String) -> GGUFValue? {
        let name = KeyTable.ggufName(of: key, architecture: architecture)
        precondition(KeyTable.gguf.isHonoured(name), "\(key) is read, but not honoured in the table of keys")
        return file.metadata[key]
    }

    private func mismatch(_ key: String, _ expected: String, _ value: GGUFValue) -> ModelFileError {
        .malformed(path: file.path, field: key, expected: expected, found: value.summary)
    }

    private func required<Value>(_ key: String, _ value: Value?) throws(ModelFileError) -> Value {
        guard let value else {
            throw .missing(path: file.path, field: key, advice: "the file's metadata are incomplete; convert the model again")
        }
        return value
    }

    func optionalInteger(_ key: String) throws(ModelFileError) -> Int? {
        guard let value = self[key] else { return nil }
        guard case .integer(let integer) = value else { throw mismatch(key, "an integer", value) }
        return integer
    }

    func integer(_ key: String) throws(ModelFileError) -> Int { try required(key, optionalInteger(key)) }

    func optionalToken(_ key: String) throws(ModelFileError) -> Int32? {
        guard let integer = try optionalInteger(key) else { return nil }
        guard let token = Int32(exactly: integer) else { throw mismatch(key, "a token id", .integer(integer)) }
        return token
    }

    func optionalNumber(_ key: String) throws(ModelFileError) -> Double? {
        switch self[key] {
        case nil: return nil
        case .number(let number): return number
        case .integer(let integer): return Double(integer)
        case let value?: throw mismatch(key, "a number", value)
        }
    }

    func number(_ key: String) throws(ModelFileError) -> Double { try required(key, optionalNumber(key)) }

    func optionalString(_ key: String) throws(ModelFileError) -> String? {
        guard let value = self[key] else { return nil }
        guard case .string(let string) = value else { throw mismatch(key, "a string", value) }
        return string.text
    }

    func string(_ key: String) throws(ModelFileError) -> String { try required(key, optionalString(key)) }

    func optionalBoolean(_ key: String) throws(ModelFileError) -> Bool? {
        guard let value = self[key] else { return nil }
        guard case .boolean(let boolean) = value else { throw mismatch(key, "true or false", value) }
        return boolean
    }

    func optionalStrings(_ key: String) throws(ModelFileError) -> ByteStrings? {
        guard let value = self[key] else { return nil }
        guard case .strings(let strings) = value else { throw mismatch(key, "an array of strings", value) }
        return strings
    }

    func strings(_ key: String) throws(ModelFileError) -> ByteStrings { try required(key, optionalStrings(key)) }

    func numbers(_ key: String) throws(ModelFileError) -> [Float] {
        let value = try required(key, self[key])
        guard case .array(let elements) = value else { throw mismatch(key, "an array of numbers", value) }
        var numbers: [Float] = []
        numbers.reserveCapacity(elements.count)
        for element in elements {
            switch element {
            case .number(let number): numbers.append(Float(number))
            case .integer(let integer): numbers.append(Float(integer))
            default: throw mismatch(key, "an array of numbers", element)
            }
        }
        return numbers
    }

    func optionalIntegers(_ key: String) throws(ModelFileError) -> [Int]? {
        guard let value = self[key] else { return nil }
        guard case .array(let elements) = value else { throw mismatch(key, "an array of integers", value) }
        var integers: [Int] = []
        for element in elements {
            guard case .integer(let integer) = element else { throw mismatch(key, "an array of integers", element) }
            integers.append(integer)
        }
        return integers
    }
}
