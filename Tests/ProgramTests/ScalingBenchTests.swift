import Foundation
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("bench scaling")
    struct ScalingBenchTests {
        @Test("measures sampling and learning of each model, and draws them")
        func run() throws {
            let folder = try TemporaryFolder(), plot = folder.path + "/scaling.svg"
            let outcome = try runProgram(
                ["bench", "scaling", "--json", "--plot", plot],
                under: ["env", "BENCH_BATCHES=2", "BENCH_PROMPT=3", "BENCH_GEN=4", "BENCH_REPS=1", "BENCH_THREADS=1"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 2 && lines.allSatisfy { $0.contains("scaling") && $0.contains("ms/tok") })
            #expect(lines.first?.contains("embedded sampling") ?? false && lines.last?.contains("embedded learning") ?? false)
            #expect(try String(contentsOfFile: plot, encoding: .utf8).contains("2 responses of 4 tokens to a prompt of 3, 1 threads"))
        }

        @Test("a model that is not there is named, and a picture of something else is refused")
        func mistakes() throws {
            let missing = try runProgram(["bench", "scaling"], under: ["env", "BENCH_MODELS=nowhere.gguf"])
            #expect(missing.status == 66 && missing.errors.contains("nowhere.gguf of environment variable BENCH_MODELS does not exist"))
            let other = try runProgram(["bench", "codes", "--plot", "x.svg"])
            #expect(other.status == 64 && other.errors.contains("--plot is of the suite scaling"))
        }
    }
}
