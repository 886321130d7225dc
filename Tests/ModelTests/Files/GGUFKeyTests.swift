import Foundation
import Tensor
import Testing

@testable import Model

/// A copy of the small GGUF file whose metadata and tensors a test changes; matrices become F32.
private struct GGUFCopy {
    var metadata: [String: GGUFValue]
    var tensors: [(name: String, shape: [Int], values: [Float])]

    init(_ path: String = "gguf/q4_1-tied-embd-q8_0/q4_1-tied-embd-q8_0.gguf") throws {
        let file = try GGUFFile(ownFixtures.appendingPathComponent(path).path)
        metadata = file.metadata
        tensors = file.tensors.values.sorted { $0.name < $1.name }.map { tensor in
            let width = tensor.shape.last ?? 0
            let values = (0..<tensor.rowCount).flatMap { row in
                [Float](unsafeUninitializedCapacity: width) { buffer, count in
                    if let base = buffer.baseAddress { file.readRow(row, of: tensor, into: base) }
                    count = width
                }
            }
            return (tensor.name, tensor.shape, values)
        }
    }

    var bytes: Data {
        var data = Data("GGUF".utf8)
        func append(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) } }
        func append(_ text: ByteString) {
            append(UInt64(text.bytes.count))
            data.append(contentsOf: text.bytes)
        }
        append(UInt32(3))
        append(UInt64(tensors.count))
        append(UInt64(metadata.count))
        func append(_ value: GGUFValue, type: Bool = true) {
            func begin(_ number: UInt32) { if type { append(number) } }
            switch value {
            case .integer(let integer):
                begin(11)
                append(Int64(integer))
            case .number(let number):
                begin(12)
                append(number.bitPattern)
            case .boolean(let boolean):
                begin(7)
                append(UInt8(boolean ? 1 : 0))
            case .string(let string):
                begin(8)
                append(string)
            case .array(let elements):
                begin(9)
                append(UInt32(11))
                append(UInt64(elements.count))
                for element in elements { append(element, type: false) }
            case .strings(let strings):
                begin(9)
                append(UInt32(8))
                append(UInt64(strings.count))
                for index in 0..<strings.count { append(strings[index]) }
            }
        }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            append(ByteString(key))
            append(value)
        }
        var content = Data()
        for tensor in tensors {
            append(ByteString(tensor.name))
            append(UInt32(tensor.shape.count))
            for extent in tensor.shape.reversed() { append(UInt64(extent)) }
            append(UInt32(0))
            append(UInt64(content.count))
            tensor.values.withUnsafeBytes { content.append(contentsOf: $0) }
            content.append(Data(count: -content.count & 31))
        }
        data.append(Data(count: -data.count & 31))
        return data + content
    }

    /// Opens it, and passes it on while its file is there.
    func open<Result>(_ body: (ModelFiles) throws -> Result) throws -> Result { try write { try body(ModelFiles.open($0)) } }

    func tokenizer() throws -> Tokenizer { try write { try Tokenizer(gguf: GGUFFields(GGUFFile($0))) } }

    private func write<Result>(_ body: (String) throws -> Result) throws -> Result {
        try withScratchFolder { folder in
            let path = folder.appendingPathComponent("model.gguf")
            try bytes.write(to: path)
            return try body(path.path)
        }
    }

    func rope() throws -> RotaryConfiguration { try open(\.configuration.rope) }

    func logits() throws -> [Float] {
        try open { files in
            let base = try BaseModel(files, precision: .fp32, gradients: false, parallel: .serial)
            return Policy(base: base, trainable: .full, parallel: .serial).logits([5, 6, 7, 8, 9, 10, 11, 12])
        }
    }
}

@Suite("Keys of GGUF files")
struct GGUFKeyTests {
    private static func with(_ changes: [String: GGUFValue], divisors: [Float]? = nil) throws -> GGUFCopy {
        var copy = try GGUFCopy()
        for (key, value) in changes { copy.metadata["llama." + key] = value }
        if let divisors { copy.tensors.append(("rope_freqs.weight", [divisors.count], divisors)) }
        return copy
    }

    @Test("eos, eot and eom end a response, each once")
    func ends() throws {
        var copy = try GGUFCopy()
        for key in ["eos", "eot", "eom"] { copy.metadata["tokenizer.ggml.\(key)_token_id"] = nil }
        #expect(try copy.open { $0.configuration.endTokens } == [])
        copy.metadata["tokenizer.ggml.eom_token_id"] = .integer(9)
        #expect(try copy.open { $0.configuration.endTokens } == [9])
        copy.metadata["tokenizer.ggml.eot_token_id"] = .integer(8)
        copy.metadata["tokenizer.ggml.eos_token_id"] = .integer(9)
        #expect(try copy.open { $0.configuration.endTokens } == [9, 8])
        let stops = try copy.open { files in
            let base = try BaseModel(files, precision: .fp32, gradients: false, parallel: .serial)
            return Policy(base: base, trainable: .full, parallel: .serial).stopTokens
        }
        #expect(stops == StopTokens([8, 9]))
    }

