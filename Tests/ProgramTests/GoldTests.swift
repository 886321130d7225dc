import Foundation
import Testing

extension ProgramTests {
    @Suite("gold answers and verdicts")
    struct Golds {
        /// The embedded base as a model of one's own.
        private static let model = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
            .appendingPathComponent("Sources/gfn-dist/Resources/pathsum-base").path

        private func train(_ lines: [String], in folder: TemporaryFolder) throws -> Program.Outcome {
            let data = try folder.write(lines.map { $0 + "\n" }.joined(), to: "problems.jsonl")
            let values = [
                "model=\(Self.model)", "data.train=\(data)", "train.steps=2", "rollout.max_new_tokens=4", "rollout.samples_per_prompt=8",
                "train.prompts_per_step=2",
            ]
            return try runProgram(["train", "--output", "\(folder.path)/run", "--threads", "1"] + values.flatMap { ["--set", $0] }, in: folder.path)
        }

        @Test("golds that are missing or cannot be read are said before the run, and the reasons of verdicts are written")
        func said() throws {
            let folder = try TemporaryFolder()
            let outcome = try train(
                [
                    "{\"question\": \" 37 84:\", \"answer\": \"#### 84\"}", "{\"problem\": \" 3 9:\"}",
                    "{\"question\": \" 3 5:\", \"answer\": \"#### 5 +\"}",
                ], in: folder)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("1 problem of \(folder.path)/problems.jsonl has no gold answer (line 2)"), "\(outcome.errors)")
            #expect(outcome.errors.contains("cannot be read (line 3: 5 +), so only the same text is right"), "\(outcome.errors)")
            let metrics = try String(contentsOfFile: "\(folder.path)/run/metrics.jsonl", encoding: .utf8)
            for line in metrics.split(separator: "\n") {
                let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                let shares = try #require(object["verdicts"] as? [String: Double])
                #expect(Set(shares.keys).isSuperset(of: ["correct", "wrong", "unread", "unfinished"]))
                #expect(abs(shares.values.reduce(0, +) - 1) < 1e-12 && shares["correct"] == object["accuracy"] as? Double)
            }
        }

        @Test("that responses cannot be read is said once, and only then", arguments: [("5", false), ("x", false), ("?", true)])
        func unread(answer: String, isSaid: Bool) throws {
            let folder = try TemporaryFolder()
            let model = try RoteModel(ProgramTests.ResponseEnds.families[5], answering: answer, "<|im_end|>").write(to: "\(folder.path)/model")
            let data = try folder.write("{\"question\": \"2+3?\", \"answer\": \"5\"}\n", to: "problems.jsonl")
            let values = [
                "model=\(model)", "data.train=\(data)", "train.steps=3", "rollout.max_new_tokens=4", "rollout.samples_per_prompt=4",
                "train.prompts_per_step=2",
            ]
            let run = RunFiles(path: "\(folder.path)/run")
            let outcome = try runProgram(["train", "--output", run.path, "--threads", "1"] + values.flatMap { ["--set", $0] })
            #expect(outcome.status == 0, "\(outcome.errors)")
            let said = outcome.errors.split(separator: "\n").filter { $0.contains("have no answer that can be read") }
            #expect(said.count == (isSaid ? 1 : 0), "\(outcome.errors)")
            let shares = try run.metrics().map { try #require($0["verdicts"] as? [String: Double]) }
            #expect(shares.allSatisfy { $0[isSaid ? "unread" : answer == "5" ? "correct" : "wrong"] == 1 }, "\(shares)")
        }

        @Test("a file without any gold answer is refused with what to do")
        func refused() throws {
            let outcome = try train([#"{"problem": " 3 9:"}"#, #"{"problem": " 3 8:"}"#], in: try TemporaryFolder())
            #expect(outcome.status == 65 && outcome.errors.contains("have no gold answer (lines 1, 2)"), "\(outcome.errors)")
            #expect(outcome.errors.contains("give it as the field answer"), "\(outcome.errors)")
        }
    }
}
