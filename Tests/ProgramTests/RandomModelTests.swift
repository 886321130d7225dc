import Foundation
import Problems
import Testing

extension ProgramTests {
    @Suite("Random weights of several sizes")
    struct RandomModelTests {
        @Test("what is trained from them has their shape and number of parameters", arguments: [
            ("small", 64, 2, 0.1e6), ("medium", 96, 3, 0.33e6), ("base", 128, 4, 0.8e6), ("large", 256, 6, 4.8e6),
        ])
        func sizes(size: String, hidden: Int, layers: Int, parameters: Double) throws {
            let folder = try TemporaryFolder()
            let run = RunFiles(path: "\(folder.path)/run")
            let settings = ["random.size=\(size)", "train.steps=1", "train.prompts_per_step=2", "evaluate.problems=1", "checkpoint.every=none"]
            let outcome = try runProgram(
                ["train", "--objective", "sft", "--model", "random", "--output", run.path] + settings.flatMap { ["--set", $0] })
            #expect(outcome.status == 0, "\(outcome.errors)")
            let shape = try run.object("model/config.json")
            #expect(shape["hidden_size"] as? Int == hidden && shape["num_hidden_layers"] as? Int == layers)
            let bytes = try FileManager.default.attributesOfItem(atPath: "\(run.path)/model/model.safetensors")[.size] as? Int
            // Two or four bytes each.
            let counts = [2, 4].map { Double(bytes ?? 0) / Double($0) }
            #expect(counts.contains { abs($0 - parameters) < 0.05 * parameters + 5e4 }, "\(counts)")
        }

        @Test("a model that is there has a shape of its own")
        func mistake() throws {
            let outcome = try runProgram(["train", "--set", "random.size=small"])
            #expect(outcome.status == 78)
            #expect(
                outcome.errors
                    == "gfn-dist: random.size is small, but model is the embedded base, which has a shape of its own: name model random, or "
                    + "leave it out\n")
        }
    }
}
