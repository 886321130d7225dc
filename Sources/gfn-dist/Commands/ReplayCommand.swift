internal import ArgumentParser
internal import Foundation

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Make steps of a run again from a checkpoint, and show that they end with what was recorded.",
        usage: """
            gfn-dist replay runs/pathsum
            gfn-dist replay runs/pathsum --step 2990
            mpirun -n 4 gfn-dist replay runs/pathsum
            """)

    @Argument(help: ArgumentHelp("Run folder.", valueName: "run"))
    var path: String
    @Option(name: .long, help: ArgumentHelp("The step to come to; the first after the newest checkpoint unless named.", valueName: "n"))
    var step: Int?
    @OptionGroup var ranks: RankOptions
    @Option(name: .long, help: ArgumentHelp("Threads of each rank.", valueName: "n"))
    var threads: Int?
    @Flag(name: .long, help: "Print the outcome as JSON.")
    var json = false

    func validate() throws {
        if let step, step < 1 { throw ValidationError("--step is \(step), expected at least 1") }
    }

    func run() throws {
        Launch.perform(ranks: ranks.virtual) { launch in
            let result = try RepeatedSteps(path: path, step: step).perform(threads: threads, launch)
            guard launch.isFirst else { return }
            let steps = result.first == result.last ? "step \(result.last)" : "steps \(result.first) to \(result.last)"
            if json {
                var line = JSONLine()
                line.add("first_step", result.first)
                line.add("last_step", result.last)
                line.add("equal", result.equal)
                line.add("differences", result.differences)
                line.add("adapter_sha256", result.digest ?? "")
                print(line.text)
            }
            try result.requireEqual(path)
            if !json {
                print(
                    "\(steps) made again from \(result.start): all \(result.equal) figures as they were recorded, "
                        + "weights \(result.digest ?? "")")
            }
        }
    }
}
