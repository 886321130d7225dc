internal import ArgumentParser
internal import Foundation
internal import Model

/// `gfn-dist report`: what became of a run, or of several, on one page.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write one self-contained HTML page with plots, evaluations and samples of one run or several.",
        usage: """
            gfn-dist report runs/pathsum
            gfn-dist report runs/subtb runs/grpo --output comparison.html
            """)

    @Argument(help: ArgumentHelp("Folders of runs: ended, stopped or going on.", valueName: "run"))
    var runs: [String]
    @Option(name: .long, help: ArgumentHelp("The page; report.html in the first run's folder unless named.", valueName: "file"))
    var output: String?

    func validate() throws {
        if runs.contains("") { throw ValidationError("a run's name is empty, expected its folder") }
        if output?.isEmpty == true { throw ValidationError("--output is empty, expected the name of a file") }
    }

    func run() {
        Launch.perform(ranks: 1) { _ in
            let records = try runs.map { try RunRecord(reading: $0) }
            let path = output ?? "\(runs[0])/report.html"
            try SideFile.write(Array(try ReportPage(records).text.utf8), to: path)
            print(path)
        }
    }
}
