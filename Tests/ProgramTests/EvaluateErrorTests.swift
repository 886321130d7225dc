import Foundation
import Testing

extension ProgramTests {
    @Suite("evaluate says what is wrong once, with its exit code")
    struct EvaluateErrors {
        struct Mistake: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let arguments: [String]
            let status: Int32
            let texts: [String]

            init(_ name: String, _ arguments: [String], _ status: Int32, _ texts: [String]) {
                (testDescription, self.arguments, self.status, self.texts) = (name, arguments, status, texts)
            }
        }

        private static func samples(_ name: String, _ more: String...) -> [String] { ["problems.jsonl", "--samples", name] + more }

        static let mistakes = [
            Mistake(
                "an unknown problem", samples("unknown.jsonl"), 65,
                ["2 samples of problems that problems.jsonl does not", "line 3", "'x'", "'a', 'b'"]),
            Mistake("unequal numbers", samples("unequal.jsonl"), 65, ["from 1 (problem 'b') to 2 samples", "--samples-per-problem 1"]),
            Mistake(
                "too few samples", samples("unequal.jsonl", "--samples-per-problem", "2"), 65, ["1 samples of problem 'b'", "at most 1"]),
            Mistake("a repeated number", samples("repeated.jsonl"), 65, ["repeated.jsonl:3 repeats sample_index 0 of problem 'b'"]),
            Mistake("a bad line", samples("bad.jsonl"), 65, ["bad.jsonl:2"]),
            Mistake("a sample without a text", samples("textless.jsonl"), 65, ["textless.jsonl:1", "text"]),
            Mistake("an empty file", samples("empty.jsonl"), 65, ["empty.jsonl"]),
            Mistake("a bad line of problems", ["textless.jsonl", "--samples", "good.jsonl"], 65, ["textless.jsonl:1"]),
            Mistake("no samples", samples("nowhere.jsonl"), 66, ["nowhere.jsonl does not exist"]),
            Mistake("no problems", ["nowhere.jsonl", "--samples", "good.jsonl"], 66, ["nowhere.jsonl"]),
            Mistake("a folder of samples", samples("folder"), 66, ["folder is no regular file"]),
            Mistake("a pipe of samples", samples("pipe"), 66, ["pipe is no regular file"]),
            Mistake("an unknown field", samples("good.jsonl", "--by", "level"), 78, ["--by level", "problems.jsonl"]),
            Mistake("a field of the embedded task", ["pathsum", "--samples", "good.jsonl", "--by", "level"], 78, ["--by level", "steps, operations, solutions"]),
            Mistake("a rule for texts on the embedded task", ["pathsum", "--judge", "strict-match"], 78, ["--judge strict-match"]),
            Mistake(
                "sets of unequal numbers", samples("good.jsonl", "--samples", "first.jsonl", "--against", "good"), 78,
                ["first.jsonl has 1", "good.jsonl 2", "--samples-per-problem"]),
            Mistake("no model", ["problems.jsonl"], 78, ["no model", "--model"]),
            Mistake("a missing model", ["problems.jsonl", "--model", "nowhere"], 66, ["nowhere"]),
            Mistake("an unknown setting beside samples", samples("good.jsonl", "--set", "sed=1"), 78, ["sed", "seed"]),
            Mistake("an unknown setting", ["pathsum", "--set", "evaluate.problem=1"], 78, ["evaluate.problem", "evaluate.problems"]),
            Mistake("a folder with a result", samples("good.jsonl", "--output", "result"), 78, ["evaluation.json", "another folder"]),
            Mistake("the folder of a run", samples("good.jsonl", "--output", "run"), 78, ["config.yaml", "another folder"]),
            Mistake("nothing to go on with", ["pathsum", "--output", "folder", "--resume"], 66, ["folder holds no evaluation"]),
            Mistake("a folder below a file", samples("good.jsonl", "--output", "good.jsonl/out"), 74, ["good.jsonl/out"]),
            Mistake("a file as folder", samples("good.jsonl", "--output", "good.jsonl"), 74, ["good.jsonl"]),
        ]

