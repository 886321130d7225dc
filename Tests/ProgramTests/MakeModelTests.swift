import Foundation
import Model
import Tensor
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("make-model")
    struct MakeModel {
        private func make(_ format: String, seed: Int = 1, to path: String) throws {
            let outcome = try runProgram(["make-model", "--shape", "tiny", "--format", format, "--seed", "\(seed)", path])
            #expect(outcome.status == 0 && outcome.errors.isEmpty)
        }

        private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

        @Test("a folder and a GGUF file can be trained on text, which is cut into bytes, and hold nearly the same weights")
        func forms() throws {
            let folder = try TemporaryFolder(), models = ["\(folder.path)/bf16", "\(folder.path)/q4_0.gguf"]
            try make("bf16", to: models[0])
            try make("q4_0", to: models[1])
            let problems = try folder.write("{\"prompt\": \"1 + 2 is\", \"answer\": \"3\"}\n", to: "problems.jsonl")
            for (index, model) in models.enumerated() {
                let outcome = try runProgram([
                    "train", "--single", "--quiet", "--model", model, "--output", "\(folder.path)/run-\(index)", "--set", "data.train=\(problems)",
                    "--set", "data.chat_template=plain", "--set", "train.steps=2", "--set", "train.prompts_per_step=1", "--set",
                    "rollout.samples_per_prompt=2", "--set", "rollout.max_new_tokens=4", "--set", "base.weights=blocks",
                ])
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            let files = try models.map { try ModelFiles.open($0) }
            #expect(files.map { $0.tokenizer?.encode("1 + é").count } == [6, 6])
            for (name, shape) in files[0].configuration.tensorShapes {
                // q_proj and k_proj lie in another order of rows in a GGUF file.
                guard !name.contains("q_proj"), !name.contains("k_proj") else { continue }
                let (plain, quantised) = (try files[0].weights.read(name), try files[1].weights.read(name))
                // A code of Q4_0 is an eighth of a block's largest weight, which is 0.035 here.
                #expect(zip(plain, quantised).allSatisfy { abs($0 - $1) <= (shape.count == 1 ? 0 : 0.036 / 8) }, "\(name)")
            }
        }

        @Test("the weights are a function of the seed")
        func seed() throws {
            let folder = try TemporaryFolder(), paths = (0..<3).map { "\(folder.path)/\($0).gguf" }
            for (path, seed) in zip(paths, [5, 5, 6]) { try make("q4_0", seed: seed, to: path) }
            #expect(try bytes(paths[0]) == bytes(paths[1]) && bytes(paths[0]) != bytes(paths[2]))
        }

        @Test("a shape that is not known, and a place that cannot be written, are refused")
        func errors() throws {
            let shape = try runProgram(["make-model", "--shape", "llama", "x"])
            #expect(shape.status == 64 && shape.errors.contains("llama-3-8b"))
            let place = try runProgram(["make-model", "--shape", "tiny", "--format", "q4_0", "/proc/none/x.gguf"])
            #expect(place.status == 74 && place.errors.contains("/proc/none/x.gguf could not be written"))
        }
    }
}
