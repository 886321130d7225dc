import Foundation
import Testing

extension ProgramTests {
    @Suite("says in one sentence what is wrong, with the exit code of its kind, and leaves nothing behind")
    struct Errors {
        struct Mistake: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let arguments: [String]
            let status: Int32
            /// For each sentence expected, texts that it has.
            let sentences: [[String]]

            init(_ name: String, _ arguments: [String], _ status: Int32, _ sentences: [[String]]) {
                (testDescription, self.arguments, self.status, self.sentences) = (name, arguments, status, sentences)
            }
        }

        static let mistakes = [
            Mistake(
                "all problems of a configuration at once",
                ["--set", "train.stps=5", "--set", "lag=99", "--set", "train.steps=many", "--set", "lora.rank", "--objective", "grop"], 78,
                [
                    ["'train.stps'", "'train.steps'"], ["lag is 99", "0 to 8"], ["train.steps is 'many'", "an integer"],
                    ["lora.rank", "key=value"], ["'grop'", "subtb"],
                ]),
            Mistake("settings of a file, with the line", ["--config", "wrong.yaml"], 78, [["wrong.yaml:3", "'train.stepz'", "'train.steps'"]]),
            Mistake("a file that is no YAML", ["--config", "broken.yaml"], 78, [["broken.yaml", "YAML"]]),
            Mistake("a missing configuration", ["--config", "nowhere.yaml"], 66, [["nowhere.yaml"]]),
            Mistake("a missing model", ["--model", "nowhere", "--set", "data.train=pathsum"], 66, [["nowhere", "model is missing"]]),
            Mistake("a missing adapter", ["--set", "adapter=nowhere"], 66, [["nowhere", "adapter"]]),
            Mistake("a bad line of data", ["--model", "MODEL", "--set", "data.train=bad.jsonl"], 65, [["bad.jsonl:3", "JSON object"]]),
            Mistake("a missing file of data", ["--model", "MODEL", "--set", "data.train=nowhere.jsonl"], 66, [["nowhere.jsonl"]]),
            Mistake("a resume without a run", ["--resume"], 66, [["--resume", "config.yaml"]]),
            Mistake("more learners than ranks", ["--set", "ranks.learners=9"], 78, [["ranks.learners is 9", "learner"]]),
        ]

        /// A folder with the files that the mistakes name.
        private func prepared() throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            _ = try folder.write("seed: 4\ntrain:\n  stepz: 7\n", to: "wrong.yaml")
            _ = try folder.write("train: [1, {\n", to: "broken.yaml")
            let good = "{\"question\": \"1 + 1\", \"answer\": \"2 #### 2\"}\n"
            _ = try folder.write(good + good + "{\"question\":\n" + good, to: "bad.jsonl")
            return folder
        }

        /// The embedded base as a folder that a user names.
        private func arguments(_ mistake: Mistake) -> [String] {
            let binaries = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            let model = binaries.appendingPathComponent("gfn-dist_gfn-dist.resources/Resources/pathsum-base").path
            return ["train"] + mistake.arguments.map { $0 == "MODEL" ? model : $0 } + ["--output", "run"]
        }

        private func expect(_ outcome: Program.Outcome, of mistake: Mistake, _ folder: TemporaryFolder) {
            #expect(outcome.status == mistake.status, "\(outcome.errors)")
            #expect(outcome.ownErrors.count == mistake.sentences.count, "each problem is said once: \(outcome.errors)")
            for sentence in mistake.sentences {
                #expect(
                    outcome.ownErrors.contains { line in sentence.allSatisfy { line.contains($0) } },
                    "no line says \(sentence): \(outcome.errors)")
            }
            #expect(outcome.output.isEmpty)
            #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/run"), "no run folder is left")
        }

        @Test("alone", arguments: mistakes)
        func alone(mistake: Mistake) throws {
            let folder = try prepared()
            expect(try runProgram(arguments(mistake), in: folder.path), of: mistake, folder)
        }

        @Test("once for all ranks", arguments: cases(mistakes, inDebugEach: 4))
        func together(mistake: Mistake) throws {
            let folder = try prepared()
            expect(try runProgram(arguments(mistake), under: ["mpirun", "-n", "2"], in: folder.path), of: mistake, folder)
        }

        @Test("an unknown option, and --ranks without --single, are errors of usage", arguments: [
            (["--frobnicate"], "--frobnicate"), (["--force"], "--resume"), (["--ranks", "3"], "--single"), (["--seed", "x"], "seed"),
        ])
        func usage(arguments: [String], named: String) throws {
            for launcher in [[], ["mpirun", "-n", "2"]] {
                let folder = try TemporaryFolder()
                let outcome = try runProgram(["train", "--output", "run"] + arguments, under: launcher, in: folder.path)
                #expect(outcome.status == 64)
                let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("gfn-dist: ") }
                #expect(lines.count == 1 && lines[0].contains(named), "\(outcome.errors)")
                #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/run"))
            }
        }

        @Test("a run folder that is taken stays as it is")
        func taken() throws {
            let finished = try Reference.run()
            let before = try #require(finished.files.text("metrics.jsonl"))
            let outcome = try runProgram(["train"] + Settings.standard.arguments + ["--output", finished.files.path])
            #expect(outcome.status == 78)
            #expect(outcome.ownErrors.count == 1 && outcome.errors.contains("--resume"), "\(outcome.errors)")
            #expect(finished.files.text("metrics.jsonl") == before)
            #expect(finished.files.adapter == finished.adapter)
        }

        @Test("a resume with an adapter of another size is a configuration error")
        func otherAdapter() throws {
            let finished = try Reference.run()
            for launcher in [[], ["mpirun", "-n", "2"]] {
                let outcome = try runProgram(
                    ["train", "--resume", "--force", "--set", "lora.rank=3", "--output", finished.files.path], under: launcher)
                #expect(outcome.status == 78)
                #expect(outcome.ownErrors.count == 1 && outcome.errors.contains("trainable parameters"), "\(outcome.errors)")
            }
            #expect(finished.files.adapter == finished.adapter)
        }
    }
}
