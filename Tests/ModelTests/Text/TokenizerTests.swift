import Foundation
import Testing

@testable import Model

@Suite("Tokenizer")
struct TokenizerTests {
    private struct Case: Decodable {
        let id: String
        let text: String
        let ids: [String: [Int32]]
        let noSpecialParsing: [String: [Int32]]?
        let withSpecial: [String: [Int32]]?
        enum CodingKeys: String, CodingKey {
            case id, text, ids
            case noSpecialParsing = "no_special_parsing"
            case withSpecial = "with_special"
        }
    }

    private struct Decoding: Decodable {
        let tokenizer: String
        let ids: [Int32]
        let text: String
        let textSkippingSpecial: String
        enum CodingKeys: String, CodingKey {
            case tokenizer, ids, text
            case textSkippingSpecial = "text_skip_special"
        }
    }

    private static let folder = fixtures("tokenizer", own: "tokenizer")

    /// The tokenizers of the folder, and those of the folder named by `GFN_TOKENIZERS`, by name.
    private static func tokenizers() throws -> [String: Tokenizer] {
        var tokenizers: [String: Tokenizer] = [:]
        let extra = ProcessInfo.processInfo.environment["GFN_TOKENIZERS"].map { URL(fileURLWithPath: $0) }
        for name in ["smollm2", "llama3", "qwen2", "tiny-smollm2", "tiny-llama3", "tiny-qwen2", "tiny-llama2"] {
            for root in [folder, extra].compactMap({ $0 }) {
                let path = root.appendingPathComponent("\(name)/tokenizer.json").path
                if FileManager.default.fileExists(atPath: path) { tokenizers[name] = try Tokenizer.load(json: path) }
            }
        }
        #expect(tokenizers.count >= 4)
        return tokenizers
    }

    @Test("ids are those of Hugging Face's library, for every text")
    func ids() throws {
        let tokenizers = try Self.tokenizers()
        var (count, wrong) = (0, 0)
        for item in try jsonLines(Case.self, Self.folder.appendingPathComponent("cases.jsonl")) {
            for (name, expected) in item.ids {
                guard let tokenizer = tokenizers[name] else { continue }
                let plain = item.noSpecialParsing?[name] ?? expected
                let added = (item.withSpecial?[name] ?? []) + expected
                count += 1
                if tokenizer.encode(item.text) != expected
                    || tokenizer.encode(item.text, parsingSpecialTokens: false) != plain
                    || tokenizer.encode(item.text, addingSpecialTokens: true) != added
                {
                    wrong += 1
                    if wrong < 8 {
                        Issue.record(
                            "\(name) \(item.id) \(item.text.debugDescription.prefix(200)): \(tokenizer.encode(item.text).prefix(40)), expected \(expected.prefix(40))")
                    }
                }
            }
        }
        #expect(wrong == 0 && count > 0)
        print("Tokenizer: \(count) texts encoded by \(tokenizers.count) tokenizers, \(wrong) wrong")
    }

    @Test("tokens decode to the same text, with invalid bytes replaced")
    func decoding() throws {
        let tokenizers = try Self.tokenizers()
        var count = 0
        for item in try jsonLines(Decoding.self, Self.folder.appendingPathComponent("decode.jsonl")) {
            guard let tokenizer = tokenizers[item.tokenizer] else { continue }
            #expect(Array(tokenizer.decode(item.ids).utf8) == Array(item.text.utf8))
            #expect(Array(tokenizer.decode(item.ids, skippingSpecialTokens: true).utf8) == Array(item.textSkippingSpecial.utf8))
            count += 1
        }
        #expect(count > 0)
        print("Tokenizer: \(count) sequences decoded")
    }

    @Test("token by token, the decoded text adds up to that of all tokens, and no part of it is half a character")
    func incremental() throws {
        let tokenizers = try Self.tokenizers()
        var sequences: [(Tokenizer, [Int32])] = []
        for item in try jsonLines(Decoding.self, Self.folder.appendingPathComponent("decode.jsonl")) {
            if let tokenizer = tokenizers[item.tokenizer] { sequences.append((tokenizer, item.ids)) }
        }
        // Sequences in which single bytes are frequent.
        var random = SystemRandomNumberGenerator()
        for tokenizer in tokenizers.values {
            for length in 0..<60 { sequences.append((tokenizer, (0..<length).map { _ in Int32.random(in: 0..<300, using: &random) })) }
        }
        for (tokenizer, ids) in sequences {
            for skips in [false, true] {
                var decoder = IncrementalDecoder(tokenizer, skippingSpecialTokens: skips)
                // One decoder does for one text after another.
                for _ in 0..<2 {
                    var parts: [String] = []
                    for id in ids { parts.append(decoder.append(id)) }
                    parts.append(decoder.finish())
                    #expect(parts.flatMap { Array($0.utf8) } == Array(tokenizer.decode(ids, skippingSpecialTokens: skips).utf8), "\(ids)")
                }
            }
        }
        // What is certain is given out at once.
        let tokenizer = try #require(tokenizers["tiny-smollm2"])
        for character in ["a", "\u{E9}", "\u{20AC}", "\u{1F389}"] {
            var decoder = IncrementalDecoder(tokenizer)
            let parts = tokenizer.encode(character).map { decoder.append($0) }
            #expect(parts.last == character && parts.dropLast().allSatisfy(\.isEmpty))
        }
    }

