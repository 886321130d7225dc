internal import ArgumentParser
internal import Foundation
internal import Tensor

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score",
        abstract: "Log-probabilities of given solutions, token by token, and a reward model's scores, step by step.",
        usage: """
            gfn-dist score solutions.jsonl --model model.gguf --precision fp32
            mpirun -n 4 gfn-dist score samples.jsonl --model base/ --adapter runs/a/adapter --output scores.jsonl
            """,
        discussion: """
            A line in is {prompt, completion}, {prompt_tokens, completion_tokens} or one of a samples file; a line out \
            has completion_tokens, logprobs, stop_logprobs and sum_logprob, in the same order.
            """)

    @Argument(help: ArgumentHelp("JSON Lines; - or nothing: standard input.", valueName: "file"))
    var input: String?
    @OptionGroup var settings: SettingOptions
    @Option(name: .long, help: ArgumentHelp("PEFT folder of an adapter on the model.", valueName: "dir"))
    var adapter: String?
    @Option(name: .long, help: ArgumentHelp("Folder of a process reward model: step_rewards and reward.", valueName: "dir"))
    var rewardModel: String?
    @Option(name: .long, help: ArgumentHelp("bf16 or fp32: of the products with the weights.", valueName: "name"))
    var precision: String?
    @Option(name: .long, help: ArgumentHelp("File to write; otherwise standard output.", valueName: "file"))
    var output: String?
    @Option(name: .long, help: ArgumentHelp("Tokens of one forward pass; bounds the memory of a rank.", valueName: "n"))
    var batchTokens = 2048
    @OptionGroup var ranks: RankOptions
    @Flag(name: .long, help: "Print the resolved settings with the origin of each value.")
    var dryRun = false

    func validate() throws {
        if batchTokens < 1 { throw ValidationError("--batch-tokens is \(batchTokens), expected at least 1") }
    }

    func run() throws {
        Launch.perform(ranks: ranks.virtual) { launch in
            if dryRun {
                let layers = try layers()
                try layers.check()
                if launch.isFirst { print(layers.yaml(withOrigins: true), terminator: "") }
                return
            }
            let model = try launch.together {
                // Before the model, which takes longer to read.
                if launch.isFirst { _ = try LineReader(input) }
                let layers = try layers()
                launch.watch(by: layers)
                return try ScoreModel(layers, on: launch.node)
            }
            if launch.isFirst, !settings.quiet {
                for note in model.notes { writeToStandardError("score: \(note.printable(limit: 1000))\n") }
            }
            let (source, target, limit, quiet) = (input, output, batchTokens, settings.quiet)
            try launch.everyRank { communicator in
                let run = ScoreRun(scorer: model.scorer(), files: model.files, communicator: communicator, batchTokens: limit)
                guard communicator.rank == 0 else { return try run.follow() }
                let start = ContinuousClock.now
                let (lines, tokens) = try run.lead(from: source, to: target)
                guard !quiet else { return }
                let seconds = start.duration(to: .now).seconds
                writeToStandardError("score: \(lines) lines, \(tokens) tokens in \(String(format: "%.1f", seconds)) s\n")
            }
        }
    }

    /// Defaults, the file of settings and the command line, laid over each other.
    private func layers() throws -> ConfigurationLayers {
        var layers = ConfigurationLayers()
        try settings.layFile(over: &layers)
        settings.layFlags(over: &layers)
        if let adapter { layers.set("adapter", to: adapter, from: .flag("adapter")) }
        if let rewardModel { layers.set("reward_model", to: rewardModel, from: .flag("reward-model")) }
        if let precision { layers.set("precision", to: precision, from: .flag("precision")) }
        return layers
    }
}
