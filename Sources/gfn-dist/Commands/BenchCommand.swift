internal import ArgumentParser
internal import Foundation
internal import Model
internal import Tensor

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure this machine's speed, suite by suite.",
        usage: """
            gfn-dist bench decode --model model.gguf
            BENCH_GGUF=model.gguf BENCH_BATCHES="1 8" BENCH_GEN=32 gfn-dist bench decode --json
            BENCH_BATCHES=8 BENCH_PROMPT=4 BENCH_GEN=12 gfn-dist bench reward
            BENCH_MODELS="135m.gguf 1b.gguf 8b.gguf" BENCH_PROMPT=32 BENCH_GEN=32 gfn-dist bench scaling --plot scaling.svg
            mpirun -n 4 gfn-dist bench mpi
            """,
        discussion: """
            decode: tokens per second of B responses decoded together, each to a prompt of its own. \
            adapter-gradients: the gradients of low-rank matrices, by this program's kernels and by OpenBLAS's sgemm in turn; needs no model. \
            reward: a process reward model's scores of B responses to one prompt, and a reference's log-probabilities of them, in turn; \
            on the embedded base where no model is named. \
            codes: products with quantised weights, computed from their blocks, beside those with the same weights in bf16; needs no model. \
            scaling: milliseconds per token of sampling and of learning, of each of BENCH_MODELS, and the operations that a token needs. \
            mpi: the exact sum of gradients over ranks beside MPI's own sum of floats, in turn.

            Variables: BENCH_GGUF (the model), BENCH_MODELS (several), BENCH_BATCHES (1 8 32; scaling: the largest), BENCH_PROMPT (128), BENCH_GEN (128), \
            BENCH_REPS (5), BENCH_THREADS (all cores), BENCH_TAG (text added to the variant).
            """)

    static let suites = ["decode", "adapter-gradients", "codes", "reward", "scaling", "mpi"]

    @Argument(help: ArgumentHelp("What to measure: \(Self.suites.joined(separator: ", ")).", valueName: "suite"))
    var names: [String]
    @Option(name: .long, help: ArgumentHelp("Hugging Face folder or .gguf file; instead of BENCH_GGUF.", valueName: "path"))
    var model: String?
    @Option(name: .long, help: ArgumentHelp("bf16 or fp32: of the products with the model's weights.", valueName: "name"))
    var precision = Precision.bf16.rawValue
    @Option(name: .long, help: ArgumentHelp("scaling: a picture of it to write, SVG.", valueName: "file"))
    var plot: String?
    @Flag(name: .long, help: "One JSON line per measurement instead of a table.")
    var json = false

    func validate() throws {
        for name in names where !Self.suites.contains(name) {
            throw ValidationError("there is no suite '\(name)'; the suites are \(Self.suites.joined(separator: ", "))")
        }
        if names.contains("mpi"), names.count > 1 { throw ValidationError("mpi is measured alone, on several ranks") }
        if plot != nil, !names.contains("scaling") { throw ValidationError("--plot is of the suite scaling, which is not named") }
        if Precision(rawValue: precision) == nil {
            throw ValidationError(
                "--precision is '\(precision)', expected \(Precision.allCases.map(\.rawValue).joined(separator: " or "))")
        }
    }

    func run() throws {
        Launch.perform(ranks: names.contains("mpi") ? nil : 1) { launch in
            let settings = try BenchSettings(
                model: model, needsModel: names.contains("decode"), environment: ProcessInfo.processInfo.environment)
            let precision = Precision(rawValue: precision) ?? .bf16
            if !json, launch.isFirst { say(Measurement.tableHeading) }
            let isJSON = json
            @Sendable func report(_ measurement: Measurement) { say(isJSON ? measurement.json : measurement.tableRow) }
            for name in names {
                switch name {
                case "decode": try DecodeBench(settings: settings, precision: precision).run(report: report)
                case "mpi": try launch.everyRank { try ReductionBench(settings: settings, ranks: $0).run(report: report) }
                case "scaling":
                    let results = try ScalingBench(settings: settings, precision: precision).run(report: report)
                    let text = ScalingBench.plot(results, note: settings.description)
                    if let plot { try SideFile.write(Array(text.utf8), to: plot) }
                case "codes": CodesBench(settings: settings).run(report: report)
                case "reward": try RewardBench(settings: settings, precision: precision).run(report: report)
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
