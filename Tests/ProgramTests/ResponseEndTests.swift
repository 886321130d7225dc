import Foundation
import Model
import Tensor
import Testing

extension ProgramTests {
    @Suite("a response ends where the model's files or its chat template say")
    struct ResponseEnds {
        /// What the published files of a family say of ends, and the tokens that its template needs.
        struct Family: Sendable, CustomTestStringConvertible {
            let name: String
            /// By name in the templates of the tokenizer's fixtures.
            let template: String
            /// The system message that takes the place of the template's own; nil: as published.
            var system: (from: String, to: String)?
            let special: [String]
            /// `eos_token_id` of config.json and of generation_config.json, by name.
            let named: (configuration: [String], generation: [String])
            /// What closes the assistant's turn.
            let closing: String
            var testDescription: String { name }
        }

        private static let llamaTokens = [
            "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>",
        ]
        private static let chatTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

        static let families = [
            Family(
                name: "Llama 3 Instruct", template: "llama3-instruct", special: llamaTokens,
                named: (["<|end_of_text|>"], ["<|end_of_text|>", "<|eot_id|>"]), closing: "<|eot_id|>"),
            Family(
                name: "Llama 3.1 Instruct", template: "Llama-3.1-8B-Instruct", special: llamaTokens,
                named: (["<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"], ["<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"]),
                closing: "<|eot_id|>"),
            Family(
                name: "Llama 3.2 Instruct", template: "meta-llama-Llama-3.2-3B-Instruct", special: llamaTokens,
                named: (["<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"], []), closing: "<|eot_id|>"),
            Family(
                name: "Qwen2.5 Instruct", template: "Qwen2.5-7B-Instruct", special: chatTokens,
                named: (["<|im_end|>"], ["<|im_end|>", "<|endoftext|>"]), closing: "<|im_end|>"),
            Family(
                name: "Qwen2.5", template: "Qwen2.5-7B-Instruct",
                system: ("You are Qwen, created by Alibaba Cloud. You are a helpful assistant.", "You are a helpful assistant."),
                special: chatTokens, named: (["<|endoftext|>"], ["<|endoftext|>"]), closing: "<|im_end|>"),
            Family(
                name: "SmolLM2 Instruct", template: "qwen2",
                system: ("You are a helpful assistant.", "You are a helpful AI assistant named SmolLM, trained by Hugging Face"),
                special: chatTokens, named: (["<|im_end|>"], ["<|im_end|>"]), closing: "<|im_end|>"),
        ]

        @Test("the answer, by rote, is read to its end, whichever of the ends it is", arguments: families)
        func rote(_ family: Family) throws {
            let ends = Set(family.named.configuration + family.named.generation + [family.closing]).sorted()
            for end in ends {
                let folder = try TemporaryFolder()
                let model = try RoteModel(family, answering: "5", end).write(to: "\(folder.path)/model")
                let problem = try folder.write("{\"question\":\"2+3?\",\"answer\":\"5\\n#### 5\"}\n", to: "problem.jsonl")
                let settings = [
                    "model=\(model)", "data.train=\(problem)", "data.evaluate=\(problem)", "train.prompts_per_step=1",
                    "rollout.max_new_tokens=20", "evaluate.samples_per_problem=2",
                ].flatMap { ["--set", $0] }

                let run = RunFiles(path: "\(folder.path)/run")
                let outcome = try runProgram(["train", "--output", run.path, "--set", "train.steps=0"] + settings)
                #expect(outcome.status == 0, "\(outcome.errors)")
                let temperatures = try #require(try run.object("evaluation.json")["temperatures"] as? [String: [String: Any]])
                let evaluation = try #require(temperatures.values.first)
                #expect(evaluation["accuracy"] as? Double == 1, "\(family.name) ends with \(end)")
                #expect(evaluation["mean_length"] as? Double == 1)
                let isNamed = (family.named.configuration + family.named.generation).contains(family.closing)
                #expect(outcome.errors.contains("closes a turn with \(family.closing)") == !isNamed, "\(outcome.errors)")

                let scored = try Self.stopLogProbability(family, model, in: folder)
                #expect(abs(scored) < 1e-5, "the end has all probability after the answer, whichever it is")
            }
        }

