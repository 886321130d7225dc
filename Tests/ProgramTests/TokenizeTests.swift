import Foundation
import Testing

extension ProgramTests {
    @Suite("tokenize")
    struct Tokenize {
        private struct Line: Decodable {
            let text: String?
            let ids: [Int]?
        }

        private static func tokenize(_ lines: [String], _ arguments: [String], folder: TemporaryFolder? = nil) throws -> [Line] {
            let folder = try folder ?? TemporaryFolder()
            _ = try folder.write(lines.joined(separator: "\n") + "\n", to: "in.jsonl")
            let outcome = try runProgram(["tokenize", "in.jsonl", "--quiet"] + arguments, in: folder.path)
            guard outcome.status == 0 else { throw Program.Failure(text: "tokenize \(arguments) ended with \(outcome.status): \(outcome.errors)") }
            #expect(outcome.errors.isEmpty)
            return try outcome.output.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        }

        private static let model = fixture("tiny-llama3")
        private static func fixture(_ name: String) -> String {
            let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            return tests.appendingPathComponent("ModelTests/Fixtures/tokenizer/\(name)").path
        }

        @Test("ids decode to the text that they came from, whether the model is a folder, a tokenizer.json or a GGUF file")
        func roundTrip() throws {
            let texts = ["Hello 1234 world's\n\n  x", "<|eot_id|>\u{e9}", "", "\u{1F389} \"quoted\" \\ back"]
            let gguf = "\(Self.fixture("../gguf/q4_1-tied-embd-q8_0/q4_1-tied-embd-q8_0.gguf"))"
            for model in [Self.model, Self.model + "/tokenizer.json", gguf] {
                let lines = try texts.map { "{\"text\": \(String(decoding: try JSONEncoder().encode($0), as: UTF8.self)), \"other\": [1]}" }
                let encoded = try Self.tokenize(lines, ["--model", model])
                #expect(encoded.count == texts.count && encoded[2].ids == [])
                let ids = try encoded.map { "{\"ids\": \(try #require($0.ids))}" }
                #expect(try Self.tokenize(ids, ["--decode", "--model", model]).map(\.text) == texts)
            }
        }

        @Test("special tokens are read, added and left out as the flags say")
        func specialTokens() throws {
            let line = ["{\"text\": \"<|eot_id|>a\"}"]
            func ids(_ arguments: [String]) throws -> [Int] {
                try #require(try Self.tokenize(line, ["--model", Self.model] + arguments).first?.ids)
            }
            let (read, unread, added) = (try ids([]), try ids(["--no-parse-special"]), try ids(["--add-special"]))
            #expect(read.count == 2 && unread.count > 2 && added.count == 3 && Array(added.dropFirst()) == read)
            let skipped = try Self.tokenize(["{\"ids\": \(read)}"], ["--model", Self.model, "--decode", "--skip-special"])
            #expect(skipped.first?.text == "a")
        }

        @Test("a conversation is rendered, and a marker in a message becomes a token only when asked for")
        func chat() throws {
            let lines = [
                "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}",
                "{\"messages\": [{\"role\": \"user\", \"content\": \"<|eot_id|>\"}], \"add_generation_prompt\": true}",
            ]
            let arguments = ["--model", Self.model, "--chat", "--chat-template", "llama3"]
            let rendered = try Self.tokenize(lines, arguments)
            #expect(
                rendered.map(\.text) == [
                    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>",
                    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n<|eot_id|><|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
                ])
            let parsed = try Self.tokenize(lines, arguments + ["--parse-special"])
            #expect(parsed[0].ids == rendered[0].ids)
            #expect(try #require(parsed[1].ids).count < #require(rendered[1].ids).count)
            let prompted = try Self.tokenize([lines[0]], arguments + ["--add-generation-prompt"])
            #expect(prompted[0].text?.hasSuffix("assistant<|end_header_id|>\n\n") == true)
        }

