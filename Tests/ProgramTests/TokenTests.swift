import Foundation
import Testing

extension ProgramTests {
    @Suite("prompts and completions as tokens")
    struct Tokens {
        private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

        private struct Score: Decodable {
            let completion_tokens: [Int]
            let logprobs: [Float]
        }

        private struct Sample: Decodable {
            let prompt_tokens: [Int]
        }

        /// A copy of a tiny model; its tokenizer has ChatML's markers, and puts token 0 before every text where `begins` is set.
        private static func model(in folder: TemporaryFolder, begins: Bool = false, template: String = "null") throws -> String {
            let source = tests.appendingPathComponent("ModelTests/Fixtures/nano-tied-f32/checkpoint")
            let target = URL(fileURLWithPath: folder.path).appendingPathComponent("model")
            try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
            for name in ["config.json", "generation_config.json", "model.safetensors"] {
                try Data(contentsOf: source.appendingPathComponent(name)).write(to: target.appendingPathComponent(name))
            }
            let tokenizer = try Data(contentsOf: source.appendingPathComponent("tokenizer.json"))
            var object = try #require(try JSONSerialization.jsonObject(with: tokenizer) as? [String: Any])
            if begins {
                object["post_processor"] = [
                    "type": "TemplateProcessing",
                    "single": [["SpecialToken": ["id": "<|endoftext|>", "type_id": 0]], ["Sequence": ["id": "A", "type_id": 0]]],
                    "pair": [],
                    "special_tokens": ["<|endoftext|>": ["id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]]],
                ]
            }
            try JSONSerialization.data(withJSONObject: object).write(to: target.appendingPathComponent("tokenizer.json"))
            _ = try folder.write("{\"chat_template\": \(template)}", to: "model/tokenizer_config.json")
            return target.path
        }

        private static let problem = "{\"question\": \"2+3?\", \"answer\": \"so 5\\n#### 5\"}\n"

        private static func train(
            _ folder: TemporaryFolder, data: String = problem, _ arguments: [String], _ settings: String...
        ) throws -> Program.Outcome {
            let path = try folder.write(data, to: "problems.jsonl")
            let values = [
                "model=\(folder.path)/model", "data.train=\(path)", "train.steps=1", "train.prompts_per_step=1",
                "rollout.max_new_tokens=4", "samples.every=1",
            ] + (arguments.contains("sft") ? [] : ["rollout.samples_per_prompt=2"])
            let output = ["train", "--output", "\(folder.path)/run", "--threads", "1"]
            return try runProgram(output + arguments + (values + settings).flatMap { ["--set", $0] }, in: folder.path)
        }

        @Test("a prompt begins once with what the tokenizer puts before a text, or with what its template writes", arguments: [
            (false, "auto", 464), (true, "auto", 0), (true, "chatml", 1), (true, "plain", 0),
        ])
        func beginning(_ begins: Bool, _ template: String, _ first: Int) throws {
            let folder = try TemporaryFolder()
            _ = try Self.model(in: folder, begins: begins)
            let outcome = try Self.train(folder, [], "data.chat_template=\(template)")
            #expect(outcome.status == 0, "\(outcome.errors)")
            let text = try String(contentsOfFile: "\(folder.path)/run/samples/step-1.jsonl", encoding: .utf8)
            let sample = try JSONDecoder().decode(Sample.self, from: Data(try #require(text.split(separator: "\n").first).utf8))
            #expect(sample.prompt_tokens.first == first && sample.prompt_tokens.filter { $0 == 0 }.count == (first == 0 ? 1 : 0))
        }

        @Test("a scored text is that of its ids: begun as the tokenizer says, the completion as a continuation")
        func scores() throws {
            let folder = try TemporaryFolder()
            let model = try Self.model(in: folder, begins: true)
            let lines = [
                #"{"prompt": "2+3?\n", "completion": "so 5"}"#, #"{"prompt": "<|endoftext|>2+3?\n", "completion": "so 5"}"#,
                #"{"prompt": "", "completion": "so 5"}"#,
            ]
            let texts = try Self.score(lines, model)
            let whole = try Self.ids("2+3?\nso 5", model), prompt = try Self.ids("2+3?\n", model)
            let completion = Array(whole.dropFirst(prompt.count))
            #expect(Array(whole.prefix(prompt.count)) == prompt && texts[0].completion_tokens == completion)
            let ids = try Self.score(
                [
                    "{\"prompt_tokens\": \([0] + prompt), \"completion_tokens\": \(completion)}",
                    "{\"prompt_tokens\": \([0] + prompt), \"completion\": \"so 5\"}",
                ], model)
            for line in [texts[0], texts[1], ids[1]] {
                #expect(line.completion_tokens == ids[0].completion_tokens && line.logprobs == ids[0].logprobs)
            }
            #expect(texts[2].completion_tokens == (try Self.ids("so 5", model)))
        }

        private static func score(_ lines: [String], _ model: String) throws -> [Score] {
            let folder = try TemporaryFolder()
            let path = try folder.write(lines.joined(separator: "\n") + "\n", to: "in.jsonl")
            let outcome = try runProgram(["score", path, "--quiet", "--model", model])
            #expect(outcome.status == 0, "\(outcome.errors)")
            return try outcome.output.split(separator: "\n").map { try JSONDecoder().decode(Score.self, from: Data($0.utf8)) }
        }

        private static func ids(_ text: String, _ model: String) throws -> [Int] {
            let folder = try TemporaryFolder()
            let line = String(decoding: try JSONEncoder().encode(["text": text]), as: UTF8.self)
            let outcome = try runProgram(["tokenize", try folder.write(line + "\n", to: "in.jsonl"), "--quiet", "--model", model])
            return try #require(try JSONDecoder().decode([String: [Int]].self, from: Data(outcome.output.utf8))["ids"])
        }

        @Test("a template without tokens for its markers, and a list of templates without a default, are refused", arguments: [
            ("null", "llama3", 65, ["<|begin_of_text|>", "template llama3,", "model", "data.chat_template"]),
            ("null", "llama3.2", 65, ["<|begin_of_text|>", "template llama3.2,", "data.chat_template"]),
            (#"[{"name": "rag", "template": "a"}, {"name": "b", "template": "b"}]"#, "auto", 66, ["\"rag\", \"b\"", "data.chat_template"]),
            (#"[{"name": "rag", "template": "a"}]"#, "chatml", 0, []), (#"{"rag": "a"}"#, "chatml", 0, []),
        ])
        func refused(_ written: String, _ setting: String, _ status: Int32, _ texts: [String]) throws {
            let folder = try TemporaryFolder()
            let model = try Self.model(in: folder, template: written)
            let messages = try folder.write(#"{"messages": [{"role": "user", "content": "Hi"}]}"# + "\n", to: "messages.jsonl")
            for outcome in [
                try Self.train(folder, [], "data.chat_template=\(setting)"),
                try Self.train(folder, ["--objective", "sft", "--output", "\(folder.path)/sft"], "data.chat_template=\(setting)"),
                try runProgram(["tokenize", messages, "--chat", "--chat-template", setting, "--model", model]),
            ] {
                #expect(outcome.status == status && outcome.ownErrors.count == (status == 0 ? 0 : 1), "\(outcome.errors)")
                #expect(texts.allSatisfy { outcome.errors.contains($0) }, "\(outcome.errors)")
            }
        }

        @Test("examples that are longer than the model's context are left out of sft, and said with their lines")
        func longExamples() throws {
            let folder = try TemporaryFolder()
            _ = try Self.model(in: folder)
            let long = "{\"question\": \"2+3?\", \"answer\": \"\(String(repeating: "so 5 ", count: 100))#### 5\"}\n"
            let outcome = try Self.train(folder, data: Self.problem + long + long, ["--objective", "sft"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let said = "2 examples of \(folder.path)/problems.jsonl are longer than 256 tokens (lines 2, 3;"
            let notes = outcome.errors.split(separator: "\n").filter { $0.contains(said) && $0.hasSuffix("and left out") }
            #expect(notes.count == 1, "\(outcome.errors)")
            for (data, setting, text) in [
                (Self.problem + long, "error", "or set data.long_prompts to skip"), (long, "skip", "no other problem is left"),
            ] {
                let refused = try Self.train(folder, data: data, ["--objective", "sft"], "data.long_prompts=\(setting)")
                #expect(refused.status == 65 && refused.errors.contains(text), "\(refused.errors)")
            }
            // Nobody learns from solutions otherwise, so their length does not matter.
            #expect(try Self.train(folder, data: Self.problem + long, ["--output", "\(folder.path)/other"]).status == 0)
        }
    }
}
