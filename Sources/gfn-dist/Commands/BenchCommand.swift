internal import ArgumentParser
internal import Foundation
internal import Model
internal import Tensor

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure this machine's speed, suite by suite.",
        usage: """
            BENCH_THREADS="1 2" BENCH_PARTS="peak mem" gfn-dist bench limits
            BENCH_BATCHES="1 8" BENCH_GEN=32 gfn-dist bench decode gfn --model model.gguf --json
            BENCH_MODELS="135m.gguf 1b.gguf" gfn-dist bench scaling --plot scaling.svg
            mpirun -n 4 gfn-dist bench mpi
            """,
        discussion: """
            limits: arithmetic on registers, memory, products, compression, disk. decode: responses, prompts read, tokens scored. \
            train: an adapter's forward, backward and AdamW. gfn: a step by phase, and the operations it needs and runs. mpi: the exact \
            sum of gradients beside MPI's of floats. sync: sending an adapter's new version. startup: to the first token's end. \
            adapter-gradients: their kernels beside sgemm. codes: quantised weights beside bf16. reward: a reward model beside a \
            reference. scaling: time per token over model size. docs/performance.md says more, and has all variables. mpi and sync run on \
            all ranks. decode needs a model; where none is named, others take the embedded base.

            Variables: BENCH_GGUF, BENCH_MODELS (scaling), BENCH_BATCHES (1 8 32), BENCH_PROMPT (128), BENCH_GEN (128), BENCH_REPS (5), \
            BENCH_THREADS (all cores), BENCH_TAG (added to the variant), BENCH_RANK (16); limits: BENCH_PARTS (peak mem products blas \
            zstd disk), BENCH_SHAPES (MxKxN …), BENCH_WORK (folder for disk), BENCH_LORA_A, BENCH_LORA_B; decode: BENCH_LPARTS (prefill \
            decode score shared); train: BENCH_BATCH (8), BENCH_SEQ (256), BENCH_CKPT (0; 1: keep layers' inputs only); gfn: \
            BENCH_PROMPTS (8), BENCH_SAMPLES (8), BENCH_STEPS (3); mpi: BENCH_SIZES_MIB (1 20 100).
            """)

    static let suites = [
        "limits", "decode", "train", "gfn", "mpi", "sync", "startup", "adapter-gradients", "codes", "reward", "scaling",
    ]
    /// Those that ranks measure together.
    private static let collective = ["mpi", "sync"]

    @Argument(help: ArgumentHelp("What to measure: \(Self.suites.joined(separator: ", ")).", valueName: "suite"))
    var names: [String]
    @Option(name: .long, help: ArgumentHelp("Hugging Face folder or .gguf file; instead of BENCH_GGUF.", valueName: "path"))
    var model: String?
    @Option(name: .long, help: ArgumentHelp("bf16 or fp32: products with the model's weights; instead of BENCH_DTYPE.", valueName: "name"))
    var precision: String?
    @Option(name: .long, help: ArgumentHelp("blocks or bf16: what products with a quantised model in bf16 read.", valueName: "name"))
    var baseWeights = QuantisedWeights.blocks.rawValue
    @Option(name: .long, help: ArgumentHelp("scaling: a picture of it to write, SVG.", valueName: "file"))
    var plot: String?
    @Flag(name: .long, help: "One JSON line per measurement instead of a table.")
    var json = false

    func validate() throws {
        for name in names where !Self.suites.contains(name) {
            throw ValidationError("there is no suite '\(name)'; the suites are \(Self.suites.joined(separator: ", "))")
        }
        if let name = names.first(where: Self.collective.contains), names.count > 1 {
            throw ValidationError("\(name) is measured alone, on several ranks")
        }
        if plot != nil, !names.contains("scaling") { throw ValidationError("--plot is of the suite scaling, which is not named") }
        if let precision, Precision(rawValue: precision) == nil {
            throw ValidationError(
                "--precision is '\(precision)', expected \(Precision.allCases.map(\.rawValue).joined(separator: " or "))")
        }
        if QuantisedWeights(rawValue: baseWeights) == nil {
            throw ValidationError(
                "--base-weights is '\(baseWeights)', expected \(QuantisedWeights.allCases.map(\.rawValue).joined(separator: " or "))")
        }
    }

    func run() throws {
        Launch.perform(ranks: names.contains(where: Self.collective.contains) ? nil : 1) { launch in
            let settings = try BenchSettings(
                model: model, suites: names, environment: ProcessInfo.processInfo.environment)
            let given = precision.flatMap(Precision.init(rawValue:)), quantised = QuantisedWeights(rawValue: baseWeights) ?? .blocks
            let form = BaseForm(precision: given ?? settings.precision, quantised: quantised)
            let forms = (given.map { [$0] } ?? settings.formPrecisions).map { BaseForm(precision: $0, quantised: quantised) }
            if !json, launch.isFirst { say(Measurement.tableHeading) }
            let isJSON = json
            @Sendable func report(_ measurement: Measurement) { say(isJSON ? measurement.json : measurement.tableRow) }
            for name in names {
                switch name {
                case "limits": try LimitsBench(settings: settings).run(report: report)
                case "train": try TrainBench(settings: settings, form: form).run(report: report)
                case "gfn": try GFNBench(settings: settings, form: form).run(report: report)
                case "sync": try launch.everyRank { try SyncBench(settings: settings, ranks: $0).run(report: report) }
                case "startup": for form in forms { try StartupBench(settings: settings, form: form).run(report: report) }
                case "decode": for form in forms { try DecodeBench(settings: settings, form: form).run(report: report) }
                case "mpi": try launch.everyRank { try ReductionBench(settings: settings, ranks: $0).run(report: report) }
                case "scaling":
                    let results = try ScalingBench(settings: settings, form: form).run(report: report)
                    let text = ScalingBench.plot(results, note: settings.description)
                    if let plot { try SideFile.write(Array(text.utf8), to: plot) }
                case "codes": CodesBench(settings: settings).run(report: report)
                case "reward": try RewardBench(settings: settings, form: form).run(report: report)
                default: AdapterGradientBench(settings: settings).run(report: report)
                }
            }
        }
    }

    /// A line as soon as it is there, though standard output may be a file.
    private func say(_ line: String) {
        print(line)
        fflush(nil)
    }
}
