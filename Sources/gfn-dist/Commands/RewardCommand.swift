internal import ArgumentParser
internal import Collective
internal import Foundation
internal import Problems

struct RewardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reward",
        abstract: "Train a process reward model on labelled steps, and judge it; or label the steps of solutions for one.",
        usage: """
            mpirun -n 4 gfn-dist reward --model model.gguf --set data.train=steps.jsonl --set data.evaluate=held-out.jsonl
            gfn-dist reward --label-with-rollouts problems.jsonl --model model.gguf --completions 8 --output steps.jsonl
            gfn-dist reward --label-with-rollouts problems.jsonl --samples solutions.jsonl --model model.gguf --output steps.jsonl
            mpirun -n 4 gfn-dist reward --label-with-rollouts pathsum --limit 500 --output steps.jsonl
            """)

    @Argument(
        help: ArgumentHelp(
            "JSONL of problems with answers; pathsum: those that the embedded task is trained on; pathsum-fit …: its parts.",
            valueName: "problems"))
    var problems: String?
    @Flag(name: .long, help: "Instead of training: sample solutions of the problems, complete each of their steps, and judge the steps by what comes of it.")
    var labelWithRollouts = false
    @Option(name: .long, help: ArgumentHelp("Label the solutions of this file instead: JSON Lines with problem_id and text.", valueName: "[name=]file"))
    var samples: String?
    @OptionGroup var sampling: SamplingOptions
    @Option(name: .long, help: ArgumentHelp("Completions of each step; 8 unless named.", valueName: "n"))
    var completions: Int?
    @Option(name: .long, help: ArgumentHelp("Run folder; of labels: file to write, otherwise standard output.", valueName: "path"))
    var output: String?
    @Flag(name: .long, help: "Go on where a run, or the same call with --output, was stopped.")
    var resume = false
    @Flag(name: .long, help: "With --resume of a run: also with changes that end with other bytes.")
    var force = false
    @OptionGroup var ranks: RankOptions
    @Flag(name: .long, help: "Print the resolved settings with the origin of each value.")
    var dryRun = false

    func validate() throws {
        if output?.isEmpty == true { throw ValidationError("--output is empty, expected the name of a file or a folder") }
        if sampling.rewardModel != nil {
            throw ValidationError(
                "--reward-model names a model to score with, and reward makes one: to train one further or judge it, name its folder "
                    + "with --adapter")
        }
        if labelWithRollouts { try validateLabelling() } else { try validateTraining() }
    }

    private func validateTraining() throws {
        if let problems {
            throw ValidationError(
                "'\(problems)' is given as an argument, but labelled steps are named by --set data.train=FILE, and problems to label "
                    + "go with --label-with-rollouts")
        }
        let labelling = [("completions", completions != nil), ("samples", samples != nil)].filter(\.1).map(\.0)
        if let flag = (sampling.givenFlags + labelling).first {
            throw ValidationError("--\(flag) goes with --label-with-rollouts: training a reward model samples nothing")
        }
        if force, !resume { throw ValidationError("--force goes with --resume: a new run has nothing to be forced past") }
    }

    private func validateLabelling() throws {
        guard problems != nil else { throw ValidationError("name a file of problems, pathsum or pathsum-held-out") }
        if force { throw ValidationError("--force goes with training: labels go on only where the same call was stopped") }
        if samples?.isEmpty == true { throw ValidationError("--samples is empty, expected a file of solutions") }
        if resume, output == nil { throw ValidationError("--resume goes with --output: standard output has nothing to go on with") }
        let limits = LabelWork.completionLimits
        if let completions, !limits.contains(completions) {
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
            if let problems { try label(problems, launch) } else { try train(launch) }
        }
    }

    private func train(_ launch: Launch) throws {
        let request = RewardRequest(settings: sampling.settings, adapter: sampling.adapter, output: output)
        if dryRun {
            let configuration = try RunConfiguration(resume ? try request.layersOfResumedRun() : try request.layers(), for: .reward)
            if launch.isFirst { print(configuration.layers.yaml(withOrigins: true), terminator: "") }
            return
        }
        try RewardStart.perform(request, resuming: resume ? (force ? .forced : .careful) : nil, launch)
    }

    private func label(_ problems: String, _ launch: Launch) throws {
        func layers() throws -> ConfigurationLayers { try sampling.layers(problems: problems) }
        if dryRun {
            let configuration = try RunConfiguration(try layers(), for: .sampling)
            if launch.isFirst { print(configuration.layers.yaml(withOrigins: true), terminator: "") }
            return
        }
        SignalFlags.install()
        let configuration = try launch.together { try RunConfiguration(try layers(), for: .sampling) }
        let call = LabelCall(
            configuration: configuration, temperature: sampling.temperatures(configuration, greedy: false)[0],
            completions: completions ?? 8,
            // What is labelled is to be learned from.
            split: problems == RunConfiguration.embeddedTask ? .train : nil,
            samples: samples.map { SampleSelection(set: SampleSet($0), perProblem: sampling.samplesPerProblem) }, output: output,
            quiet: sampling.settings.quiet)
        if try !call.perform(resuming: resume, launch), launch.isFirst {
            Launch.say("\(output ?? "") is complete: there is nothing to go on with")
        }
    }
}
