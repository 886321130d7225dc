import Testing

@testable import gfn_dist

@Suite("What may have been meant by a call that cannot be read")
struct UsageHintTests {
    private func improved(_ message: String, _ words: String) -> String {
        UsageHint.improved(message, words: words.split(separator: " ").map(String.init), commands: ["train", "sample", "report", "tokenize"])
    }

    @Test("a command that is like one, and one that is like none")
    func commands() {
        #expect(improved("Error: Unexpected argument 'trian'\nUsage: x", "trian") == "Error: There is no command 'trian'; did you mean 'train'?\nUsage: x")
        #expect(improved("Error: Unexpected argument 'zzzzz'", "zzzzz") == "Error: There is no command 'zzzzz'; gfn-dist --help lists them")
        #expect(improved("Error: 2 unexpected arguments: 'repot', 'a'\nUsage: x", "repot a")
            == "Error: There is no command 'repot'; did you mean 'report'?\nUsage: x")
        #expect(improved("Error: Unknown option '--quiet'\nUsage: x", "trian --quiet")
            == "Error: There is no command 'trian'; did you mean 'train'?\nUsage: x")
        #expect(improved("Error: Unknown option '--quiet'", "--quiet train") == "Error: Unknown option '--quiet'")
        #expect(improved("Error: Unexpected argument 'b'", "train b") == "Error: Unexpected argument 'b'")
    }

    @Test("a setting that was written as an option, where there are settings")
    func settings() {
        #expect(
            improved("Error: Unknown option '--steps'. Did you mean '--set'?\nUsage: x", "train --steps 100")
                == "Error: Unknown option '--steps'; it is a setting: --set train.steps=…\nUsage: x")
        #expect(
            improved("Error: Unknown option '--learning-rate'", "train --learning-rate 1")
                .hasSuffix("or --set root.learning_rate=… or --set value.learning_rate=…"))
        #expect(improved("Error: Unknown option '--steps'", "tokenize --steps 1") == "Error: Unknown option '--steps'")
        #expect(improved("Error: Unknown option '--stepps'", "train --stepps 1") == "Error: Unknown option '--stepps'")
        #expect(improved("Error: Missing", "") == "Error: Missing")
    }
}

extension ProgramTests {
    @Suite("a call that cannot be read")
    struct UsageTests {
        @Test("ends with 64 and says what may have been meant", arguments: [
            (["trian"], "There is no command 'trian'; did you mean 'train'?"),
            (["trian", "--set", "train.steps=5"], "There is no command 'trian'; did you mean 'train'?"),
            (["repot", "runs/a"], "There is no command 'repot'; did you mean 'report'?"),
            (["train", "--steps", "100"], "it is a setting: --set train.steps=…"),
        ])
        func usage(arguments: [String], words: String) throws {
            let outcome = try runProgram(arguments)
            #expect(outcome.status == 64 && outcome.errors.contains(words) && outcome.errors.contains("Usage:"), "\(outcome)")
        }
    }
}
