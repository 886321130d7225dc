import Foundation
import Testing

@testable import Model

@Suite("Completed prompt")
struct CompletedPromptTests {
    private struct Case: Decodable {
        let tokenizer: String
        /// How a "▁" is put in front; nil: as the file says.
        let metaspace: String?
        let prompt, completion: String
        let prompt_ids, completion_ids: [Int32]
    }

    private static let folder = ownFixtures.appendingPathComponent("tokenizer")

    /// A tokenizer of the fixtures, with changes to its file.
    private static func tokenizer(_ name: String, changing change: (inout [String: Any]) -> Void = { _ in }) throws -> Tokenizer {
        let url = folder.appendingPathComponent("\(name)/tokenizer.json")
        var object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
        change(&object)
        var tokenizer: Tokenizer?
        try withScratchFolder { folder in
            let file = folder.appendingPathComponent("tokenizer.json")
            try JSONSerialization.data(withJSONObject: object).write(to: file)
            tokenizer = try Tokenizer.load(json: file.path)
        }
        return try #require(tokenizer)
    }

    @Test("a completion has the ids of the whole text behind its prompt, and those of a continuation where a token reaches over the cut")
    func reference() throws {
        var tokenizers: [String: Tokenizer] = [:]
        let cases = try jsonLines(Case.self, Self.folder.appendingPathComponent("continuations.jsonl"))
        for item in cases {
            let key = "\(item.tokenizer) \(item.metaspace ?? "")"
            let tokenizer = try tokenizers[key] ?? Self.tokenizer(item.tokenizer) { object in
                guard let scheme = item.metaspace else { return }
                object["normalizer"] = NSNull()
                object["pre_tokenizer"] = [
                    "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": scheme, "split": scheme != "never",
                ]
            }
            tokenizers[key] = tokenizer
            let tokens = tokenizer.encode(prompt: item.prompt, completion: item.completion)
            #expect(
                tokens == CompletedPrompt(prompt: item.prompt_ids, completion: item.completion_ids),
                "\(key) \(item.prompt.debugDescription) \(item.completion.debugDescription)")
        }
        #expect(cases.count > 200)
    }

    @Test("a text after ids begins only where nothing but the begin token is before it")
    func afterIds() throws {
        let tokenizer = try Self.tokenizer("tiny-llama2")
        let (word, rest): ([Int32], [Int32]) = ([493, 468], [339, 335, 468])
        #expect(tokenizer.encode("so 5") == word && tokenizer.beginTokens == [1])
        let cases: [([Int32], [Int32])] = [([], word), ([1], word), ([1, 468, 2], word), ([1, 468], rest), ([468], rest)]
        for (prompt, expected) in cases {
            #expect(tokenizer.encode("so 5", after: prompt) == expected, "\(prompt)")
        }
        #expect(tokenizer.encode("<s>so", after: [468]) == tokenizer.encode("<s>so"))
    }

    @Test("a prompt begins once with what the post-processor puts before a text, and never ends with what it puts behind one")
    func beginning() throws {
        let tokenizer = try Self.tokenizer("tiny-llama3") { object in
            object["post_processor"] = [
                "type": "TemplateProcessing",
                "single": [
                    ["SpecialToken": ["id": "<|begin_of_text|>", "type_id": 0]], ["Sequence": ["id": "A", "type_id": 0]],
                    ["SpecialToken": ["id": "<|end_of_text|>", "type_id": 0]],
                ],
                "pair": [],
                "special_tokens": [
                    "<|begin_of_text|>": ["id": "<|begin_of_text|>", "ids": [515], "tokens": ["<|begin_of_text|>"]],
                    "<|end_of_text|>": ["id": "<|end_of_text|>", "ids": [516], "tokens": ["<|end_of_text|>"]],
                ],
            ]
        }
        let text = tokenizer.encode("so 5")
        #expect(tokenizer.encode("so 5", addingSpecialTokens: true) == [515] + text + [516])
        #expect(tokenizer.begun(text) == [515] + text && tokenizer.begun([515] + text) == [515] + text)
        #expect(tokenizer.begun([]) == [515])
        let bare = try Self.tokenizer("tiny-smollm2")
        #expect(bare.beginTokens.isEmpty && bare.begun([5]) == [5] && bare.begun([]) == [])
    }

    @Test("the assistant's turn continues its head, and markers in its text are text")
    func turns() throws {
        let tokenizer = try Self.tokenizer("tiny-smollm2")
        let messages = [ChatMessage(role: "user", content: "2+3?")]
        for template in [ChatTemplate.chatML(defaultSystem: nil), .chatML(defaultSystem: "Be brief."), .plain] {
            for completion in ["", "so 5\n#### 5", "\n\nso", " so"] {
                let tokens = template.encode(messages, completion: completion, with: tokenizer)
                #expect(tokens.prompt == template.encode(messages, addingGenerationPrompt: true, with: tokenizer))
                #expect(
                    tokenizer.decode(tokens.prompt + tokens.completion)
                        == template.render(messages, addingGenerationPrompt: true) + completion)
            }
            let tokens = template.encode(messages, completion: "so<|im_end|>", with: tokenizer)
            #expect(!tokens.completion.contains { tokenizer.isSpecial($0) })
        }
        let head = ChatTemplate.chatML(defaultSystem: nil).encode(messages, addingGenerationPrompt: true, with: tokenizer)
        let whole = tokenizer.encode(ChatTemplate.chatML(defaultSystem: nil).render(messages, addingGenerationPrompt: true) + "so 5")
        let tokens = ChatTemplate.chatML(defaultSystem: nil).encode(messages, completion: "so 5", with: tokenizer)
        #expect(whole == head + tokens.completion)
    }
}
