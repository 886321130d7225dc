import Foundation
import Learner
import Model
import Testing

extension ProgramTests {
    @Suite("export")
    struct Export {
        private struct Result: Decodable {
            let kind, path, dtype: String
            let files: [String]
            let tensors, parameters, adapted: Int
            let sha256: [String: String]
        }

        private static func export(_ arguments: [String], in folder: TemporaryFolder) throws -> Result {
            let outcome = try runProgram(["export", "--json", "--quiet"] + arguments, in: folder.path)
            guard outcome.status == 0 else {
                throw Program.Failure(text: "export \(arguments) ended with \(outcome.status): \(outcome.errors)")
            }
            #expect(outcome.errors.isEmpty)
            let result = try JSONDecoder().decode(Result.self, from: Data(outcome.output.utf8))
            for (name, digest) in result.sha256 {
                let path = result.kind == "GGUF adapter" ? "\(folder.path)/\(result.path)" : "\(folder.path)/\(result.path)/\(name)"
                #expect(sha256Hex(try Data(contentsOf: URL(fileURLWithPath: path))) == digest, "\(path)")
            }
            return result
        }

        private static func sums(_ text: String) throws -> [Double] {
            struct Line: Decodable { let sum_logprob: Double }
            return try text.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)).sum_logprob }
        }

        @Test("a run becomes a PEFT folder, a merged one that scores as base and adapter do, and a GGUF file; on any threads")
        func run() throws {
            let run = try Reference.run()
            let folder = try TemporaryFolder()
            let peft = try Self.export([run.files.path, "--to", "adapter"], in: folder)
            #expect(peft.kind == "PEFT adapter" && peft.dtype == "F32")
            #expect(peft.files == ["adapter_config.json", "adapter_model.safetensors"])
            #expect(FileManager.default.contents(atPath: "\(folder.path)/adapter/adapter_model.safetensors") == run.adapter)

            let merged = try Self.export([run.files.path, "--merge", "--to", "merged", "--threads", "1"], in: folder)
            let again = try Self.export(["--adapter", "adapter", "--merge", "--to", "made/again/", "--threads", "3"], in: folder)
            #expect(merged.kind == "merged model" && merged.dtype == "BF16" && merged.adapted == peft.tensors / 2)
            #expect(merged.sha256 == again.sha256 && again.path == "made/again")
            let lines = (40..<46).map { "{\"prompt_tokens\": [1, \($0), 45, 117], \"completion_tokens\": [114, 9, \($0 + 5), 118]}" }
            let input = try folder.write(lines.joined(separator: "\n"), to: "in.jsonl")
            let call = ["score", input, "--quiet", "--precision", "fp32"]
            let base = try Self.sums(try runProgram(call).output)
            let adapted = try Self.sums(try runProgram(call + ["--adapter", "adapter"], in: folder.path).output)
            let whole = try Self.sums(try runProgram(call + ["--model", "merged"], in: folder.path).output)
            #expect(adapted.count == 6 && whole.count == 6 && adapted != base)
            // Weights of eight bits: four tokens are off by a few thousandths each.
            for (one, other) in zip(adapted, whole) { #expect(abs(one - other) < 0.1, "\(adapted) \(whole)") }

            let gguf = try Self.export([run.files.path, "--to", "adapter.gguf"], in: folder)
            #expect(gguf.kind == "GGUF adapter" && gguf.tensors == peft.tensors && gguf.parameters == peft.parameters)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            #expect(names == ["adapter", "adapter.gguf", "in.jsonl", "made", "merged"])
        }

        @Test("a checkpoint is another version than the end of the run")
        func step() throws {
            let run = try Reference.run()
            let folder = try TemporaryFolder()
            let earlier = try Self.export([run.files.path, "--step", "6", "--to", "earlier"], in: folder)
            #expect(
                FileManager.default.contents(atPath: "\(folder.path)/earlier/adapter_model.safetensors")
                    == FileManager.default.contents(atPath: "\(run.files.path)/checkpoints/step-6/adapter_model.safetensors"))
            let last = try Self.export([run.files.path, "--step", "\(Settings.steps)", "--to", "last"], in: folder)
            let end = try Self.export([run.files.path, "--to", "end"], in: folder)
            #expect(last.sha256 == end.sha256 && earlier.sha256 != end.sha256)
        }

        @Test("a run that trained all weights has a model: at its end as it is, of a checkpoint with all that belongs to it; no adapter")
        func full() throws {
            let folder = try TemporaryFolder()
            let settings = Settings.standard.with([
                "trainable": "full", "train.steps": "1", "checkpoint.every": "1", "evaluate.problems": "1",
            ])
            let arguments = ["train", "--quiet", "--output", "run", "--threads", "1"] + settings.arguments
            let trained = try runProgram(arguments, in: folder.path)
            #expect(trained.status == 0, "\(trained.errors)")
            let end = try Self.export(["run", "--to", "end"], in: folder)
            let checkpoint = try Self.export(["run", "--step", "1", "--to", "checkpoint"], in: folder)
            #expect(end.kind == "model" && end.adapted == 0)
            for name in end.files {
                for copy in ["end", "checkpoint"] {
                    let (written, original) = ("\(folder.path)/\(copy)/\(name)", "\(folder.path)/run/model/\(name)")
                    #expect(FileManager.default.contentsEqual(atPath: written, andPath: original), "\(copy)/\(name)")
                }
            }
            #expect(end.files == checkpoint.files)
            let refused = try runProgram(["export", "run", "--to", "a.gguf"], in: folder.path)
            #expect(refused.status == 78 && refused.ownErrors.count == 1 && refused.errors.contains("trainable: full"), "\(refused.errors)")
        }

        struct Mistake: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let arguments: [String]
            let status: Int32
            let texts: [String]
        }

        static let mistakes = [
            Mistake(testDescription: "nothing to export", arguments: ["--to", "x"], status: 64, texts: ["name a run", "--adapter"]),
            Mistake(
                testDescription: "two adapters", arguments: ["RUN", "--adapter", "a", "--to", "x"], status: 64,
                texts: ["adapter of its own"]),
            Mistake(
                testDescription: "merged GGUF", arguments: ["RUN", "--merge", "--to", "x.gguf"], status: 64,
                texts: ["--merge", "x.gguf"]),
            Mistake(testDescription: "a full folder", arguments: ["RUN", "--to", "full"], status: 78, texts: ["--to full", "not empty"]),
            Mistake(
                testDescription: "a file there", arguments: ["RUN", "--to", "there.gguf"], status: 78,
                texts: ["there.gguf", "holds something"]),
            Mistake(
                testDescription: "a file for a folder", arguments: ["RUN", "--to", "full/file"], status: 78,
                texts: ["full/file is a file"]),
            Mistake(
                testDescription: "no run", arguments: ["full", "--to", "x"], status: 66,
                texts: ["full is not a run folder", "config.yaml"]),
            Mistake(
                testDescription: "no such step", arguments: ["RUN", "--step", "77", "--to", "x"], status: 66,
                texts: ["no checkpoint of step 77", "8"]),
            Mistake(
                testDescription: "no adapter", arguments: ["--adapter", "full", "--to", "x"], status: 66,
                texts: ["full", "adapter_config.json"]),
            Mistake(
                testDescription: "no model", arguments: ["RUN", "--model", "nowhere", "--to", "x"], status: 66,
                texts: ["nowhere", "missing"]),
            Mistake(
                testDescription: "a random model", arguments: ["RUN", "--model", "random", "--to", "x"], status: 78,
                texts: ["model is 'random'"]),
            Mistake(
                testDescription: "no place to write", arguments: ["RUN", "--to", "full/file/x"], status: 74,
                texts: ["full/file", "could not be written"]),
        ]

        @Test("mistakes are said in one sentence, with the exit code, and nothing is left", arguments: mistakes)
        func refuses(_ mistake: Mistake) throws {
            let run = try Reference.run()
            let folder = try TemporaryFolder()
            try FileManager.default.createDirectory(atPath: "\(folder.path)/full", withIntermediateDirectories: true)
            _ = try folder.write("x", to: "full/file")
            _ = try folder.write("x", to: "there.gguf")
            let outcome = try runProgram(["export"] + mistake.arguments.map { $0 == "RUN" ? run.files.path : $0 }, in: folder.path)
            #expect(outcome.status == mistake.status && outcome.output.isEmpty, "\(outcome)")
            if mistake.status != 64 { #expect(outcome.ownErrors.count == 1, "\(outcome.errors)") }
            #expect(mistake.texts.allSatisfy { outcome.errors.contains($0) }, "\(outcome.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["full", "there.gguf"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/full") == ["file"])
        }

        @Test("an empty folder and an empty file are filled")
        func empty() throws {
            let run = try Reference.run()
            let folder = try TemporaryFolder()
            try FileManager.default.createDirectory(atPath: "\(folder.path)/a", withIntermediateDirectories: true)
            _ = try folder.write("", to: "a.gguf")
            #expect(try Self.export([run.files.path, "--to", "a"], in: folder).files.count == 2)
            #expect(try Self.export([run.files.path, "--to", "a.gguf"], in: folder).tensors > 0)
        }
    }
}
