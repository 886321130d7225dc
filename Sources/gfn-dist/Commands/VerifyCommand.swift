internal import ArgumentParser
internal import Evaluation
internal import Foundation

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Train on a task that lists its responses, and certify that the policy is proportional to the reward.",
        usage: """
            mpirun -n 4 gfn-dist verify
            mpirun -n 4 gfn-dist verify --task rootless --objective vargrad --start random
            gfn-dist verify --policy runs/pathsum
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "\(EmbeddedResources.verifyTasks.joined(separator: ", ")), or a YAML file; numbers unless named.", valueName: "task"))
    var task: String?
    @Option(name: .long, help: ArgumentHelp("base: an adapter on the model; random: all of random weights.", valueName: "base|random"))
    var start: VerifyStart?
    @Option(name: .long, help: ArgumentHelp("Measure a finished run on its own task instead, without training.", valueName: "run"))
    var policy: String?
    @Option(name: .long, help: ArgumentHelp("Of total variation and of |log Z - estimate|; 0.02 unless named.", valueName: "x"))
    var bound: Double?
    @Flag(name: .long, help: "Print the certificate as JSON.")
    var json = false
    @OptionGroup var options: RunOptions
    @OptionGroup var ranks: RankOptions
    @Flag(name: .long, help: "Print the resolved configuration with the origin of each value.")
    var dryRun = false

    func validate() throws {
        if let bound, !(bound > 0 && bound.isFinite) { throw ValidationError("--bound is \(bound), expected a number above 0") }
        if task?.isEmpty == true { throw ValidationError("--task is empty, expected a task's name or its file") }
        if start == .random, options.settings.model != nil {
            throw ValidationError("--start random has weights of its own: leave --model out, or start from it with --start base")
        }
        guard policy != nil else { return }
        let training = [
            ("task", task != nil), ("start", start != nil), ("objective", options.objective != nil), ("dry-run", dryRun),
            ("model", options.settings.model != nil), ("seed", options.settings.seed != nil), ("reward-model", options.rewardModel != nil),
        ]
        if let flag = training.first(where: \.1)?.0 {
            throw ValidationError("--\(flag) is about training, and --policy measures a run as it ended: leave one of them out")
        }
    }

    func run() throws {
        let bounds = bound.map { CertificateBounds(totalVariation: $0, logPartition: $0) } ?? CertificateBounds()
        Launch.perform(ranks: ranks.virtual) { launch in
            if let policy {
                try FinishedRun(path: policy, bounds: bounds).measure(options.settings, output: options.output, isJSON: json, launch)
                return
            }
            let request = VerifyRequest(options: options, task: task, start: start ?? .base)
            if dryRun {
                let configuration = try RunConfiguration(try request.layers())
                if launch.isFirst { print(configuration.layers.yaml(withOrigins: true), terminator: "") }
                return
            }
            try VerifyRun(request: request, bounds: bounds, isJSON: json).perform(launch)
        }
    }
}

extension VerifyStart: ExpressibleByArgument {}
