import Foundation
import TestSupport
import Testing

extension ProgramTests {
    @Suite("rewards are combined by settings and by presets")
    struct RewardPresets {
        /// The settings that a call would run with, as `name: value   # origin` without indentation.
        private static func resolved(_ arguments: [String], command: [String] = ["train"]) throws -> [String] {
            let outcome = try runProgram(command + ["--dry-run"] + arguments)
            #expect(outcome.status == 0 && outcome.ownErrors.isEmpty, "\(outcome.errors)")
            return outcome.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        }

        private static let otherTask = ["--model", "m.gguf", "--set", "data.train=t.jsonl"]
        private static let judged = ["--set", "reward_model=judge"]

        @Test("a preset is a layer above the task's settings and below what a person chose", arguments: [
            ("paper", judged, "correct: 0   # preset paper", "process: 1   # preset paper"),
            ("paper", judged + otherTask, "correct: 0   # preset paper", "process: 1   # preset paper"),
            ("paper+verifier", judged, "correct: 10   # embedded pathsum-subtb.yaml:", "process: 1   # preset paper+verifier"),
            ("paper+verifier", judged + otherTask, "correct: 10   # default", "process: 1   # preset paper+verifier"),
            ("verifier", [], "correct: 10   # embedded pathsum-subtb.yaml:", "process: 0   # preset verifier"),
            ("verifier", otherTask, "correct: 10   # default", "process: 0   # preset verifier"),
            ("none", [], "correct: 10   # embedded pathsum-subtb.yaml:", "process: 0.54   # embedded pathsum.yaml:"),
            ("paper", judged + ["--set", "reward.correct=3"], "correct: 3   # --set", "process: 1   # preset paper"),
        ])
        func layer(preset: String, arguments: [String], correct: String, process: String) throws {
            let lines = try Self.resolved(["--set", "reward.preset=\(preset)"] + arguments)
            #expect(lines.contains("preset: \(preset)   # --set"))
            #expect(lines.contains { $0.hasPrefix(correct) } && lines.contains { $0.hasPrefix(process) }, "\(lines)")
        }

        @Test("a file may name a preset and set what it sets, and sampling has presets too")
        func file() throws {
            let folder = try TemporaryFolder()
            let path = try folder.write("reward:\n  preset: paper\n  process: 0.5\n  model: judge\n", to: "settings.yaml")
            let expected = ["preset: paper   # \(path):2", "correct: 0   # preset paper", "process: 0.5   # \(path):3"]
            for lines in [
                try Self.resolved(["--config", path]), try Self.resolved(["--config", path], command: ["sample", "pathsum"]),
            ] {
                #expect(expected.allSatisfy(lines.contains), "\(lines)")
            }
        }

        @Test("reward.model is another name of reward_model, and later layers win under either name")
        func alias() throws {
            let folder = try TemporaryFolder()
            let nested = try folder.write("reward:\n  model: a\n", to: "nested.yaml")
            let plain = try folder.write("reward_model: a\n", to: "plain.yaml")
            for (arguments, expected) in [
                (["--set", "reward.model=b"], "reward_model: \"b\"   # --set"),
                (["--config", nested], "reward_model: \"a\"   # \(nested):2"),
                (["--config", nested, "--set", "reward_model=b"], "reward_model: \"b\"   # --set"),
                (["--config", plain, "--set", "reward.model=b"], "reward_model: \"b\"   # --set"),
                (["--set", "reward_model=b", "--set", "reward.model=c"], "reward_model: \"c\"   # --set"),
            ] {
                let lines = try Self.resolved(arguments)
                #expect(lines.contains(expected) && lines.contains { $0.hasPrefix("model: \"\"") }, "\(lines)")
            }
        }

        struct Mistake: Sendable, CustomTestStringConvertible {
            let arguments: [String]
            let sentences: [String]
            var testDescription: String { arguments.joined(separator: " ") }

            init(_ settings: [String], objective: String = "subtb", _ sentences: String...) {
                arguments = ["--objective", objective] + settings.flatMap { ["--set", $0] }
                self.sentences = sentences
            }

            static func withoutRewards(_ objective: String, _ reason: String) -> Mistake {
                Mistake(
                    ["reward.preset=verifier"], objective: objective,
                    "reward.preset is verifier, but objective is \(objective), which learns from \(reason) and not from rewards; "
                        + "leave it out")
            }

            static func withoutModel(_ preset: String) -> Mistake {
                Mistake(
                    ["reward.preset=\(preset)"],
                    "reward.preset is \(preset), whose process score is a reward model's, but reward_model is empty; "
                        + "name the folder of one with --set reward_model=FOLDER")
            }
        }

