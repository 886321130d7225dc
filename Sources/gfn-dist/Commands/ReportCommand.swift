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
            gfn-dist report runs/pathsum --plan plan.json
            """)

    @Argument(help: ArgumentHelp("Folders of runs: ended, stopped or going on.", valueName: "run"))
    var runs: [String]
    @Option(name: .long, help: ArgumentHelp("The page; report.html in the first run's folder unless named.", valueName: "file"))
    var output: String?

    @Option(name: .long, help: ArgumentHelp("What gfn-dist plan --json printed, to be shown beside what the runs took.", valueName: "file"))
    var plan: String?

    func validate() throws {
        if plan?.isEmpty == true { throw ValidationError("--plan is empty, expected the name of a file") }
        if runs.contains("") { throw ValidationError("a run's name is empty, expected its folder") }
        if output?.isEmpty == true { throw ValidationError("--output is empty, expected the name of a file") }
    }

    func run() {
        Launch.perform(ranks: 1) { _ in
            let planned = try plan.map { (path: $0, plans: try PlannedFigures.all(reading: $0)) }
            let records = try runs.map { run in
                var record = try RunRecord(reading: run)
                if let planned { record.plan = try PlannedFigures.of(record, in: planned.plans, from: planned.path) }
                return record
            }
            let path = output ?? "\(runs[0])/report.html"
            try SideFile.write(Array(try ReportPage(records).text.utf8), to: path)
            print(path)
        }
    }
}
