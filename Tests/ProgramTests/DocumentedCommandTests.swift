import Foundation
import Testing

extension ProgramTests {
    @Suite("every command of the documents runs (scripts/check-docs.sh)")
    struct DocumentedCommandTests {
        private func check(_ arguments: [String], limit: Duration = .seconds(900)) throws -> Program.Outcome {
            let folder = try TemporaryFolder()
            return try Program(script: "check-docs.sh", arguments, launch: "", in: folder.path).outcome(limit: limit)
        }

        @Test("all of them, in every document", .enabled(if: isOptimised, "in release: it is documents that are tried"))
        func all() throws {
            let outcome = try check([])
            let failures = outcome.output.split(separator: "\n").drop { !$0.hasPrefix("FAILED") }.prefix(20).joined(separator: "\n")
            #expect(outcome.status == 0, "\(failures)\n\(outcome.errors.suffix(1000))")
            let summary = try #require(
                outcome.output.firstMatch(of: #/(?m)^(\d+) commands of (\d+) documents run, (\d+) only read, 0 failed$/#), "\(failures)")
            // The most of them are run, and there are not suddenly none.
            let run = try #require(Int(summary.output.1)), read = try #require(Int(summary.output.3))
            #expect(run > 100 && run > 4 * read)
        }

        @Test("faults that are put into copies of documents are found, each for what it is")
        func faults() throws {
            let outcome = try check(["--self-test"], limit: .seconds(300))
            #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errors.suffix(1000))")
            #expect(outcome.output.contains(#/(?m)^\d\d faults, 0 missed$/#))
        }

        @Test("a page with one wrong option fails, by file and line; the same page without it does not")
        func page() throws {
            let folder = try TemporaryFolder()
            func outcome(_ option: String) throws -> Program.Outcome {
                let page = """
                    # Page

                    ```
                    $ echo '{"text":"a"}' >a.jsonl
                    $ gfn-dist tokenize a.jsonl --model base/ \(option)
                    {"ids":[97]}
                    ```
                    """
                _ = try folder.write(page, to: "page.md")
                return try check(["--folder", folder.path, "page.md"], limit: .seconds(200))
            }
            let right = try outcome("--quiet")
            #expect(right.status == 0 && right.output.hasSuffix("2 commands of 1 documents run, 0 only read, 0 failed\n"), "\(right.output)")
            let wrong = try outcome("--quite")
            #expect(wrong.status == 1 && wrong.output.contains("FAILED     page.md:5  gfn-dist tokenize"), "\(wrong.output)")
            #expect(wrong.output.hasSuffix("2 commands of 1 documents run, 0 only read, 1 failed\n"))
        }

        @Test("mistakes of a call are said in a sentence", arguments: [
            (
                ["--fast"], Int32(64), "check-docs.sh: unknown option --fast, expected --list, --brief, --self-test or --folder DIR\n"
            ), (["--folder", "none"], Int32(66), "check-docs.sh: --folder needs a folder of documents, found 'none'\n"),
        ])
        func mistakes(arguments: [String], status: Int32, sentence: String) throws {
            let outcome = try check(arguments, limit: .seconds(20))
            #expect(outcome.status == status && outcome.errors == sentence, "\(outcome.errors)")
        }
    }
}
