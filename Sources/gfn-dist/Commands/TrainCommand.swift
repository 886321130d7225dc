internal import ArgumentParser
internal import Foundation

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Fine-tune a policy; with no arguments, on the embedded task.",
        usage: """
            mpirun -n 8 gfn-dist train
            mpirun -n 4 gfn-dist train --model model.gguf --set data.train=train.jsonl
            gfn-dist train --single --ranks 4 --set train.steps=20
            """)

    @OptionGroup var options: RunOptions
    @OptionGroup var ranks: RankOptions
    @Flag(name: .long, help: "Continue the run in --output from its newest complete checkpoint.")
    var resume = false
    @Flag(name: .long, help: "With --resume: also with changes that end with other bytes, or from the start where a checkpoint should be.")
    var force = false
    @Flag(name: .long, help: "Print the resolved configuration with the origin of each value.")
    var dryRun = false

    @Option(
        name: .long, help: ArgumentHelp("Show the run live at this port of 127.0.0.1; 0: any that is free.", valueName: "port"))
    var dashboard: Int?

    func validate() throws {
        if let dashboard, !(0...65535).contains(dashboard) {
            throw ValidationError("--dashboard is \(dashboard), expected a port from 0 to 65535")
        }
        if force, !resume { throw ValidationError("--force goes with --resume: a new run has nothing to be forced past") }
    }

    func run() throws {
        Launch.perform(ranks: ranks.virtual) { context in
            if dryRun {
                let configuration = try RunConfiguration(resume ? try options.layersOfResumedRun() : try options.layers())
                if context.isFirst { print(configuration.layers.yaml(withOrigins: true), terminator: "") }
                return
            }
            try RunStart.perform(
                options: options, resuming: resume ? (force ? .forced : .careful) : nil, dashboardPort: dashboard, context)
        }
    }
}