        struct Mistake: Sendable, CustomTestStringConvertible {
            let testDescription: String
            var line = "{\"text\": \"a\"}"
            var arguments: [String] = []
            let status: Int32
            let texts: [String]
        }

        static let mistakes = [
            Mistake(testDescription: "no JSON", line: "{\"text\": ", status: 65, texts: ["in.jsonl:2", "JSON object"]),
            Mistake(testDescription: "no text", line: "{\"ids\": [1]}", status: 65, texts: ["in.jsonl:2", "no text", "--decode"]),
            Mistake(testDescription: "half a character", line: "{\"text\": \"\\ud800\"}", status: 65, texts: ["in.jsonl:2"]),
            Mistake(testDescription: "a wrong type", line: "{\"text\": 5}", status: 65, texts: ["in.jsonl:2", "text", "a text"]),
            Mistake(
                testDescription: "a strange id", line: "{\"ids\": [1, 520]}", arguments: ["--decode"], status: 65,
                texts: ["in.jsonl:2", "520", "0 to 519"]),
            Mistake(
                testDescription: "a message without content", line: "{\"messages\": [{\"role\": \"user\"}]}",
                arguments: ["--chat", "--chat-template", "plain"], status: 65, texts: ["in.jsonl:2", "messages[0].content"]),
            Mistake(
                testDescription: "an unknown role", line: "{\"messages\": [{\"role\": \"tool\", \"content\": \"\"}]}",
                arguments: ["--chat", "--chat-template", "llama3"], status: 65, texts: ["in.jsonl:2", "messages[0].role is 'tool'", "assistant"]),
            Mistake(testDescription: "no template", arguments: ["--chat"], status: 66, texts: ["chat template", "data.chat_template"]),
            Mistake(
                testDescription: "an unknown template", arguments: ["--chat", "--chat-template", "jinja"], status: 78,
                texts: ["--chat-template", "'jinja'", "chatml"]),
            Mistake(testDescription: "a missing file", arguments: ["nowhere.jsonl"], status: 66, texts: ["nowhere.jsonl does not exist"]),
            Mistake(testDescription: "a missing model", arguments: ["--model", "nowhere"], status: 66, texts: ["nowhere", "tokenizer.json"]),
        ]

        @Test("mistakes are said once, with line and exit code, and no file is left", arguments: mistakes)
        func refuses(_ mistake: Mistake) throws {
            let folder = try TemporaryFolder()
            _ = try folder.write("\n" + mistake.line + "\n", to: "in.jsonl")
            let input = mistake.arguments.first?.hasSuffix("jsonl") == true ? [] : ["in.jsonl"]
            let model = mistake.arguments.contains("--model") ? [] : ["--model", Self.model]
            let outcome = try runProgram(["tokenize", "--output", "out.jsonl"] + input + model + mistake.arguments, in: folder.path)
            #expect(outcome.status == mistake.status, "\(outcome.errors)")
            #expect(outcome.ownErrors.count == 1, "\(outcome.errors)")
            #expect(mistake.texts.allSatisfy { outcome.ownErrors.first?.contains($0) == true }, "\(outcome.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["in.jsonl"])
        }

        @Test("flags that do not fit together are errors of usage", arguments: [
            ["--decode", "--chat"], ["--chat", "--add-special"], ["--skip-special"], ["--add-generation-prompt"], ["--decode", "--parse-special"],
        ])
        func usage(_ arguments: [String]) throws {
            #expect(try runProgram(["tokenize", "--model", Self.model] + arguments).status == 64)
        }

        @Test("lines before a bad one reach standard output")
        func untilTheBadLine() throws {
            let folder = try TemporaryFolder()
            let path = try folder.write("{\"text\": \"a\"}\n{\"text\": \"b\"}\n{\n", to: "in.jsonl")
            let outcome = try runProgram(["tokenize", path, "--model", Self.model])
            #expect(outcome.status == 65 && outcome.output.split(separator: "\n").count == 2)
        }
    }
}
