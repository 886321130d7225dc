import Foundation
import Testing

extension ProgramTests {
    @Suite("DPO from a file of preferences")
    struct Preferences {
        /// A tiny model; its context has 256 tokens.
        private static let model = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("ModelTests/Fixtures/nano-tied-f32/checkpoint").path

        private static func line(_ prompt: String, _ chosen: String, _ rejected: String?) -> String {
            let rejected = rejected.map { ", \"rejected\": \"\($0)\"" } ?? ""
            return "{\"prompt\": \"\(prompt)\", \"chosen\": \"\(chosen)\"\(rejected)}\n"
        }

        private static let preferences = (1...5).map {
            line("\($0)+3?", "so \($0 + 3)\\n#### \($0 + 3)", "#### \($0)")
        }

        private struct Run {
            let files: RunFiles
            /// Stays as long as this.
            let folder: TemporaryFolder
            let outcome: Program.Outcome
        }

        private func train(_ lines: [String], _ settings: String..., on layout: Layout = .single(1)) throws -> Run {
            let folder = try TemporaryFolder()
            let data = try folder.write(lines.joined(), to: "preferences.jsonl")
            let values = [
                "model=\(Self.model)", "data.train=\(data)", "dpo.source=data", "train.steps=6", "train.prompts_per_step=12",
                "train.warmup_steps=0", "train.learning_rate=1e-2",
            ] + settings
            let files = RunFiles(path: "\(folder.path)/run")
            let outcome = try Program(
                train: ["--objective", "dpo", "--output", files.path] + values.flatMap { ["--set", $0] }, on: layout).outcome()
            return Run(files: files, folder: folder, outcome: outcome)
        }

        @Test("the chosen replies gain on the rejected ones, with the same bytes on any ranks")
        func trains() throws {
            let run = try train(Self.preferences)
            #expect(run.outcome.status == 0, "\(run.outcome.errors)")
            let files = run.files
            let loss = try files.numbers("loss")
            #expect(abs(loss[0] - log(2)) < 1e-12, "the policy is the reference: \(loss)")
            #expect(loss[5] < loss[0] - 0.02, "\(loss)")
            let (accuracy, margin) = (try files.numbers("pair_accuracy"), try files.numbers("reward_margin"))
            #expect(margin[0] == 0 && margin[5] > 0.02 && accuracy[0] == 0 && accuracy[5] == 1, "\(margin), \(accuracy)")
            let gains = try ["chosen_logprob", "rejected_logprob"].map { name in
                let numbers = try files.numbers(name)
                #expect(numbers.allSatisfy { $0 < 0 })
                return numbers[5] - numbers[0]
            }
            #expect(gains[0] > gains[1], "\(gains)")
            try files.expectEveryStepOnce(6)
            for layout in [Layout.mpirun(2), .single(3)] {
                let other = try train(Self.preferences, on: layout)
                #expect(other.outcome.status == 0, "\(other.outcome.errors)")
                #expect(other.files.adapter != nil && other.files.adapter == files.adapter)
                #expect(try other.files.comparableMetrics() == files.comparableMetrics())
                withExtendedLifetime(other.folder) {}
            }
            withExtendedLifetime(run.folder) {}
        }

        @Test("a line without a rejected reply is named", arguments: [Layout.single(1), .mpirun(2)])
        func missing(layout: Layout) throws {
            let lines = Self.preferences.prefix(2) + [Self.line("2+2?", "4", nil)] + Self.preferences.suffix(1)
            let run = try train(Array(lines), on: layout)
            let outcome = run.outcome
            #expect(outcome.status == 65 && outcome.ownErrors.count == 1, "\(outcome.errors)")
            #expect(outcome.errors.contains("preferences.jsonl:3: rejected: expected a text, found nothing"), "\(outcome.errors)")
            #expect(!FileManager.default.fileExists(atPath: run.files.path))
            withExtendedLifetime(run.folder) {}
        }

        @Test("pairs that are longer than the context, with either reply, are left out, or end the run where that is asked for")
        func long() throws {
            let long = String(repeating: "so 5 ", count: 100)
            let tooLong = [Self.line("2+3?", long, "6"), Self.line("2+3?", "5", long)]
            let run = try train(tooLong + Self.preferences, "train.steps=1")
            let outcome = run.outcome
            #expect(outcome.status == 0, "\(outcome.errors)")
            let notes = outcome.errors.split(separator: "\n").filter {
                $0.contains("2 examples of ") && $0.contains("are longer than 256 tokens (lines 1, 2;") && $0.hasSuffix("and left out")
            }
            #expect(notes.count == 1, "\(outcome.errors)")
            #expect(try run.files.numbers("loss").count == 1)
            let refused = try train(tooLong + Self.preferences, "data.long_prompts=error").outcome
            #expect(refused.status == 65 && refused.errors.contains("or set data.long_prompts to skip"), "\(refused.errors)")
            let none = try train(tooLong).outcome
            #expect(none.status == 65 && none.errors.contains("no other problem is left"), "\(none.errors)")
            withExtendedLifetime(run.folder) {}
        }
    }
}