        private func folder() throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            func lines(_ samples: [(String, Int)]) throws -> String {
                try samples.map { try line(["problem_id": $0, "sample_index": $1, "text": "#### 5"]) }.joined()
            }
            for (name, text) in [
                ("problems.jsonl", try ["a", "b"].map { try line(["id": $0, "question": "?", "answer": "5"]) }.joined()),
                ("good.jsonl", try lines([("a", 0), ("a", 1), ("b", 0), ("b", 1)])),
                ("first.jsonl", try lines([("a", 0), ("b", 0)])),
                ("unknown.jsonl", try lines([("a", 0), ("b", 0), ("x", 0), ("y", 0)])),
                ("unequal.jsonl", try lines([("a", 0), ("a", 1), ("b", 0)])),
                ("repeated.jsonl", try lines([("a", 0), ("b", 0), ("b", 0), ("a", 1)])),
                ("bad.jsonl", try lines([("a", 0)]) + "{\"problem_id\":\n"),
                ("textless.jsonl", "{\"problem_id\":\"a\"}\n"), ("empty.jsonl", ""),
            ] { _ = try folder.write(text, to: name) }
            for name in ["folder", "result", "run"] {
                try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
            }
            _ = try folder.write("{}\n", to: "result/evaluation.json")
            _ = try folder.write("seed: 1\n", to: "run/config.yaml")
            mkfifo("\(folder.path)/pipe", 0o600)
            return folder
        }

        @Test("mistakes in files and settings leave nothing that the next call would have to name another folder for", arguments: mistakes)
        func refuses(_ mistake: Mistake) throws {
            let folder = try folder()
            let output = mistake.arguments.contains("--output") ? [] : ["--output", "out"]
            let before = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
            // Only one under mpirun, which takes a second to start.
            let isForAll = mistake.testDescription == "an unknown problem"
            for launcher in isForAll ? [[], ["mpirun", "-n", "2"]] : [[]] {
                let outcome = try runProgram(["evaluate", "--quiet"] + mistake.arguments + output, under: launcher, in: folder.path)
                #expect(outcome.status == mistake.status, "\(launcher): \(outcome.errors)")
                #expect(outcome.ownErrors.count == 1 && outcome.output.isEmpty, "\(launcher): \(outcome.errors)")
                for text in mistake.texts {
                    #expect(outcome.ownErrors.first?.contains(text) == true, "\(text) is not in \(outcome.errors)")
                }
                #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() == before)
            }
        }

        @Test("what the message on unequal numbers advises works")
        func advice() throws {
            let json = try Evaluated(Self.samples("unequal.jsonl", "--samples-per-problem", "1"), in: folder()).json
            json.expect(["problems": 2, "samples_per_problem": 1, "temperatures/unknown/accuracy": 1])
        }

        @Test("options that make no sense are errors of usage", arguments: [
            (samples("good.jsonl", "--samples", "other/good.jsonl"), "two sets of samples are called good"),
            (samples("x=good.jsonl", "--samples", "x=good.jsonl"), "x=good.jsonl is there twice"),
            (samples("x=good.jsonl", "--samples", "x=first.jsonl", "--against", "x"), "give another"),
            (samples("good.jsonl", "--samples", "first.jsonl", "--against", "firts"), "one of good, first"),
            (samples("good.jsonl", "--against", "good"), "give another"), (["pathsum", "--against", "good"], "--against good"),
            (["pathsum", "--resume"], "--output"), (["pathsum", "--output", ""], "--output is empty"),
            (samples("good.jsonl", "--output", "out", "--resume"), "leave it out"), ([], "problems"),
            (samples("good.jsonl", "--at-accuracy", "90"), "--at-accuracy is '90'"),
            (samples("good.jsonl", "--judge", "me"), "flexible-extract"), (samples("good.jsonl", "--distinct", "all"), "components"),
        ])
        func usage(arguments: [String], named: String) throws { try expectUsage(arguments, named) }

        @Test("thresholds that are none are errors of usage", arguments: ["0", "0.5,1.01", "0.5,0.5", "0.5,,0.7", "nan"])
        func thresholds(text: String) throws {
            try expectUsage(Self.samples("good.jsonl", "--thresholds", text), "--thresholds is '\(text)'")
        }

        private func expectUsage(_ arguments: [String], _ named: String) throws {
            let outcome = try runProgram(["evaluate"] + arguments)
            #expect(outcome.status == 64 && outcome.output.isEmpty)
            let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("gfn-dist: ") }
            #expect(lines.count == 1 && outcome.errors.contains(named), "\(outcome.errors)")
        }

        @Test("a full disk and a reader that has gone end with 74", arguments: [
            ("exec \"$0\" \"$@\" > /dev/full", "No space left"),
            ("(sleep 0.3; \"$0\" \"$@\"; echo $? > status) | true", "Broken pipe"),
        ])
        func lostOutput(script: String, reason: String) throws {
            let folder = try folder()
            let call = ["evaluate", "--quiet"] + Self.samples("good.jsonl")
            let outcome = try runProgram(call, under: ["sh", "-c", script], in: folder.path)
            let piped = FileManager.default.contents(atPath: "\(folder.path)/status").map { String(decoding: $0, as: UTF8.self) }
            #expect(piped.map { $0 == "74\n" } ?? (outcome.status == 74), "\(outcome.status) \(piped ?? "")")
            #expect(outcome.ownErrors.count == 1 && outcome.errors.contains(reason), "\(outcome.errors)")
        }
    }
}
