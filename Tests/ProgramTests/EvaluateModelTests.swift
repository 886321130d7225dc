import Foundation
import Testing

extension ProgramTests {
    @Suite("evaluate samples a model, counts, and goes on where it was stopped")
    struct EvaluateModel {
        private static let call = ["pathsum", "--limit", "4", "--samples-per-problem", "4", "--temperature", "0.7,1", "--quiet"]
        private static let forms = ["evaluation.json", "evaluation.txt", "evaluation.md", "evaluation.tex", "evaluation.svg"]

        private func files(_ folder: TemporaryFolder, _ name: String = "out") -> [String: Data] {
            (Self.forms + ["evaluate.yaml", "samples/pathsum.jsonl"])
                .reduce(into: [:]) { $0[$1] = FileManager.default.contents(atPath: "\(folder.path)/\(name)/\($1)") }
        }

        private func names(in path: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }

        @Test("an adapter has the numbers of the evaluation at the end of its training, and those of its greedy solutions")
        func training() throws {
            let settings = ["train.steps": "2", "evaluate.problems": "12", "evaluate.samples_per_problem": "4"]
            let run = try Reference.run(Settings.standard.with(settings))
            let trained = try EvaluationJSON(try #require(run.files.text("evaluation.json")))
            let folder = try TemporaryFolder()
            let adapter = ["--adapter", "\(run.files.path)/adapter", "--output", "out"]
            let json = try Evaluated(["pathsum", "--limit", "12", "--samples-per-problem", "4", "--quiet"] + adapter, in: folder).json
            json.without("greedy/").expectSame(as: trained.without("policy_version"))
            #expect(trained["policy_version"] == 2 && trained.leaves["adapter_sha256"] != nil)
            #expect(trained["exact/total_variation"] > 0 && json["greedy/pass_at/1"] >= 0 && json["greedy/pass_at/2"].isNaN)
        }

        @Test("the same bytes come out on any number of ranks, and the same numbers of the samples that were written")
        func ranks() throws {
            let folder = try TemporaryFolder()
            let expected = try Evaluated(Self.call + ["--output", "out"], in: folder)
            let written = files(folder)
            #expect(written.count == 7)
            for (name, launcher, options) in [("mpi", ["mpirun", "-n", "3"], []), ("single", [], ["--single", "--ranks", "2"])] {
                #expect(try Evaluated(Self.call + options + ["--output", name], under: launcher, in: folder).output == expected.output)
                for (file, bytes) in files(folder, name) { #expect(bytes == written[file], "\(name): \(file)") }
            }
            let samples = ["pathsum", "--limit", "4", "--samples", "out/samples/pathsum.jsonl"]
            let counted = try Evaluated(samples, in: folder)
            #expect(counted.errors.isEmpty, "\(counted.errors)")
            counted.json.expectSame(as: expected.json.without("exact/", "adapter_sha256"))
            #expect(expected.json.below("exact").leaves.count == 18 && expected.json.below("greedy").leaves.count > 20)
        }

        @Test("--output has the result in all its forms, of which JSON is what --json prints, beside the samples")
        func forms() throws {
            let folder = try TemporaryFolder()
            let printed = try Evaluated(Self.call + ["--no-greedy", "--output", "new/out"], in: folder)
            #expect(try names(in: "\(folder.path)/new/out") == (Self.forms + ["evaluate.yaml", "samples"]).sorted())
            #expect(try names(in: "\(folder.path)/new/out/samples") == ["pathsum.jsonl"])
            let written = files(folder, "new/out").mapValues { String(decoding: $0, as: UTF8.self) }
            try EvaluationJSON(try #require(written["evaluation.json"])).expectSame(as: printed.json)
            #expect(printed.json.below("greedy").leaves.isEmpty && printed.json.below("temperatures/0.7").leaves.count > 20)
            for (form, text) in [(".md", "|"), (".tex", "\\begin{tabular}"), (".svg", "</svg>"), (".txt", "accuracy")] {
                #expect(written["evaluation" + form]?.contains(text) == true, "\(form)")
            }
            #expect(written["samples/pathsum.jsonl"]?.split(separator: "\n").count == 4 * 8)
            // Settings as they are read back, with the temperatures, which no setting holds.
            #expect(written["evaluate.yaml"]?.hasPrefix("# temperatures: 0.7, 1.0\n") == true, "\(written["evaluate.yaml"] ?? "")")
            // The table that is printed without --json is the one in the folder.
            let table = try runProgram(["evaluate"] + Self.call + ["--no-greedy"], in: folder.path)
            #expect(table.status == 0 && table.output == written["evaluation.txt"])
        }

        @Test("settings count whether they come as options or as settings")
        func settings() throws {
            let folder = try TemporaryFolder()
            let options = try Evaluated(["pathsum", "--quiet", "--limit", "3", "--samples-per-problem", "2", "--seed", "3"], in: folder)
            let settings = ["evaluate.problems=3", "evaluate.samples_per_problem=2", "seed=3"].flatMap { ["--set", $0] }
            let others = try Evaluated(["pathsum"] + settings, in: folder)
            #expect(others.output == options.output)
            #expect(!others.errors.contains("evaluate: "), "\(others.errors)")
        }

        @Test("a signal ends sampling with 75, and --resume ends with the bytes of an undisturbed call, on other ranks as well")
        func resumes() throws {
            let folder = try TemporaryFolder()
            let call = ["pathsum", "--limit", "4", "--samples-per-problem", "64", "--quiet"]
            let expected = try Evaluated(call + ["--threads", "1", "--output", "whole"], in: folder)
            let whole = files(folder, "whole")
            #expect(whole.count == 7)
            func refuse(_ options: [String], _ text: String) throws {
                let outcome = try runProgram(["evaluate"] + call + ["--output", "alone"] + options, in: folder.path)
                #expect(outcome.status == 78 && outcome.ownErrors.count == 1 && outcome.errors.contains(text), "\(outcome.errors)")
                #expect(try names(in: "\(folder.path)/alone") == ["evaluate.yaml", "samples"])
            }
            for (name, launcher, signal, others) in [
                ("alone", [], SIGTERM, ["--single", "--ranks", "2", "--threads", "2"]),
                ("together", ["mpirun", "-n", "2"], SIGUSR1, ["--set", "kernels=portable"]),
            ] {
                let program = try Program(["evaluate"] + call + ["--threads", "1", "--output", name], under: launcher, in: folder.path)
                try program.reaches("the middle of sampling") {
                    let written = FileManager.default.contents(atPath: "\(folder.path)/\(name)/samples/pathsum.jsonl.partial")
                    return written?.contains(UInt8(ascii: "\n")) == true
                }
                program.send(signal)
                let stopped = try program.outcome()
                #expect(stopped.status == 75 && stopped.output.isEmpty, "\(stopped.errors)")
                #expect(stopped.ownErrors.count == 1 && stopped.errors.contains("--resume"), "\(stopped.errors)")
                if name == "alone" {
                    try refuse(["--resume", "--seed", "2"], "other settings")
                    try refuse([], "--resume")
                }
                let resumed = try Evaluated(call + others + ["--output", name, "--resume"], in: folder)
                #expect(resumed.output == expected.output && files(folder, name) == whole)
            }
            // Where all samples are there the result is counted again.
            try FileManager.default.removeItem(atPath: "\(folder.path)/alone/evaluation.json")
            #expect(try Evaluated(call + ["--output", "alone", "--resume"], in: folder).output == expected.output)
            #expect(files(folder, "alone") == whole)
        }

        @Test("without --output nothing stays behind, whatever the end")
        func temporary() throws {
            let folder = try TemporaryFolder()
            let place = "\(folder.path)/temporary"
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            let launcher = ["env", "TMPDIR=\(place)"]
            let call = ["evaluate", "pathsum", "--limit", "1", "--samples-per-problem", "2", "--quiet"]
            let endings: [(launcher: [String], options: [String], status: Int32)] = [
                ([], [], 0), (["mpirun", "-n", "2"], [], 0),
                ([], ["--adapter", "nowhere"], 66), ([], ["--by", "level"], 78), (["sh", "-c", "exec \"$0\" \"$@\" > /dev/full"], [], 74),
            ]
            for ending in endings {
                let outcome = try runProgram(call + ending.options, under: launcher + ending.launcher, in: folder.path)
                #expect(outcome.status == ending.status && outcome.ownErrors.count == (ending.status == 0 ? 0 : 1), "\(outcome.errors)")
                #expect(try names(in: place).filter { $0.hasPrefix("gfn-dist") } == [], "\(ending)")
            }
            let program = try Program(["evaluate", "pathsum", "--quiet", "--samples-per-problem", "16"], under: launcher, in: folder.path)
            try program.reaches("the middle of sampling") { (try? names(in: place).contains { $0.hasPrefix("gfn-dist") }) == true }
            program.send(SIGTERM)
            let outcome = try program.outcome()
            #expect(outcome.status == 75 && outcome.ownErrors.count == 1, "\(outcome.errors)")
            #expect(outcome.errors.contains("nothing of it is kept") && outcome.errors.contains("--output"), "\(outcome.errors)")
            #expect(try names(in: place) == [] && names(in: folder.path) == ["temporary"])
        }

        @Test("train evaluates each file of data.evaluate as evaluate does")
        func severalFiles() throws {
            let folder = try TemporaryFolder()
            // The model answers 5 to everything.
            let model = try RoteModel(ResponseEnds.families[3], answering: "5", "<|im_end|>").write(to: "\(folder.path)/model")
            for (name, answers) in [("a", [5, 5, 6]), ("b", [4, 5])] {
                let lines = try answers.map { try line(["question": "\(name)?", "answer": "#### \($0)"]) }
                _ = try folder.write(lines.joined(), to: "\(name).jsonl")
            }
            let settings = [
                "data.train=a.jsonl", "data.evaluate=a.jsonl,b.jsonl", "train.steps=2", "train.prompts_per_step=2",
                "rollout.samples_per_prompt=2", "train.learning_rate=0.05",
            ]
            let sampling = ["evaluate.samples_per_problem=3", "rollout.max_new_tokens=4", "evaluate.temperature=3"]
            func set(_ values: [String]) -> [String] { values.flatMap { ["--set", $0] } + ["--model", model, "--quiet"] }
            let outcome = try runProgram(["train", "--output", "run"] + set(settings + sampling), in: folder.path)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let trained = try EvaluationJSON(try #require(RunFiles(path: "\(folder.path)/run").text("evaluation.json")))
            let call = ["a.jsonl", "b.jsonl", "--adapter", "run/adapter", "--output", "out"]
            let evaluated = try Evaluated(call + set(sampling), in: folder).json
            for (element, name) in [("0", "'a.jsonl'"), ("1", "'b.jsonl'")] {
                let mine = trained.below(element)
                #expect(mine.leaves["dataset"] == name && mine["policy_version"] == 2)
                evaluated.below(element).without("greedy/").expectSame(as: mine.without("policy_version"))
            }
            #expect(trained["2/problems"].isNaN && evaluated["0/greedy/accuracy"] == 2 / 3.0 && evaluated["1/greedy/accuracy"] == 0.5)
            #expect(try names(in: "\(folder.path)/out/samples") == ["a.jsonl", "b.jsonl"])
        }
    }
}
