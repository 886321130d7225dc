internal import Foundation
internal import Model

/// Formats of files that `Model` reads: all of them refuse with `ModelFileError`.
protocol ModelFileFormat: FuzzFormat {}

extension ModelFileFormat {
    package func isRefusal(_ error: any Error) -> Bool { error is ModelFileError }
}

/// Reads every weight, and checks that there are as many finite numbers as its shape says.
func readAll(_ weights: any WeightSource) throws {
    for name in weights.names {
        guard let shape = weights.shape(of: name) else { throw BrokenInvariant("tensor \(name) is listed and has no shape") }
        let values = try weights.read(name)
        let (count, overflow) = shape.reduce((1, false)) { ($0.0 &* $1, $0.1 || $0.0.multipliedReportingOverflow(by: $1).overflow) }
        try BrokenInvariant.unless(!overflow && values.count == count, "tensor \(name) of shape \(shape) has \(values.count) numbers")
        try BrokenInvariant.unless(values.allSatisfy(\.isFinite), "tensor \(name) was given with numbers that are not finite")
    }
}

/// Texts that every tokenizer that is accepted must get through.
private let probes = [
    "", "a", "Hello, world! 12345 + 6 = x\n\n\t  don't", "\u{E9}e\u{301}\u{1F600}\u{200B}\u{4E2D}\u{6587}", "<|im_start|>user\nhi<|im_end|> <s></s>",
    String(repeating: "ab", count: 500),
]

/// Encodes and decodes; the ids must be of the vocabulary.
func exercise(_ tokenizer: Tokenizer) throws -> [[Int32]] {
    try probes.map { text in
        let ids = tokenizer.encode(text, addingSpecialTokens: true)
        try BrokenInvariant.unless(
            ids.allSatisfy { $0 >= 0 && Int($0) < tokenizer.vocabularySize }, "\"\(text)\" has ids \(ids) in a vocabulary of \(tokenizer.vocabularySize)")
        // Each token stands for some bytes of its own; nothing here is longer than all of them.
        _ = tokenizer.decode(ids)
        return ids
    }
}

/// One file of weights.
struct SafetensorsFormat: ModelFileFormat {
    let name = "safetensors"
    private let files: [(name: String, bytes: [UInt8])]
    private let mutator: ByteMutator

    init(_ corpus: Corpus) {
        files = (corpus.models.map { ($0.name, $0.files) } + corpus.adapters.map { ($0.name, $0.files) }).flatMap { name, files in
            files.filter { $0.key.hasSuffix(".safetensors") }.sorted { $0.key < $1.key }.map { ("\(name) \($0.key)", $0.value) }
        }
        mutator = ByteMutator(donors: files.map(\.bytes))
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        let base = random.pick(files)
        var bytes = base.bytes
        var changes = [base.name]
        for _ in 0..<random.length(atMost: 3) {
            if random.chance(0.7) {
                changes += mutator.mutateSafetensors(&bytes, using: &random)
            } else {
                changes.append(mutator.mutate(&bytes, using: &random))
            }
        }
        return Mutant(files: ["a.safetensors": bytes], changes: changes)
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        let file = try SafetensorsFile("\(folder)/a.safetensors")
        var dataBytes = 0
        for entry in file.entries {
            let size = file.withBytes(of: entry.name) { bytes in bytes.reduce(0) { $0 ^ Int($1) } & 0 + bytes.count }
            let expected = entry.shape.reduce(entry.type.byteCount) { $0 &* $1 }
            try BrokenInvariant.unless(size == expected, "tensor \(entry.name) of \(expected) bytes has \(size ?? -1)")
            dataBytes += expected
        }
        let header = mutant.files["a.safetensors"].map { $0.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) } } ?? 0
        try BrokenInvariant.unless(8 + header + dataBytes == mutant.byteCount, "\(mutant.byteCount) bytes, of which \(header) and \(dataBytes) are accounted for")
        for entry in file.entries where [.float32, .float16, .bfloat16].contains(entry.type) {
            let values = try file.read(entry.name)
            try BrokenInvariant.unless(
                values.count * entry.type.byteCount == entry.shape.reduce(entry.type.byteCount) { $0 &* $1 } && values.allSatisfy(\.isFinite),
                "tensor \(entry.name) was not read as its shape says")
        }
    }
}

/// A model with its tokenizer in one file.
struct GGUFFormat: ModelFileFormat {
    let name = "gguf"
    private let files: [(name: String, bytes: [UInt8])]
    private let mutator: ByteMutator

    init(_ files: [(name: String, bytes: [UInt8])]) {
        self.files = files
        mutator = ByteMutator(donors: files.map(\.bytes))
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        let base = random.pick(files)
        var bytes = base.bytes
        var changes = [base.name]
        for _ in 0..<random.length(atMost: 3) {
            if random.chance(0.6) {
                changes.append(mutator.mutateGGUF(&bytes, using: &random))
            } else if random.chance(0.7) {
                // What matters is in front of the weights.
                var front = Array(bytes.prefix(GGUFFields(bytes).position))
                let rest = bytes.dropFirst(front.count)
                changes.append(mutator.mutate(&front, using: &random))
                bytes = front + rest
            } else {
                changes.append(mutator.mutate(&bytes, using: &random))
            }
        }
        return Mutant(files: ["a.gguf": bytes], changes: changes)
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        let files = try ModelFiles.open("\(folder)/a.gguf")
        try readAll(files.weights)
        // The tokenizer is written as a file of the other kind, and read again: two readers, one tokenizer.
        let tokenizer = try files.requireTokenizer()
        let ids = try exercise(tokenizer)
        let path = "\(folder)/written.json"
        try Data(tokenizer.json).write(to: URL(fileURLWithPath: path))
        let again: Tokenizer
        do throws(ModelFileError) { again = try Tokenizer.load(json: path) } catch {
            throw BrokenInvariant("the tokenizer.json that was made of it is refused: \(error)")
        }
        try BrokenInvariant.unless(try exercise(again) == ids, "the tokenizer.json that was made of it gives other ids")
    }
}

/// tokenizer.json alone.
struct TokenizerFormat: ModelFileFormat {
    let name = "tokenizer"
    private let files: [(name: String, bytes: [UInt8])]
    private let mutator: ByteMutator

    init(_ corpus: Corpus) {
        files = corpus.tokenizers
        mutator = ByteMutator(donors: files.map(\.bytes))
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        let base = random.pick(files)
        var bytes = base.bytes
        let changes = mutator.mutateJSON(&bytes, using: &random)
        return Mutant(files: ["tokenizer.json": bytes], changes: [base.name] + changes)
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        _ = try exercise(Tokenizer.load(json: "\(folder)/tokenizer.json"))
    }
}

extension ByteMutator {
    /// Mostly changes of the document, sometimes of its bytes, sometimes both.
    func mutateJSON(_ bytes: inout [UInt8], using random: inout FuzzRandom) -> [String] {
        let changes = random.chance(0.8) ? JSONMutator().mutate(&bytes, using: &random) ?? [] : []
        guard changes.isEmpty || random.chance(0.15) else { return changes }
        return changes + [mutate(&bytes, using: &random)]
    }
}
