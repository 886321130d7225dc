internal import ArgumentParser
internal import Collective
internal import Foundation
internal import Model

struct SampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample",
        abstract: "Generate solutions of problems, judged: problems in, JSON Lines out.",
        usage: """
            gfn-dist sample problems.jsonl --model model.gguf --temperature 0.6,1 --greedy
            mpirun -n 4 gfn-dist sample test.jsonl --model base/ --adapter runs/a/adapter --output samples.jsonl
            """)

    @Argument(
        help: ArgumentHelp(
            "JSONL of problems; pathsum: the embedded task's held-out ones; pathsum-validation: to choose settings by.",
            valueName: "problems"))
    var problems: String
    @OptionGroup var sampling: SamplingOptions
    @Flag(name: .long, help: "One more solution of each problem, of the likeliest tokens.")
    var greedy = false
    @Option(name: .long, help: ArgumentHelp("File to write; otherwise standard output.", valueName: "file"))
    var output: String?
    @Flag(name: .long, help: "Go on where the same call was stopped; with --output.")
    var resume = false
    @OptionGroup var ranks: RankOptions
    @Flag(name: .long, help: "Print the resolved settings with the origin of each value.")
    var dryRun = false

    func validate() throws {
        if output?.isEmpty == true { throw ValidationError("--output is empty, expected the name of a file") }
        if resume, output == nil { throw ValidationError("--resume goes with --output: standard output has nothing to go on with") }
    }

    func run() throws {
        Launch.perform(ranks: ranks.virtual) { launch in
            if dryRun {
                let configuration = try RunConfiguration(try layers(), for: .sampling)
                if launch.isFirst { print(configuration.layers.yaml(withOrigins: true), terminator: "") }
                return
            }
            SignalFlags.install()
            let configuration = try launch.together { try RunConfiguration(try layers(), for: .sampling) }
            let call = SampleCall(
                configuration: configuration, temperatures: sampling.temperatures(configuration, greedy: greedy), output: output,
                quiet: sampling.settings.quiet)
            if try call.perform(resuming: resume, launch) == nil, launch.isFirst {
                Launch.say("\(output ?? "") is complete: there is nothing to go on with")
            }
        }
    }

    private func layers() throws -> ConfigurationLayers { try sampling.layers(problems: problems) }
}
