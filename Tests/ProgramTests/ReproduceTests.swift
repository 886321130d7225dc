import Foundation
import Testing

extension ProgramTests {
    @Suite("from the base to the paper's comparison (scripts/reproduce-paper.sh)")
    struct ReproduceTests {
        private static let methods = ["subtb", "ppo", "rft", "again"]

        private func reproduce(_ arguments: [String], launch: String = "env", in folder: TemporaryFolder) throws -> Program.Outcome {
            try Program(script: "reproduce-paper.sh", arguments, launch: launch, in: folder.path).outcome(limit: .seconds(600))
        }

        @Test(
            "all stages, two at once; what is done is not done again, and what was cut off ends with the same bytes, on other ranks too",
            .enabled(if: isOptimised, "in release: it is a script that is tried"))
        func stages() throws {
            let folder = try TemporaryFolder()
            let output = RunFiles(path: "\(folder.path)/out")
            let planned = try reproduce(["short", "--output", "out", "--dry-run"], in: folder)
            #expect(planned.status == 0 && !output.exists(""), "\(planned.errors)")
            let start = {
                try Program(
                    script: "reproduce-paper.sh", ["short", "--output", "out"], launch: "env", environment: ["JOBS=2"], in: folder.path)
            }
            // A signal ends a run of training and what else there is, which are saved; the same command goes on with them.
            let cut = try start()
            #expect(holds(within: .seconds(120)) { output.exists("runs/subtb-1/run/config.yaml") || !cut.isRunning })
            cut.send(SIGTERM)
            let interrupted = try cut.outcome()
            #expect(interrupted.status == 75)
            #expect(interrupted.errors.hasSuffix("reproduce-paper.sh: interrupted; run the same command to go on\n"), "\(interrupted.errors)")
            let whole = try start().outcome(limit: .seconds(600))
            #expect(whole.status == 0, "\(whole.errors)")
            let stages = { (text: String) in Set(text.split(separator: "\n").filter { $0.hasPrefix("[") }) }
            #expect(stages(interrupted.errors).union(stages(whole.errors)) == stages(planned.output))
            #expect(stages(interrupted.errors).intersection(stages(whole.errors)).count <= 2, "no more than were cut off")

            let page = try #require(output.text("results.md"))
            #expect(page == whole.output)
            for method in ["base"] + Self.methods { #expect(page.contains("| \(method) | ")) }
            for method in Self.methods.dropFirst() { #expect(page.contains("At equal accuracy, in multiples of \(method): ")) }
            for method in Self.methods {
                #expect(page.split(separator: "\n").count { $0.hasPrefix("| \(method) | train.") && $0.hasSuffix(" ✓ |") } == 1)
            }
            for method in Self.methods.dropFirst() { #expect(page.contains("\(method): difference from subtb on 8 problems; ")) }
            #expect(page.contains("## By steps\n\nAt equal accuracy: ") && page.contains("\n| steps (problems), samples | accuracy ≥ 0.5: "))
            #expect(page.contains("## Other thresholds\n\nAt") && page.contains("\n| Samples | accuracy ≥ 0.5: distinct 0.5 | "))
            #expect(page.contains("## With 8 samples of each problem\n\nOf 4 samples ") && output.text("many/evaluation.json")?.contains("\"8\"") == true)
            #expect(page.contains("## On pathsum-held-out-high\n\nAccuracy in % ") && !page.contains("\n\n\n"))
            // What a method has of its own: it goes on from another one's adapter of the same seed.
            let own = try #require(output.text("runs/again-2/command"))
            for setting in ["data.train=pathsum-fit-high", "adapter=out/runs/subtb-2/run/adapter", "reward_model=out/reward-again/run"] {
                #expect(own.contains("--set \(setting)"), "\(own)")
            }
            #expect(output.text("reward-again/command")?.contains("labels.flipped=0.3") == true)
            let table = try #require(output.text("table/evaluation.json"))
            for method in Self.methods { #expect(table.contains("\"\(method)\"")) }
            #expect(table.contains("\"runs\" : 2"))
            // All see as many sampled solutions: 8 steps of 4 prompts × 4, or 4 steps of 8.
            for (method, steps) in [("subtb", 8), ("ppo", 4), ("rft", 4), ("again", 4)] {
                let sampled = RunFiles(path: "\(output.path)/runs/\(method)-2/run")
                #expect(try sampled.metrics().count { $0["accuracy"] != nil } == steps, "\(method)")
            }

            let again = try reproduce(["short", "--output", "out"], in: folder)
            #expect(again.status == 0 && again.errors.isEmpty && again.output == page)

            let ppo = ["trained", "run/adapter", "run/evaluation.json", "test.jsonl"].map { "runs/ppo-2/\($0)" }
            for lost in ppo + ["table", "against-rft", "results.md"] {
                try FileManager.default.removeItem(atPath: "\(output.path)/\(lost)")
            }
            let ratios = try #require(output.text("against-ppo/evaluation.json"))
            let mended = try reproduce(["short", "--output", "out"], launch: "mpirun -n 2", in: folder)
            let done = mended.errors.split(separator: "\n").map { $0.drop { $0 != " " }.dropFirst() }
            #expect(done == ["train ppo, seed 2", "samples of ppo, seed 2", "evaluation against rft", "the paper's table", "page"])
            #expect(output.text("table/evaluation.json") == table && output.text("against-ppo/evaluation.json") == ratios)

            _ = try folder.write("title=other\n" + (output.text("configuration") ?? ""), to: "short.conf")
            let other = try reproduce(["\(folder.path)/short.conf", "--output", "out"], in: folder)
            #expect(other.status == 78 && other.errors.contains("another configuration"), "\(other.errors)")
        }

        private static let right = """
            train=pathsum-fit validation=pathsum-validation test=pathsum-held-out trajectories=4000
            methods=(subtb)
            grid_subtb=(train.learning_rate=1e-3)

            """

        @Test("mistakes in a configuration are said in a sentence, before anything is made", arguments: [
            ("learning_rate=3", 78, "sets learning_rate, which is none of the names"),
            ("trajectories=many", 78, "trajectories=many, expected a whole number"),
            ("train=", 78, "does not set train"), ("test=gsm8k/test.jsonl", 66, "gsm8k/test.jsonl is not there"),
            ("methods=(subtb ppo)", 78, "has no grid_ppo="), ("methods=(sft) grid_sft=(x)", 78, "compares sft"),
            ("methods=(full) objective_full=sft grid_full=(x)", 78, "compares sft"), ("methods=()", 78, "names no methods"),
            ("model_subtb=nowhere", 66, "the model nowhere"), ("train_subtb=nowhere", 66, "nowhere is not there"),
            ("also=(nowhere)", 66, "nowhere is not there"), ("prompts_ppo=3", 78, "sets prompts_ppo, which is none of the names"),
            ("start_subtb=ppo", 78, "starts subtb from ppo, expected a method that comes before it"),
            (
                "methods=(subtb more) grid_more=(x y) objective_more=subtb start_more=subtb", 78,
                "has several settings of more, which starts from subtb"
            ),
            ("reward_model_subtb=(labels.flipped=0.3)", 78, "has reward_model_subtb, and no reward=(…)"),
            ("jobs=0", 78, "has jobs=0, expected how many stages"), ("jobs=two", 78, "jobs=two, expected a whole number"),
            ("model=nowhere", 66, "the model nowhere is not there"), ("trajectories=100", 78, "less than one step of subtb, 16 × 8"),
            ("grid_subtb=(train.speed=1)", 78, "train.speed"),
            ("table_temperatures=0.6,0.7", 78, "has 0.7 in table_temperatures and not in curve_temperatures"),
        ])
        func mistakes(line: String, status: Int32, sentence: String) throws {
            let folder = try TemporaryFolder()
            let path = try folder.write(Self.right + line + "\n", to: "mine.conf")
            let outcome = try reproduce([path, "--dry-run"], in: folder)
            #expect(outcome.status == status && outcome.errors.contains(sentence), "\(outcome.status) \(outcome.errors)")
            #expect(outcome.output.isEmpty && outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["mine.conf"])
        }

        @Test("a configuration that is not there, and options that are none")
        func usage() throws {
            let folder = try TemporaryFolder()
            for (arguments, status, sentence) in [
                (["nowhere"], Int32(66), "there is no configuration nowhere; expected a file, or one of base-sizes llama3-8b lora-or-full "),
                ([], 64, "name a configuration: base-sizes"), (["short", "--fast"], 64, "unknown option --fast"),
                (["short", "--output"], 64, "--output needs"),
            ] {
                let outcome = try reproduce(arguments, in: folder)
                #expect(outcome.status == status && outcome.errors.hasPrefix("reproduce-paper.sh: \(sentence)"), "\(outcome.errors)")
            }
        }

        @Test("the configurations that ship are whole: with files in place, every run's settings are right",
            arguments: ["smollm2-gsm8k", "smollm2-sums", "llama3-8b"])
        func shipped(name: String) throws {
            let folder = try TemporaryFolder()
            for path in ["gsm8k", "sums", "models/Meta-Llama-3-8B"] {
                try FileManager.default.createDirectory(atPath: "\(folder.path)/\(path)", withIntermediateDirectories: true)
            }
            let data = ["gsm8k/fit", "gsm8k/validation", "gsm8k/test", "svamp"] + ["fit", "fit-low", "fit-high"].map { "sums/\($0)" }
            for file in data + ["sums/held-out-low", "sums/held-out-high"] { _ = try folder.write("", to: "\(file).jsonl") }
            _ = try folder.write("", to: "models/SmolLM2-135M-Instruct.Q4_1.gguf")
            let outcome = try reproduce([name, "--dry-run"], in: folder)
            #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
            #expect(outcome.output.contains("supervised fine-tuning") && outcome.output.contains(", seed 3"))
        }
    }
}
