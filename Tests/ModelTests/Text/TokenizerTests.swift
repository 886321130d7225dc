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

    /// The tokenizers of the folder that are of the byte-level kind, by name.
    private static func tokenizers() throws -> [String: Tokenizer] {
        var tokenizers: [String: Tokenizer] = [:]
        for name in ["smollm2", "tiny-smollm2", "tiny-llama3", "tiny-qwen2"] {
            let path = folder.appendingPathComponent("\(name)/tokenizer.json").path
            if FileManager.default.fileExists(atPath: path) { tokenizers[name] = try Tokenizer.load(json: path) }
        }
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
        #expect(wrong == 0)
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
}
