internal import ArgumentParser
internal import Collective
internal import Evaluation
internal import Foundation

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Count accuracy, pass@k, maj@k and distinct correct solutions, of a model or of anybody's samples.",
        usage: """
            gfn-dist evaluate test.jsonl --samples base=a.jsonl --samples tuned=b.jsonl --against base
            mpirun -n 4 gfn-dist evaluate gsm8k.jsonl svamp.jsonl --model model.gguf --output results/
            """,
        discussion: "Samples are JSON Lines with problem_id and text; see docs/evaluate.md.")

    @Argument(
        help: ArgumentHelp(
            "JSONL; pathsum or pathsum-validation: embedded ones.",
            valueName: "problems"))
    var problems: [String]
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Samples instead of a model's, repeatable; files of the same name are runs of one method.", valueName: "[name=]file"))
    var samples: [String] = []
    @Option(name: .long, help: ArgumentHelp("Paired differences from this set of samples.", valueName: "name"))
    var against: String?
    @Option(name: .long, help: ArgumentHelp("All figures for each value of a field; repeatable.", valueName: "field"))
    var by: [String] = []
    @Option(name: .long, help: ArgumentHelp("ROUGE-L F-measures below which solutions differ.", valueName: "t,t…"))
    var thresholds: String?
    @Option(name: .long, help: ArgumentHelp("Distinct correct solutions at equal accuracies.", valueName: "a,a…"))
    var atAccuracy: String?
    @Option(name: .long, help: ArgumentHelp("How different ones are counted.", valueName: "method"))
    var distinct = DistinctMethod.greedy
    @Flag(name: .long, help: "ROUGE-L compares the stems of words.")
    var stemmer = false
    @Option(name: .long, help: ArgumentHelp("What counts as right.", valueName: "rule"))
    var judge = Judge.answer
    @Flag(name: .long, help: "Right solutions' distances by --model; slow.")
    var embeddings = false
    @Flag(name: .long, help: "Without the greedy solution of each problem.")
    var noGreedy = false
    @OptionGroup var sampling: SamplingOptions
    @Option(name: .long, help: ArgumentHelp("Folder for all forms of the result, and the samples.", valueName: "dir"))
    var output: String?
    @Flag(name: .long, help: "Go on with a call that was stopped; with --output.")
    var resume = false
    @Flag(name: .long, help: "Print JSON instead of a table.")
    var json = false
    @OptionGroup var ranks: RankOptions
    @Flag(name: .long, help: "Print the resolved settings and their origins.")
    var dryRun = false

    private var options: EvaluationOptions {
        var options = EvaluationOptions()
        options.method = distinct
        options.stemmer = stemmer
        if let thresholds { options.thresholds = Self.numbers(thresholds) ?? options.thresholds }
        if let atAccuracy { options.accuracies = Self.numbers(atAccuracy) ?? [] }
        return options
    }

    private var sets: [SampleSet] { samples.map { SampleSet($0) } }

    /// Nil unless all are numbers above 0 and at most 1, each once.
    private static func numbers(_ text: String) -> [Double]? {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).compactMap { Double($0) }
        let isFine = numbers.count == text.split(separator: ",", omittingEmptySubsequences: false).count
            && numbers.allSatisfy { $0 > 0 && $0 <= 1 } && Set(numbers).count == numbers.count
        return isFine ? numbers.sorted() : nil
    }

    func validate() throws {
        if problems.isEmpty { throw ValidationError("name a file of problems, or pathsum") }
        if let thresholds, Self.numbers(thresholds) == nil {
            throw ValidationError("--thresholds is '\(thresholds)', expected numbers above 0 and at most 1, as 0.6,0.7,0.8")
        }
        if let atAccuracy, Self.numbers(atAccuracy) == nil {
            throw ValidationError("--at-accuracy is '\(atAccuracy)', expected numbers above 0 and at most 1, as 0.9,0.95")
        }
        let names = sets.map(\.name)
        if let twice = sets.first(where: { set in !set.isNamed && names.count { $0 == set.name } > 1 })?.name {
            throw ValidationError(
                "two sets of samples are called \(twice): name them with --samples NAME=FILE, with the same name where they are runs of "
                    + "one method")
        }
        if let twice = sets.enumerated().first(where: { place, set in sets[..<place].contains { $0 == set } })?.element {
            throw ValidationError("\(twice.name)=\(twice.path) is there twice, expected each run of a method once")
        }
        if let against, !names.contains(against) {
            let expected = names.isEmpty ? "--samples" : "one of " + names.joined(separator: ", ")
            throw ValidationError("--against \(against) is no set of samples, expected \(expected)")
        }
        if against != nil, Set(names).count < 2 { throw ValidationError("--against compares sets of samples: give another with --samples") }
        if output?.isEmpty == true { throw ValidationError("--output is empty, expected the name of a folder") }
        if resume, output == nil { throw ValidationError("--resume goes with --output: without a folder nothing is kept to go on with") }
        if resume, !samples.isEmpty { throw ValidationError("--resume goes on with sampling, and these samples are there: leave it out") }
    }

    func run() throws {
        Launch.perform(ranks: ranks.virtual) { launch in
            if dryRun {
                let layers = try sampling.layers(problems: problems[0])
                // Samples alone need no model.
                if samples.isEmpty || embeddings || layers.values["reward_model"]?.isEmpty == false { _ = try RunConfiguration(layers, for: .sampling) } else { try layers.check() }
                if launch.isFirst { print(layers.yaml(withOrigins: true), terminator: "") }
                return
            }
            SignalFlags.install()
            let call = EvaluateCall(
                problems: problems, sets: sets, run: run(embeddings: [:]), sampling: sampling, hasGreedy: !noGreedy,
                hasEmbeddings: embeddings, output: output, isResumed: resume, isJSON: json)
            try call.perform(launch)
        }
    }

    private func run(embeddings: [String: EmbeddingDistance]) -> EvaluateRun {
        EvaluateRun(
            datasets: problems, options: options, judge: judge, fields: by, against: against,
            samplesPerProblem: samples.isEmpty ? nil : sampling.samplesPerProblem, embeddings: embeddings,
            seed: UInt64(sampling.settings.seed ?? 1))
    }
}

extension DistinctMethod: ExpressibleByArgument {}
extension Judge: ExpressibleByArgument {}
