internal import ArgumentParser
internal import Collective
internal import Foundation
internal import Problems

struct RewardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reward",
        abstract: "Label the steps of solutions, for a process reward model.",
        usage: """
            gfn-dist reward --label-with-rollouts problems.jsonl --model model.gguf --completions 8 --output steps.jsonl
            mpirun -n 4 gfn-dist reward --label-with-rollouts pathsum --limit 500 --output steps.jsonl
            """)

    @Argument(
        help: ArgumentHelp(
            "JSONL of problems with answers; pathsum: those that the embedded task is trained on; pathsum-held-out: its held-out ones.",
            valueName: "problems"))
    var problems: String
    @Flag(name: .long, help: "Sample solutions of the problems, complete each of their steps, and judge the steps by what comes of it.")
    var labelWithRollouts = false
    @OptionGroup var sampling: SamplingOptions
    @Option(name: .long, help: ArgumentHelp("Completions of each step.", valueName: "n"))
    var completions = 8
    @Option(name: .long, help: ArgumentHelp("File to write; otherwise standard output.", valueName: "file"))
    var output: String?
    @Flag(name: .long, help: "Go on where the same call was stopped; with --output.")
    var resume = false
    @OptionGroup var ranks: RankOptions
    @Flag(name: .long, help: "Print the resolved settings with the origin of each value.")
    var dryRun = false

    func validate() throws {
        guard labelWithRollouts else { throw ValidationError("reward needs --label-with-rollouts: labelling is all that it does") }
        if output?.isEmpty == true { throw ValidationError("--output is empty, expected the name of a file") }
        if resume, output == nil { throw ValidationError("--resume goes with --output: standard output has nothing to go on with") }
        let limits = LabelWork.completionLimits
        guard limits.contains(completions) else {
            throw ValidationError("--completions is \(completions), expected \(limits.lowerBound) to \(limits.upperBound)")
        }
        let temperatures = sampling.temperature.flatMap(\.values)
        guard temperatures.count <= 1 else {
            throw ValidationError("--temperature names \(temperatures.count) temperatures, expected one")
        }
        if temperatures == [0] { throw ValidationError("--temperature is 0, expected more: all completions of a step would be the same") }
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
            let call = LabelCall(
                configuration: configuration, temperature: sampling.temperatures(configuration, greedy: false)[0],
                completions: completions, split: isHeldOut ? .heldOut : .train, output: output, quiet: sampling.settings.quiet)
            if try !call.perform(resuming: resume, launch), launch.isFirst {
                Launch.say("\(output ?? "") is complete: there is nothing to go on with")
            }
        }
    }

    private var isHeldOut: Bool { problems == LabelWork.heldOutName }

    private func layers() throws -> ConfigurationLayers {
        try sampling.layers(problems: isHeldOut ? RunConfiguration.embeddedTask : problems)
    }
}
