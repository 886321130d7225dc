import Foundation
import Testing

extension ProgramTests {
    @Suite("prompts that are too long")
    struct LongPrompts {
        private static let problems = [40, 2, 90, 3].map { count in
            "{\"question\": \"\(String(repeating: " 37", count: count))\", \"answer\": \"#### 84\"}\n"
        }.joined()

        /// The embedded base as a model of one's own; its context has 64 tokens.
        private static let model = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
            .appendingPathComponent("Sources/gfn-dist/Resources/pathsum-base").path

        private func train(_ settings: String...) throws -> Program.Outcome {
            let folder = try TemporaryFolder()
            let data = try folder.write(Self.problems, to: "problems.jsonl")
            let values = ["model=\(Self.model)", "data.train=\(data)", "train.steps=1", "rollout.max_new_tokens=4", "rollout.samples_per_prompt=2", "train.prompts_per_step=1"] + settings
            return try runProgram(["train", "--output", "\(folder.path)/run", "--threads", "1"] + values.flatMap { ["--set", $0] }, in: folder.path)
        }

        @Test("they are left out and said once, with their number and lines")
        func skipped() throws {
            let outcome = try train("data.max_prompt_tokens=60")
            #expect(outcome.status == 0, "\(outcome.errors)")
            let notes = outcome.errors.split(separator: "\n").filter { $0.contains("longer than 60 tokens (lines 1, 3;") && $0.hasSuffix("and left out") }
            #expect(notes.count == 1, "\(outcome.errors)")
        }

        @Test("they end the run where that is asked for, or when nothing else is left")
        func refused() throws {
            let asked = try train("data.max_prompt_tokens=60", "data.long_prompts=error")
            #expect(asked.status == 65 && asked.errors.contains("or set data.long_prompts to skip"), "\(asked.errors)")
            let none = try train("data.max_prompt_tokens=1")
            #expect(none.status == 65 && none.errors.contains("(lines 1, 2, 3, 4;") && none.errors.contains("no other problem is left"), "\(none.errors)")
        }
    }
}
