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

    @Argument(help: ArgumentHelp("JSONL of problems; pathsum: the embedded task's held-out ones.", valueName: "problems"))
    var problems: String
    @OptionGroup var settings: SettingOptions
    @Option(name: .long, help: ArgumentHelp("PEFT folder of an adapter on the model.", valueName: "dir"))
    var adapter: String?
    @Option(name: .long, help: ArgumentHelp("Solutions of each problem.", valueName: "k"))
    var samplesPerProblem: Int?
    @Option(name: .long, help: ArgumentHelp("One or several, as 0.6,1; repeatable. 0: greedy.", valueName: "t"))
    var temperature: [TemperatureList] = []
    @Flag(name: .long, help: "One more solution of each problem, of the likeliest tokens.")
    var greedy = false
    @Option(name: .long, help: ArgumentHelp("Draw from the k likeliest tokens.", valueName: "k"))
    var topK: Int?
    @Option(name: .long, help: ArgumentHelp("Draw from the likeliest tokens with this share.", valueName: "p"))
    var topP: Double?
    @Option(name: .long, help: ArgumentHelp("Draw from tokens with this share of the likeliest one's.", valueName: "p"))
    var minP: Double?
    @Option(name: .long, help: ArgumentHelp("A longer solution is cut.", valueName: "n"))
    var maxNewTokens: Int?
    @Option(name: .long, help: ArgumentHelp("Only the first problems.", valueName: "n"))
    var limit: Int?
    @Option(name: .long, help: ArgumentHelp("File to write; otherwise standard output.", valueName: "file"))
    var output: String?
    @Flag(name: .long, help: "Go on where the same call was stopped; with --output.")
    var resume = false
    @OptionGroup var ranks: RankOptions
    @Flag(name: .long, help: "Print the resolved settings with the origin of each value.")
    var dryRun = false

    private var givenTemperatures: [Double] { temperature.flatMap(\.values) }

    func validate() throws {
        if let problem = TemperatureList.problem(with: givenTemperatures) { throw ValidationError(problem) }
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
            var output: SampleOutput?
            let state = try launch.decidedByFirst {
                output = try SampleOutput.open(self.output, resuming: resume)
                return output == nil ? "complete" : "open"
            }
            if state == "complete" {
                if launch.isFirst { Launch.say("\(self.output ?? "") is complete: there is nothing to go on with") }
                return
            }
            do { try sample(configuration, to: output, launch) } catch {
                output?.removeIfEmpty()
                throw error
            }
        }
    }

    /// - Parameter output: on the first process.
    private func sample(_ configuration: RunConfiguration, to output: SampleOutput?, _ launch: Launch) throws {
        let temperatures = temperatures(configuration)
        let work = try launch.together {
            try SampleWork(configuration, temperatures: temperatures, ranksOnNode: launch.ranksOnNode)
        }
        if launch.isFirst, !settings.quiet {
            for note in work.notes { writeToStandardError("sample: \(note.printable(limit: 1000))\n") }
        }
        let quiet = settings.quiet
        try launch.everyRank { communicator in
            let run = SampleRun(work: work, communicator: communicator)
            guard communicator.rank == 0, let output else { return try run.follow() }
            try run.lead(to: output, quiet: quiet)
        }
    }

    /// In the order of the lines; the greedy solution is the last.
    private func temperatures(_ configuration: RunConfiguration) -> [Double] {
        let given = givenTemperatures
        let temperatures = given.isEmpty ? [configuration.number("evaluate.temperature")] : given
        return temperatures + (greedy && !temperatures.contains(0) ? [0] : [])
    }

    /// Defaults, the embedded task's settings, the file of settings and the command line, laid over each other.
    private func layers() throws -> ConfigurationLayers {
        var layers = ConfigurationLayers()
        if problems == RunConfiguration.embeddedTask {
            layers.lay(yaml: try EmbeddedResources.configuration("pathsum"), named: "embedded pathsum.yaml", isChoice: false)
        }
        try settings.layFile(over: &layers)
        settings.layFlags(over: &layers)
        layers.set("data.evaluate", to: problems, from: Origin(description: "the problems named"))
        let given = givenTemperatures
        let flags: [(setting: String, flag: String, value: String?)] = [
            ("adapter", "adapter", adapter),
            ("evaluate.samples_per_problem", "samples-per-problem", samplesPerProblem.map(String.init)),
            ("evaluate.temperature", "temperature", given.count == 1 && given[0] > 0 ? "\(given[0])" : nil),
            ("evaluate.problems", "limit", limit.map(String.init)),
            ("rollout.max_new_tokens", "max-new-tokens", maxNewTokens.map(String.init)),
            ("sample.top_k", "top-k", topK.map(String.init)),
            ("sample.top_p", "top-p", topP.map { "\($0)" }),
            ("sample.min_p", "min-p", minP.map { "\($0)" }),
        ]
        for (setting, flag, value) in flags {
            if let value { layers.set(setting, to: value, from: .flag(flag)) }
        }
        return layers
    }
}
