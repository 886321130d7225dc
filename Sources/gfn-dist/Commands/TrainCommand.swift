internal import ArgumentParser
internal import Collective
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
    @Flag(name: .long, help: "Virtual ranks in this one process, for debugging.")
    var single = false
    @Option(name: .long, help: ArgumentHelp("How many, with --single.", valueName: "n"))
    var ranks: Int?
    @Flag(name: .long, help: "Continue the run in --output from its newest complete checkpoint.")
    var resume = false
    @Flag(name: .long, help: "Print the resolved configuration with the origin of each value.")
    var dryRun = false

    func validate() throws {
        if let ranks, !(1...1024).contains(ranks) { throw ValidationError("--ranks is \(ranks), expected 1 to 1024") }
        if single, MPICommunicator.isLaunchedByMPI {
            throw ValidationError("--single runs all ranks in one process: leave it out under mpirun, or start the program without mpirun")
        }
        if ranks != nil, !single { throw ValidationError("--ranks goes with --single; under MPI the launcher decides: mpirun -n N") }
    }

    func run() throws {
        Launch.perform(ranks: single ? ranks ?? 1 : nil) { context in
            if dryRun {
                let configuration = try RunConfiguration(try options.layers())
                if context.isFirst { print(configuration.layers.yaml(withOrigins: true), terminator: "") }
                return
            }
            try RunStart.perform(options: options, isResuming: resume, context)
        }
    }
}