    @Test("a long text of one letter, of blanks, or of the beginnings of special tokens takes no more than its share of time", .timeLimit(.minutes(1)))
    func longTexts() throws {
        let count = 15_000
        for (name, tokenizer) in try Self.tokenizers() {
            for unit in ["a", " ", "\n", "<|", "\u{301}", "\u{4E00}", "'"] {
                let text = String(repeating: unit, count: count)
                let ids = tokenizer.encode(text)
                if !["qwen2", "tiny-qwen2"].contains(name) || unit != "\u{301}" { #expect(tokenizer.decode(ids).utf8.elementsEqual(text.utf8), "\(name) \(unit)") }
            }
        }
    }

    @Test("text is composed as Unicode 9 has it, whatever the system's tables", arguments: [
        ("e\u{301}", "\u{E9}"), ("e\u{F73}\u{301}", "\u{E9}\u{F71}\u{F72}"), ("\u{10041}\u{301}", "\u{10041}\u{301}"),
        ("q\u{301}\u{316}", "q\u{316}\u{301}"), ("q\u{36A}\u{7FD}", "q\u{36A}\u{7FD}"), ("\u{1100}\u{1161}\u{11A8}", "\u{AC01}"), ("", ""),
    ])
    func composition(_ text: String, _ expected: String) {
        #expect(Array([NormalizationStep.compose].apply(to: ByteString(text)).text.unicodeScalars) == Array(expected.unicodeScalars))
    }

    @Test("threads that share a tokenizer get the same ids as one alone")
    func threads() throws {
        let tokenizer = try #require(try Self.tokenizers()["tiny-llama3"])
        let texts = (0..<300).map { "Word\($0 % 37) and \($0) others' \u{E9}\($0 % 5)" }
        let expected = texts.map { tokenizer.encode($0) }
        let fresh = try #require(try Self.tokenizers()["tiny-llama3"])
        let wrong = Counter()
        DispatchQueue.concurrentPerform(iterations: 1200) { index in
            if fresh.encode(texts[index % texts.count]) != expected[index % texts.count] { wrong.increment() }
        }
        #expect(wrong.value == 0)
    }

    private final class Counter: @unchecked Sendable {
        private let lock = NSLock()
        private var count = 0
        var value: Int { lock.withLock { count } }
        func increment() { lock.withLock { count += 1 } }
    }

    @Test("a tokenizer from GGUF writes a tokenizer.json that gives the same ids")
    func export() throws {
        let path = ownFixtures.appendingPathComponent("gguf/q4_1-tied-embd-q8_0/q4_1-tied-embd-q8_0.gguf").path
        let tokenizer = try #require(try ModelFiles.open(path).tokenizer)
        try withScratchFolder { folder in
            let file = folder.appendingPathComponent("tokenizer.json")
            try Data(tokenizer.json).write(to: file)
            let again = try Tokenizer.load(json: file.path)
            for text in ["Hello 1234 world's\n\n  x", "<|im_start|>user\né<|im_end|>", ""] {
                #expect(again.encode(text) == tokenizer.encode(text))
                #expect(again.decode(again.encode(text)) == text)
            }
        }
    }

    @Test("ids outside of the vocabulary stand for nothing")
    func strangers() throws {
        let tokenizer = try #require(try Self.tokenizers()["tiny-smollm2"])
        #expect(tokenizer.decode([-1, 100_000, .max]) == "")
        #expect(tokenizer.id(of: "<|im_end|>") == 2 && tokenizer.id(of: "no such token") == nil)
    }

    @Test("what would change ids and is not followed is refused by name", arguments: [
        ("\"type\": \"BPE\"", "\"type\": \"WordPiece\"", "model.type"), ("\"type\": \"BPE\"", "\"type\": \"Unigram\"", "Unigram"),
        ("\"dropout\": null", "\"dropout\": 0.1", "dropout"), ("\"single_word\": false", "\"single_word\": true", "single_word"),
        ("\"type\": \"NFC\"", "\"type\": \"NFKC\"", "normalizer"), ("\"use_regex\": false", "\"use_regex\": true", "behavior"),
        ("\"byte_fallback\": false", "\"byte_fallback\": true, \"x\": 1", ""),
    ])
    func refusals(_ old: String, _ new: String, _ field: String) throws {
        let path = Self.folder.appendingPathComponent("tiny-qwen2/tokenizer.json").path
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        let text = String(
            decoding: try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .withoutEscapingSlashes]), as: UTF8.self
        ).replacingOccurrences(of: "\" : ", with: "\": ")
        #expect(text.contains(old))
        try withScratchFolder { folder in
            let file = folder.appendingPathComponent("tokenizer.json")
            try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: file)
            if field.isEmpty {
                // All bytes have tokens, so that falling back to them changes nothing.
                #expect(try Tokenizer.load(json: file.path).encode("\u{E9}") == Tokenizer.load(json: path).encode("\u{E9}"))
            } else {
                let error = #expect(throws: ModelFileError.self) { try Tokenizer.load(json: file.path) }
                #expect(error?.description.contains(field) == true, "\(String(describing: error))")
            }
        }
    }
}
