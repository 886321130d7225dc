internal import Foundation
internal import Processes
internal import Model

/// From the start of the process to its end behind the first token: `sample` for one token of one problem, once from the
/// program's own cache of packed weights and once without it, each with all files in the system's memory and after it forgot them.
struct StartupBench {
    let settings: BenchSettings
    let form: BaseForm

    func run(report: (Measurement) -> Void) throws {
        let problem = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-bench-\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: problem) }
        try Data(#"{"question": "What is the capital of France?", "answer": "Paris"}\#n"#.utf8).write(to: problem)
        // The embedded base reads its own task only.
        let problems = settings.model.isEmpty ? ["pathsum", "--limit", "1"] : [problem.path, "--model", settings.model]
        let options = [
            "--samples-per-problem", "1", "--temperature", "0", "--max-new-tokens", "1", "--quiet",
            "--set", "precision=\(form.precision.rawValue)", "--set", "base.weights=\(form.quantised.rawValue)",
        ]
        for threads in settings.threads {
            for (note, cache) in [("", [] as [String]), (", base.cache=never", ["--set", "base.cache=never"])] {
                let name = try formName() + note
                for isCold in [false, true] {
                    func measurement(_ metric: Measurement.Metric) -> Measurement {
                        Measurement(
                            suite: "startup", caseName: "\(isCold ? "cold" : "warm") weights file", variant: settings.variant(name),
                            threads: threads, metric: metric)
                    }
                    var total = measurement(.seconds("total")), memory = measurement(.peakMemory)
                    // The first one fills the caches.
                    for run in 0...settings.repetitions {
                        if isCold { try weightFiles.forEach(PageCache.drop(all:)) }
                        settings.quiet.wait()
                        let meter = LoadMeter()
                        let usage = try runProgram(["sample"] + problems + options + cache + ["--threads", "\(threads)"])
                        let reading = meter.read(children: usage.cpuSeconds)
                        if run == 0 { continue }
                        total.add(reading.seconds, reading)
                        memory.add(Double(usage.peakMemory) / 1_048_576, reading)
                    }
                    report(total)
                    report(memory)
                }
            }
        }
    }

    /// This program in a process of its own, from its start to its end.
    private func runProgram(_ arguments: [String]) throws -> ChildProcess.Usage {
        let command = try CapturedCommand([ownPath] + arguments, seconds: 3600)
        guard command.end == .exited(0) else {
            throw RunError.inputOutput("gfn-dist \(arguments.joined(separator: " ")) failed: \(command.said)")
        }
        return command.usage
    }

    private var path: String { settings.model.isEmpty ? EmbeddedResources.baseModelPath : settings.model }

    /// Where weights are read from: the model, and the program's own cache of packed ones.
    private var weightFiles: [String] { [path] + (PackedCache.folder(ProcessInfo.processInfo.environment).map { [$0] } ?? []) }

    private func formName() throws -> String { try form.name(path) }
}