        static let mistakes: [Mistake] = [
            .withoutModel("paper"), .withoutModel("paper+verifier"), .withoutRewards("sft", "solutions"),
            .withoutRewards("rft", "solutions"),
            .withoutRewards("dpo", "pairs of responses"),
            Mistake(
                ["reward.preset=verifier", "reward.model=judge"],
                "reward.preset is verifier, which has no process score, but reward_model is judge, which nothing would ask; "
                    + "leave one of them out"),
            Mistake(
                ["reward.preset=verifiers"],
                "--set: reward.preset is 'verifiers', expected one of none, paper, paper+verifier, verifier "
                    + "(values of reward.process, .correct, .unfinished and .reference by a name (docs/reward.md))"),
            Mistake(
                ["reward.minimum=3", "reward.maximum=-2.5"],
                "reward.minimum is 3, above reward.maximum, which is -2.5; expected a lower number, or none"),
            Mistake(
                ["reward.aggregate=mean"],
                "--set: reward.aggregate is 'mean', expected one of min, product, mean-log, last "
                    + "(how the scores of a response's steps become one)"),
            Mistake(["reward_modle=x"], "--set: there is no setting 'reward_modle'; did you mean 'reward_model'?"),
        ]

        @Test("what makes no sense is refused with exit code 78", arguments: mistakes)
        func refused(mistake: Mistake) throws {
            let folder = try TemporaryFolder()
            let outcome = try runProgram(["train"] + mistake.arguments + ["--output", "run"], in: folder.path)
            #expect(outcome.status == 78, "\(outcome.errors)")
            #expect(outcome.ownErrors == mistake.sentences.map { "gfn-dist: \($0)" })
            #expect(outcome.output.isEmpty && !FileManager.default.fileExists(atPath: "\(folder.path)/run"))
        }

        @Test("a run with a preset has the bytes of one with its values, and is resumed with the values that it began with")
        func resumed() throws {
            let run = try train(Settings.standard.with(["reward.preset": "verifier"]), on: .single(1))
            #expect(try Reference.run(Settings.standard.with(["reward.process": "0", "reward.reference": "1"])).digest == run.digest)
            let settings = try #require(run.files.text("config.yaml"))
            let path = "\(run.files.path)/config.yaml"
            for lines in [
                try Self.resolved(["--config", path]), try Self.resolved(["--resume", "--output", run.files.path]),
            ] {
                let values = lines.map { $0.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces) }
                #expect(values == settings.split(separator: "\n").dropFirst().map { $0.trimmingCharacters(in: .whitespaces) })
            }
            let outcome = try runProgram(["train", "--resume", "--output", run.files.path, "--set", "reward.preset=none"])
            #expect(outcome.status == 78)
            for text in ["--set: reward.preset was verifier and is none now", ": reward.process was 0 and is 0.54 now", "--force"] {
                #expect(outcome.ownErrors.contains { $0.contains(text) }, "no line says \(text): \(outcome.errors)")
            }
            #expect(run.files.text("config.yaml") == settings)
            // Another preset has its own values, and those of the task where it has none.
            let other = try Self.resolved(
                ["--resume", "--output", run.files.path, "--set", "reward.preset=paper"] + Self.judged)
            #expect(other.contains("correct: 0   # preset paper") && other.contains("process: 1   # preset paper"))
        }

        private struct Sample: Decodable {
            let process: Double, finished: Bool, correct: Bool, reward: Double
            let log_reference: Double?
            let step_rewards: [Double]?
        }

        @Test("samples have the parts of their rewards, before weights, clamps and schedules", arguments: [0.25, 0])
        func parts(α: Double) throws {
            let run = try train(
                Settings.standard.with([
                    "samples.every": "4", "reward.unfinished": "-3", "reward.minimum": "-4", "reward.maximum": "7.5",
                    "reward.temperature": "2", "reward.temperature_final": "1", "reward.aggregate": "mean-log", "reward.reference": "\(α)",
                ]), on: .single(1))
            var (clamped, plain) = (0, 0)
            // A step's schedules are those of the step before it ends.
            for (step, temperature) in [(4, 2 - 3.0 / 8), (8, 2 - 7.0 / 8)] {
                for line in try #require(run.files.text("samples/step-\(step).jsonl")).split(separator: "\n") {
                    let sample = try JSONDecoder().decode(Sample.self, from: Data(line.utf8))
                    let sum = 0.54 * sample.process + (sample.correct ? 8 : 0) - (sample.finished ? 0 : 3)
                    if (-4...7.5).contains(sum) { plain += 1 } else { clamped += 1 }
                    #expect((sample.log_reference == nil) == (α == 0) && sample.step_rewards == nil)
                    let expected = min(max(sum, -4), 7.5) / temperature + α * (sample.log_reference ?? 0)
                    expectClose(sample.reward, expected, relative: 1e-9, absolute: 1e-9)
                }
            }
            #expect(clamped > 0 && plain > 0)
        }
    }
}
