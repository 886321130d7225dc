import Foundation
import Learner
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("says which program it is, and how to call it")
    struct Package {
        /// Of the program, by its own help.
        private static func commands() throws -> [String] {
            let help = try runProgram(["--help"]).output
            let list = try #require(help.firstRange(of: "\nSUBCOMMANDS:\n"))
            let names = help[list.upperBound...].matches(of: #/(?m)^  ([a-z][a-z-]*) /#).map { String($0.output.1) }
            try #require(names.count > 10 && names.contains("make-model"))
            return names
        }

        @Test("--version is one line with version, commit and kernels")
        func version() throws {
            let outcome = try runProgram(["--version"])
            #expect(outcome.status == 0 && outcome.errors.isEmpty)
            let form = #/gfn-dist \d+\.\d+\.\d+, commit [-0-9A-Za-z._+/]+, kernels [0-9a-z]+\n/#
            #expect(outcome.output.wholeMatch(of: form) != nil, "\(outcome.output)")
            #expect(outcome.output.hasPrefix("\(BuildVersion.text), "))
        }

        @Test("a run and its checkpoints say it, and a resume by another program does")
        func run() throws {
            let run = try train(on: .single(1))
            #expect(run.files.text("config.yaml")?.hasPrefix("# \(BuildVersion.text)\n") == true)
            let checkpoint = "checkpoints/step-\(Settings.steps)"
            let notes = try #require(try run.files.object("\(checkpoint)/state.json")["notes"] as? [String: String])
            #expect(notes["program"] == BuildVersion.text)

            let more = ["--resume", "--force", "--output", run.files.path]
            let same = try Program(train: more + ["--set", "train.steps=9"], on: .single(1)).outcome()
            #expect(same.status == 0 && !same.errors.contains("the checkpoint was written by"), "\(same.errors)")

            let newest = "\(run.files.path)/checkpoints/step-9"
            let state = try #require(run.files.text("checkpoints/step-9/state.json"))
            let other = state.replacingOccurrences(of: "gfn-dist \(BuildVersion.number),", with: "gfn-dist 0.0.9,")
            #expect(other != state)
            let manifest = try #require(run.files.text("checkpoints/step-9/MANIFEST.json"))
            try Data(other.utf8).write(to: URL(fileURLWithPath: "\(newest)/state.json"))
            let signed = manifest.replacingOccurrences(of: sha256Hex(state.utf8), with: sha256Hex(other.utf8))
            try Data(signed.utf8).write(to: URL(fileURLWithPath: "\(newest)/MANIFEST.json"))
            let outcome = try Program(train: more + ["--set", "train.steps=10"], on: .single(2)).outcome()
            #expect(outcome.status == 0, "\(outcome.errors)")
            let before = "gfn-dist 0.0.9, commit \(BuildVersion.commit)"
            let line = "the checkpoint was written by \(before), and the run goes on with \(BuildVersion.text)"
            #expect(outcome.errors.split(separator: "\n").count { $0 == line } == 1, "\(outcome.errors)")
        }

        @Test("each help fits a screen of 50 lines")
        func help() throws {
            for command in try [[]] + Self.commands().map({ [$0] }) {
                let outcome = try runProgram(command + ["--help"])
                #expect(outcome.status == 0 && outcome.output.hasPrefix("OVERVIEW: "))
                let lines = outcome.output.count { $0 == "\n" }
                #expect(lines <= 50, "the help of \(command) has \(lines) lines")
            }
        }

        @Test("completions name each subcommand", arguments: ["bash", "zsh", "fish"])
        func completions(shell: String) throws {
            let outcome = try runProgram(["--generate-completion-script", shell])
            #expect(outcome.status == 0)
            for command in try Self.commands() { #expect(outcome.output.contains(command), "\(shell) has nothing on \(command)") }
        }

        @Test("there is a man page for the program and for each subcommand, with all of its options (scripts/make-manual.sh)")
        func manual() throws {
            let folder = try TemporaryFolder()
            let made = try Program(script: "make-manual.sh", [Program.binary, "man"], launch: "", in: folder.path).outcome()
            #expect(made.status == 0 && made.errors.isEmpty, "\(made.errors)")
            let pages = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/man")
            let commands = try Self.commands()
            #expect(pages.sorted() == (["gfn-dist.1"] + commands.map { "gfn-dist-\($0).1" }).sorted())
            for command in commands {
                // Dashes are written as those of options, and not of words.
                let page = try String(contentsOfFile: "\(folder.path)/man/gfn-dist-\(command).1", encoding: .utf8)
                    .replacingOccurrences(of: "\\-", with: "-")
                #expect(page.hasPrefix(".TH \"GFN-DIST-\(command.uppercased())\" 1 "))
                let options = try runProgram([command, "--help"]).output.matches(of: #/(?m)^  (?:-h, )?(--[a-z-]+)/#)
                    .map { String($0.output.1) }
                #expect(options.contains("--help"))
                for option in options {
                    let label = try Regex("(?m)^\\\\fB(-h, )?\(option)( <.*>)?\\\\fR$")
                    #expect(page.firstMatch(of: label) != nil, "the page of \(command) has no \(option)")
                }
            }
        }
    }
}