    @Test("every key is read if it is honoured, passed over if harmless, and named if refused")
    func keys() throws {
        // Those of the other kind of tokenizer.
        let ofKindLlama = ["tokenizer.ggml.scores", "tokenizer.ggml.add_space_prefix", "tokenizer.ggml.unknown_token_id"]
        for key in ofKindLlama {
            var copy = try GGUFCopy("tokenizer/tiny-spm/vocab.gguf")
            _ = try copy.tokenizer()
            copy.metadata[key] = .array([.integer(1), .integer(2)])
            let error = #expect(throws: ModelFileError.self, "\(key)") { try copy.tokenizer() }
            #expect(error?.description.contains(key) == true, "\(key): \(String(describing: error))")
        }
        for entry in KeyTable.gguf.entries where !ofKindLlama.contains(entry.key) {
            let key = entry.key.replacingOccurrences(of: "*", with: "x").replacingOccurrences(of: "{arch}", with: "llama")
            var copy = try GGUFCopy()
            copy.metadata[key] = .array([.integer(1), .integer(2)])
            if key == "llama.rope.scale_linear" { copy.metadata["llama.rope.scaling.factor"] = nil }
            if entry.treatment == .harmless {
                try copy.open { _ in }
            } else {
                let error = #expect(throws: ModelFileError.self, "\(key)") { try copy.open { _ in } }
                #expect(error?.description.contains(key) == true, "\(key): \(String(describing: error))")
            }
            guard case .refused(let neutral, _) = entry.treatment else { continue }
            for value in neutral {
                switch value {
                case .integer(let integer): copy.metadata[key] = .number(Double(integer))
                case .boolean(let boolean): copy.metadata[key] = .boolean(boolean)
                case .string(let string): copy.metadata[key] = .string(string)
                default: copy.metadata[key] = .array([])
                }
                try copy.open { _ in }
            }
        }
    }

    @Test("factors of the rotary frequencies are found under old and new names, as llama.cpp does")
    func factors() throws {
        let none = GGUFValue.string("none"), linear = GGUFValue.string("linear")
        for (changes, scaling): ([String: GGUFValue], RotaryConfiguration.Scaling) in [
            ([:], .none), (["rope.scale_linear": .number(4)], .linear(factor: 4)),
            (["rope.scaling.factor": .number(2)], .linear(factor: 2)),
            (["rope.scaling.factor": .number(2), "rope.scale_linear": .number(4)], .linear(factor: 2)),
            (["rope.scaling.type": linear, "rope.scale_linear": .number(4)], .linear(factor: 4)),
            (["rope.scaling.type": linear], .none),
            (["rope.scaling.factor": .number(0), "rope.scale_linear": .number(4)], .none),
            (["rope.scaling.type": none, "rope.scaling.factor": .number(2)], .none),
        ] {
            #expect(try Self.with(changes).rope().scaling == scaling, "\(changes)")
        }
        #expect(throws: ModelFileError.self) { try Self.with(["rope.scaling.type": .string("yarn")]).rope() }
        #expect(throws: ModelFileError.self) { try Self.with(["rope.scale_linear": .number(-1)]).rope() }
    }

    @Test("frequencies are divided by rope_freqs.weight, and by a linear factor too")
    func divisors() throws {
        let configuration = try Self.with(["rope.scaling.factor": .number(2)], divisors: [1, 1, 8, 4]).open(\.configuration)
        let plain = try Self.with([:]).open(\.configuration).inverseFrequencies
        #expect(configuration.headSize == 8)
        #expect(configuration.inverseFrequencies == zip(plain, [2, 2, 16, 8] as [Float]).map { $0 / $1 })
        #expect(try Self.with([:], divisors: [1, 1, 1, 1]).rope() == RotaryConfiguration(theta: configuration.rope.theta))
        for wrong: [Float] in [[1, 1, 8], [1, 1, 0, 8], [1, 1, -1, 8], [1, .nan, 1, 1], [1, 1, .infinity, 1]] {
            #expect(throws: ModelFileError.self, "\(wrong)") { try Self.with([:], divisors: wrong).rope() }
        }
        var factors = try GGUFCopy()
        factors.tensors.append(("rope_factors_long.weight", [4], [1, 1, 1, 1]))
        let error = #expect(throws: ModelFileError.self) { try factors.rope() }
        #expect(error?.description.contains("tensor rope_factors_long.weight") == true)
    }

    @Test("the divisors of Llama 3.1 and 3.2 are known again, and can be written to config.json")
    func llama3() throws {
        // As llama.cpp's converter computes them for θ 500000, heads of 8 and factors 8 and 32.
        for (factor, divisors): (Double, [Float]) in [(8, [1, 1, 2.6945298, 8]), (32, [1, 1, 3.292262, 32])] {
            let configuration = try Self.with(["rope.freq_base": .number(500000)], divisors: divisors).open(\.configuration)
            #expect(
                configuration.rope.scaling
                    == .llama3(factor: factor, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 8192))
            try configuration.requireWritable(path: "model")
        }
        let other = try Self.with([:], divisors: [1, 1, 8, 8]).open(\.configuration)
        let error = #expect(throws: ModelFileError.self) { try other.requireWritable(path: "model") }
        #expect(error?.description.contains("rope_freqs.weight") == true)
    }

    @Test("attn_factor scales the rotation of queries and of keys")
    func attentionFactor() throws {
        var doubled = try Self.with([:])
        for (index, tensor) in doubled.tensors.enumerated() where tensor.name.contains("attn_q.") || tensor.name.contains("attn_k.") {
            doubled.tensors[index].values = tensor.values.map { 2 * $0 }
        }
        let scaled = try Self.with(["rope.scaling.attn_factor": .number(2)])
        #expect(try scaled.logits() == doubled.logits())
        #expect(try scaled.logits() != Self.with([:]).logits())
        #expect(throws: ModelFileError.self) { try scaled.open(\.configuration).requireWritable(path: "model") }
        #expect(throws: ModelFileError.self) { try Self.with(["rope.scaling.attn_factor": .number(0)]).rope() }
    }
}
