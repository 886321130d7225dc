internal import ArgumentParser
internal import Foundation
internal import Model

/// `gfn-dist explain`: what a step of a run did with one sampled response, and why.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show what a step learned from one sampled response: rewards, residuals, the push on each token.",
        usage: """
            gfn-dist explain runs/pathsum
            gfn-dist explain runs/pathsum --step 2990 --problem 17 --sample 3 --html sample.html
            """,
        discussion: "The step is made again, as `replay` does it, and the run stays as it is.")

    @Argument(help: ArgumentHelp("Run folder.", valueName: "run"))
    var path: String
    @Option(name: .long, help: ArgumentHelp("The step; the newest with stored samples unless named, or the newest.", valueName: "n"))
    var step: Int?
    @Option(name: .long, help: ArgumentHelp("The problem, as samples name it; the first of the step unless named.", valueName: "id"))
    var problem: String?
    @Option(name: .long, help: ArgumentHelp("Which of its samples.", valueName: "k"))
    var sample = 0
    @Option(name: .long, help: ArgumentHelp("Write a page, too.", valueName: "file"))
    var html: String?
    @Flag(name: .long, help: "Print all numbers as JSON.")
    var json = false
    @Option(name: .long, help: ArgumentHelp("Threads; as the run's settings say unless named.", valueName: "n"))
    var threads: Int?

    func validate() throws {
        if let step, step < 1 { throw ValidationError("--step is \(step), expected at least 1") }
        if sample < 0 { throw ValidationError("--sample is \(sample), expected at least 0") }
        if html?.isEmpty == true { throw ValidationError("--html is empty, expected the name of a file") }
    }

    func run() {
        Launch.perform(ranks: 1) { launch in
            let request = ExplainRequest(path: path, step: step, problem: problem, sample: sample)
            let explanation = try request.perform(threads: threads, launch)
            if let html { try SideFile.write(Array(try ExplanationPage(explanation).text.utf8), to: html) }
            print(json ? ExplanationJSON(explanation).line.text : ExplanationText(explanation).text)
        }
    }
}