        /// log π(⊤) after the answer.
        private static func stopLogProbability(_ family: Family, _ model: String, in folder: TemporaryFolder) throws -> Double {
            let line = try folder.write(#"{"prompt": "\n", "completion": "5"}"# + "\n", to: "line.jsonl")
            let outcome = try runProgram(["score", line, "--quiet", "--model", model])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
            return try #require((object["stop_logprobs"] as? [Double])?.last)
        }

        @Test("what was read otherwise than one might think is said once, by train and by score")
        func notes() throws {
            let folder = try TemporaryFolder()
            let model = try RoteModel(Self.families[4], answering: "5", "<|im_end|>").write(to: "\(folder.path)/model")
            _ = try folder.write("{\"weight_map\": {}}", to: "model/model.safetensors.index.json")
            let problem = try folder.write("{\"prompt\":\"2+3?\",\"completion\":\"5\"}\n", to: "problem.jsonl")
            let trained = try runProgram(
                ["train", "--output", "\(folder.path)/run", "--set", "train.steps=0", "--model", model, "--set", "data.train=\(problem)"])
            let scored = try runProgram(["score", problem, "--model", model])
            for outcome in [trained, scored] {
                #expect(outcome.status == 0, "\(outcome.errors)")
                let said = outcome.errors.split(separator: "\n").filter { $0.contains("model.safetensors.index.json") }
                #expect(said.count == 1, "\(outcome.errors)")
                #expect(outcome.errors.contains("closes a turn with <|im_end|>"), "\(outcome.errors)")
            }
        }

        @Test("fine-tuning teaches the token that closes a turn, not the set", arguments: families)
        func taught(_ family: Family) throws {
            var losses: [String: Double] = [:]
            for end in Set(family.named.configuration + family.named.generation + [family.closing]) {
                let folder = try TemporaryFolder()
                let model = try RoteModel(family, answering: "5", end).write(to: "\(folder.path)/model")
                let problem = try folder.write("{\"prompt\":\"2+3?\",\"completion\":\"5\"}\n", to: "problem.jsonl")
                let settings = ["model=\(model)", "data.train=\(problem)", "train.prompts_per_step=1", "train.steps=1"].flatMap { ["--set", $0] }
                let run = RunFiles(path: "\(folder.path)/sft")
                let outcome = try runProgram(
                    ["train", "--objective", "sft", "--quiet", "--output", run.path]
                        + settings)
                #expect(outcome.status == 0, "\(outcome.errors)")
                losses[end] = try run.numbers("loss").first
                if family.name == "Qwen2.5", end == family.closing {
                    let whole = RunFiles(path: "\(folder.path)/whole")
                    let outcome = try runProgram(
                        ["train", "--objective", "sft", "--quiet", "--output", whole.path, "--set", "trainable=full"]
                            + settings)
                    #expect(outcome.status == 0, "\(outcome.errors)")
                    let ends = try whole.object("model/generation_config.json")["eos_token_id"] as? [Int]
                    #expect(ends == [258, 256], "<|im_end|>, which the base did not name, and <|endoftext|>")
                }
            }
            for (end, loss) in losses { #expect(end == family.closing ? loss < 1e-4 : loss > 10, "\(family.name), \(end): \(loss)") }
        }
    }
}

/// A model that knows one answer by heart: after a newline it writes the answer's character, after that the end.
///
/// One layer of zeros: the next token depends on the last alone, through the output matrix.
struct RoteModel {
    let family: ProgramTests.ResponseEnds.Family
    let vocabulary: [String]
    let answer, end: Int

    init(_ family: ProgramTests.ResponseEnds.Family, answering answer: String, _ end: String) throws {
        self.family = family
        // The 256 bytes as GPT-2 spells them: printable ones as they are, the others from U+0100 on.
        var spelled: [String] = [], next = 0x100
        for byte in 0..<256 {
            let isPrintable = (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
            spelled.append(String(Unicode.Scalar(UInt16(isPrintable ? byte : next)) ?? "?"))
            if !isPrintable { next += 1 }
        }
        vocabulary = spelled + family.special
        self.answer = try #require(vocabulary.firstIndex(of: answer))
        self.end = try #require(vocabulary.firstIndex(of: end))
    }

    private func ids(_ names: [String]) -> [Int] { names.compactMap { vocabulary.firstIndex(of: $0) } }

    /// Writes a folder in Hugging Face's layout and returns its path.
    func write(to path: String) throws -> String {
        let size = vocabulary.count + vocabulary.count % 2
        let configuration = TransformerConfiguration(
            hiddenSize: size, intermediateSize: 2, layerCount: 1, headCount: 1, keyValueHeadCount: 1, headSize: 2, vocabularySize: size,
            contextLength: 4096, tiedEmbeddings: false)
        let one: UInt16 = 0x3F80, large: UInt16 = 0x41F0  // bf16: 1 and 30
        let tensors = configuration.tensorShapes.map { name, shape in
            var bits = [UInt16](repeating: shape.count == 1 ? one : 0, count: shape.reduce(1, *))
            if name == "model.embed_tokens.weight" { for index in 0..<size { bits[index * size + index] = one } }
            if name == "lm_head.weight" {
                bits[answer * size + 0x0A] = large
                bits[end * size + answer] = large
            }
            return (name: name, shape: shape, bits: bits)
        }
        try ModelFolder.write(path, configuration: configuration, tensors: tensors)
        try write(
            [
                "added_tokens": family.special.map { token in
                    [
                        "id": ids([token])[0], "content": token, "special": true, "normalized": false, "single_word": false,
                        "lstrip": false, "rstrip": false,
                    ]
                },
                "pre_tokenizer": ["type": "ByteLevel", "add_prefix_space": false, "use_regex": true], "decoder": ["type": "ByteLevel"],
                "model": [
                    "type": "BPE", "vocab": Dictionary(uniqueKeysWithValues: vocabulary.enumerated().map { ($1, $0) }), "merges": [String](),
                ],
            ], to: "\(path)/tokenizer.json")
        try write(["chat_template": try template()], to: "\(path)/tokenizer_config.json")
        var object = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: "\(path)/config.json"))) as? [String: Any])
        let (named, generation) = (ids(family.named.configuration), ids(family.named.generation))
        object["eos_token_id"] = named.count == 1 ? named[0] : named
        try write(object, to: "\(path)/config.json")
        try write(generation.isEmpty ? [:] : ["eos_token_id": generation], to: "\(path)/generation_config.json")
        return path
    }

    private func write(_ object: [String: Any], to path: String) throws {
        try JSONSerialization.data(withJSONObject: object).write(to: URL(fileURLWithPath: path))
    }

    private func template() throws -> String {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = tests.appendingPathComponent("ModelTests/Fixtures/tokenizer/templates.jsonl")
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard object["name"] as? String == family.template, let text = object["template"] as? String else { continue }
            guard let system = family.system else { return text }
            let replaced = text.replacingOccurrences(of: system.from, with: system.to)
            #expect(replaced != text)
            return replaced
        }
        throw Program.Failure(text: "no template \(family.template)")
    }
}
