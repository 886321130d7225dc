import Foundation
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("Task files of verify")
    struct TaskFiles {
        private static let good = """
            about: A small one
            correct: -4
            settings: {train.steps: 800, reward.reference: 1, lora.targets: "q_proj,v_proj"}
            problems:
              - prompt: " 0 0:"
                ends: {"": -8, " 0": 2, " 0 1": -8.5,
                  "1": 1e-3, "+7 44\\n*2 88\\n": 0}
              - prompt: ":"
                ends:
                  1: 1
                  null: +3
                  " 1": -2

            """

        @Test("texts stay texts, in the order and the place of the file")
        func reading() throws {
            let file = try TaskFile(yaml: Self.good, named: "t.yaml")
            #expect(file.about == "A small one" && file.correctAt == -4)
            #expect(file.settings.map(\.name) == ["train.steps", "reward.reference", "lora.targets"])
            #expect(file.settings.map(\.value) == ["800", "1", "q_proj,v_proj"])
            #expect(file.settings.map(\.place) == Array(repeating: "t.yaml:3", count: 3))
            #expect(file.problems.map(\.prompt) == [" 0 0:", ":"] && file.problems.map(\.place) == ["t.yaml:5", "t.yaml:8"])
            let first = try #require(file.problems.first)
            #expect(first.ends.map(\.text) == ["", " 0", " 0 1", "1", "+7 44\n*2 88\n"])
            #expect(first.ends.map(\.logReward) == [-8, 2, -8.5, 1e-3, 0])
            #expect(file.problems.last?.ends.map(\.text) == ["1", "null", " 1"])
            #expect(file.problems.last?.ends.map(\.logReward) == [1, 3, -2])
        }

        @Test("what is optional may be left out")
        func shortest() throws {
            let file = try TaskFile(yaml: "about: A\nproblems: [{prompt: x, ends: {a: 1}}]", named: "t.yaml")
            #expect(file.correctAt == nil && file.settings.isEmpty && file.problems.count == 1)
        }

        @Test("many negative numbers on a line are no nesting")
        func longLine() throws {
            let ends = (0..<200).map { "\" \($0)\": -8" }.joined(separator: ", ")
            let file = try TaskFile(yaml: "about: A\nproblems: [{prompt: x, ends: {\(ends)}}]", named: "t.yaml")
            #expect(file.problems.first?.ends.count == 200)
        }

        private static let faults: [(change: String, to: String, message: String)] = [
            ("about: A small one\n", "", "t.yaml:1: the task has no about, expected a sentence that says what it is for"),
            ("A small one", "[a, b]", "t.yaml:1: about is a list, expected a text"),
            ("correct: -4", "correct: yes", "t.yaml:2: correct is \"yes\", expected a finite number"),
            ("correct: -4", "correct: .inf", "t.yaml:2: correct is \".inf\", expected a finite number"),
            ("correct: -4", "corect: -4", "t.yaml:2: a task has no key \"corect\", expected one of about, correct, settings, reward_model, problems"),
            ("correct: -4", "about: B", "t.yaml:1: the key \"about\" is there twice, expected each key once"),
            ("train.steps: 800", "train.steps: [800]", "t.yaml:3: train.steps is a list, expected a text"),
            (
                "{train.steps: 800, reward.reference: 1, lora.targets: \"q_proj,v_proj\"}", "fast",
                "t.yaml:3: settings is \"fast\", expected keys with values"
            ),
            ("problems:\n", "problem:\n", "t.yaml:5: a task has no key \"problem\", expected one of about, correct, settings, reward_model, problems"),
            ("prompt: \" 0 0:\"", "Prompt: x", "t.yaml:5: a problem has no key \"Prompt\", expected one of prompt, ends"),
            ("- prompt: \":\"\n    ends:", "- ends:", "t.yaml:8: the problem has no prompt, expected a text that the responses continue"),
            ("\" 0\": 2", "\" 0\": two", "t.yaml:6: the log reward of an end is \"two\", expected a finite number"),
            ("\" 0\": 2", "\" 0\": nan", "t.yaml:6: the log reward of an end is \"nan\", expected a finite number"),
            ("\" 0\": 2", "\" 0\": [2]", "t.yaml:6: the log reward of an end is a list, expected a finite number"),
            ("\" 0\": 2", "\" 0\":", "t.yaml:6: the log reward of an end is \"\", expected a finite number"),
            ("\" 0\": 2", "[a]: 2", "t.yaml:6: a key of ends is a list, expected a text"),
            ("\" 0\": 2", "\" 0 1\": 2", "t.yaml:6: the key \" 0 1\" is there twice, expected each key once"),
            ("\" 0\": 2", "!t \" 0 1\": 2", "t.yaml:6: the key \" 0 1\" is there twice, expected each key once"),
            ("null: +3", "\"1\": 3", "t.yaml:10: the key \"1\" is there twice, expected each key once"),
            ("\" 0\": 2", "&x \" 0\": 2", "t.yaml:6: references (&name, *name) are not supported"),
            ("\" 0\": 2", String(repeating: "{", count: 17), "t.yaml:6: more than 16 levels of nesting"),
            ("correct: -4", "correct: \"", "not readable as YAML ("),
        ]

        @Test("what is wrong with a file is said in one sentence, with its line", arguments: faults.indices)
        func errors(index: Int) throws {
            let (change, replacement, message) = Self.faults[index]
            #expect(Self.good.contains(change))
            try Self.expectFault(Self.good.replacing(change, with: replacement, maxReplacements: 1), message)
        }

        @Test("a text without a task is no task", arguments: [
            ("", "t.yaml is empty, expected YAML"), ("# nothing\n", "t.yaml is empty, expected YAML"),
            ("task", "t.yaml:1: a task is \"task\", expected keys with values"),
            ("about: A\n", "t.yaml:1: the task has no problems, expected a list of prompts with their ends"),
            ("about: A\nproblems: []\n", "t.yaml:2: problems is empty, expected at least one prompt with its ends"),
            ("about: A\nproblems: {a: b}\n", "t.yaml:2: problems is keys with values, expected a list"),
            ("about: A\nproblems: [{prompt: x}]\n", "t.yaml:2: the problem has no ends, expected each legal response with its log reward"),
            ("about: A\n---\nabout: B\n", "not readable as YAML ("),
        ])
        func others(text: String, message: String) throws { try Self.expectFault(text, message) }

        private static func expectFault(_ text: String, _ message: String) throws {
            let error = #expect(throws: RunError.self) { try TaskFile(yaml: text, named: "t.yaml") }
            let found = try #require(error).description
            #expect(found.contains(message) && found.hasPrefix("t.yaml") && !found.contains("\n"), "\(found)")
            #expect(ExitCode.of(try #require(error)) == 65)
        }

        @Test("files that are not there, folders, other bytes and large files")
        func files() throws {
            let folder = try TemporaryFolder()
            let bytes = folder.path + "/bytes.yaml"
            try Data([0x61, 0xFF, 0xFE]).write(to: URL(fileURLWithPath: bytes))
            let large = try folder.write(String(repeating: "# nothing\n", count: 450_000), to: "large.yaml")
            for (path, code, message) in [
                (folder.path + "/none.yaml", Int32(66), "the task file \(folder.path)/none.yaml does not exist"),
                (folder.path, 66, "\(folder.path) cannot be read as a task file"),
                (bytes, 65, "\(bytes) is not UTF-8 text, expected a task as YAML"),
                (large, 65, "\(large) has more than 4 MB, expected a task of at most 4096 ends"),
            ] {
                let error = try #require(#expect(throws: RunError.self) { try TaskFile.read(path) })
                #expect(error.description == message && ExitCode.of(error) == code)
            }
        }
    }
}
