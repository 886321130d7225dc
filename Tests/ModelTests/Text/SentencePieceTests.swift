import Foundation
import Testing

@testable import Model

@Suite("SentencePiece vocabulary")
struct SentencePieceTests {
    private struct Case: Decodable {
        let text: String
        let ids, no_special_parsing, with_special: [Int32]
    }

    private static let folder = ownFixtures.appendingPathComponent("tokenizer")

    private static func spm() throws -> Tokenizer { try TextModel.open(folder.appendingPathComponent("tiny-spm/vocab.gguf").path).tokenizer }

    @Test("ids from a GGUF file with scores are those of llama.cpp")
    func ids() throws {
        let tokenizer = try Self.spm()
        let cases = try jsonLines(Case.self, Self.folder.appendingPathComponent("tiny-spm/cases.jsonl"))
        for item in cases {
            #expect(tokenizer.encode(item.text) == item.ids, "\(item.text.debugDescription)")
            #expect(tokenizer.encode(item.text, parsingSpecialTokens: false) == item.no_special_parsing, "\(item.text.debugDescription)")
            #expect(tokenizer.encode(item.text, addingSpecialTokens: true) == item.with_special, "\(item.text.debugDescription)")
        }
        #expect(cases.count > 50)
        print("SentencePiece: \(cases.count) texts encoded")
    }

    @Test("texts come back as they were, but that a run of byte tokens which is no UTF-8 is one U+FFFD per byte")
    func decoding() throws {
        let tokenizer = try Self.spm()
        for text in ["Hello  world\n", " \u{E9}\u{1F389}", "", "\u{2603}\u{2604}x \u{2604}"] {
            #expect(tokenizer.decode(tokenizer.encode(text)) == text)
        }
        // "é" in bytes, and the same followed by a byte that belongs to nothing.
        let e = [Int32(0xC3 + 3), Int32(0xA9 + 3)]
        #expect(tokenizer.decode(e) == "\u{E9}")
        #expect(tokenizer.decode(e + [0xFF + 3]) == "\u{FFFD}\u{FFFD}\u{FFFD}")
    }

    @Test("its tokenizer.json gives the same ids, where scores and characters can be written as merges")
    func export() throws {
        let tokenizer = try Self.spm()
        try withScratchFolder { folder in
            let file = folder.appendingPathComponent("tokenizer.json")
            try Data(tokenizer.json).write(to: file)
            let again = try Tokenizer.load(json: file.path)
            for text in ["There are 48 clips in April and May.", "<|user|>\u{E9} <s>b", "a  b\n\nc", ""] {
                #expect(again.encode(text) == tokenizer.encode(text))
                #expect(again.encode(text, addingSpecialTokens: true) == tokenizer.encode(text, addingSpecialTokens: true))
                #expect(again.decode(again.encode(text)) == tokenizer.decode(tokenizer.encode(text)))
            }
        }
    }

    /// Variants of one tokenizer.json; the ids are those of Hugging Face's library.
    @Test("Metaspace puts its mark where its scheme says", arguments: [
        ("always", ["\u{2581}a\u{2581}b", "\u{2581}a<s>\u{2581}b", "\u{2581}a<s>\u{2581}b"]),
        ("first", ["\u{2581}a\u{2581}b", "\u{2581}a<s>b", "\u{2581}a<s>\u{2581}b"]),
        ("never", ["a\u{2581}b", "a<s>b", "a<s>\u{2581}b"]),
    ])
    func metaspace(_ scheme: String, _ spelled: [String]) throws {
        let url = Self.folder.appendingPathComponent("tiny-llama2/tokenizer.json")
        var object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
        object["normalizer"] = NSNull()
        object["pre_tokenizer"] = ["type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": scheme, "split": true]
        try withScratchFolder { folder in
            let file = folder.appendingPathComponent("tokenizer.json")
            try JSONSerialization.data(withJSONObject: object).write(to: file)
            let tokenizer = try Tokenizer.load(json: file.path)
            let table = try #require((object["model"] as? [String: Any])?["vocab"] as? [String: Int])
            let names = Dictionary(uniqueKeysWithValues: table.map { (Int32($0.value), $0.key) })
            let texts = ["a b", "a<s>b", "a<s> b"]
            #expect(texts.map { tokenizer.encode($0).compactMap { names[$0] }.joined() } == spelled)
            #expect(tokenizer.encode("b", place: .afterToken).compactMap { names[$0] }.joined() == (scheme == "always" ? "\u{2581}b" : "b"))
        }
    }

    @Test("added tokens that strip take the white space beside them")
    func stripping() throws {
        let url = Self.folder.appendingPathComponent("tiny-llama2/tokenizer.json")
        var object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
        var added = try #require(object["added_tokens"] as? [[String: Any]])
        for (index, token) in [("<l>", true, false), ("<r>", false, true), ("<b>", true, true)].enumerated() {
            added.append([
                "id": 640 + index, "content": token.0, "lstrip": token.1, "rstrip": token.2, "normalized": false, "special": false,
                "single_word": false,
            ])
        }
        object["added_tokens"] = added
        try withScratchFolder { folder in
            let file = folder.appendingPathComponent("tokenizer.json")
            try JSONSerialization.data(withJSONObject: object).write(to: file)
            let tokenizer = try Tokenizer.load(json: file.path)
            func same(_ text: String, _ other: String) -> Bool { tokenizer.encode(text) == tokenizer.encode(other) }
            #expect(same("a \n<l>b", "a<l>b") && !same("a<l> b", "a<l>b"))
            #expect(same("a<r> \u{3000}b", "a<r>b") && !same("a <r>b", "a<r>b"))
            #expect(same("a\t<b>\t", "a<b>") && tokenizer.encode("<r>  <l>").count == 2)
        }
    }
}
