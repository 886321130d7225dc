internal import ArgumentParser
internal import Foundation

/// `gfn-dist export`: what was trained, in the form that another program reads.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write an adapter for PEFT, transformers or llama.cpp.",
        usage: """
            gfn-dist export runs/pathsum --to pathsum-adapter
            gfn-dist export runs/pathsum --step 2990 --merge --to pathsum-merged
            gfn-dist export --model model.gguf --adapter runs/a/adapter --to adapter.gguf
            """,
        discussion: """
            A folder becomes a PEFT adapter, or with --merge a Hugging Face model; a .gguf file an adapter for llama.cpp. \
            --merge adds the adapter to the weights in single precision and rounds once, to the type of the source \
            (of a GGUF file: bf16). A run that trained all weights has a whole model, which is written as it is.
            """)

    @Argument(help: ArgumentHelp("Run folder; otherwise --model and --adapter.", valueName: "run"))
    var path: String?
    @Option(name: .long, help: ArgumentHelp("The folder to write, or a file that ends in .gguf.", valueName: "path"))
    var to: String
    @Option(name: .long, help: ArgumentHelp("PEFT folder of an adapter on the model.", valueName: "dir"))
    var adapter: String?
    @Option(name: .long, help: ArgumentHelp("The run's checkpoint of this step; what it ended with unless named.", valueName: "n"))
    var step: Int?
    @Flag(name: .long, help: "Write the model with the adapter in its weights.")
    var merge = false
    @Flag(name: .long, help: "Print what was written as JSON.")
    var json = false
    @OptionGroup var settings: SettingOptions

    func validate() throws {
        if to.isEmpty { throw ValidationError("--to is empty, expected the name of a folder or of a .gguf file") }
        if path?.isEmpty == true { throw ValidationError("the run's name is empty, expected its folder") }
        if let step, step < 1 { throw ValidationError("--step is \(step), expected at least 1") }
        if path != nil, adapter != nil { throw ValidationError("a run has an adapter of its own: leave it or --adapter out") }
        if path == nil, step != nil { throw ValidationError("--step is about a run's checkpoints: name the run, or leave --step out") }
        if path == nil, adapter == nil, settings.config == nil, settings.assignments.isEmpty {
            throw ValidationError("there is nothing to export: name a run, or an adapter with --adapter")
        }
        if let threads = settings.threads, threads < 1 { throw ValidationError("--threads is \(threads), expected at least 1") }
        if merge, ExportTarget(to).isGGUF {
            throw ValidationError(
                "--merge writes a Hugging Face folder, and \(to) is a GGUF file: leave --merge out for the adapter as GGUF, or name a "
                    + "folder, of which llama.cpp's convert_hf_to_gguf.py makes a GGUF model")
        }
    }

    func run() {
        Launch.perform(ranks: 1) { _ in
            let source = try ExportSource(run: path, step: step, adapter: adapter, settings: settings)
            let threads = settings.threads ?? ProcessInfo.processInfo.activeProcessorCount
            let written = try Export(source: source, target: ExportTarget(to), merge: merge, threads: threads).perform()
            if !settings.quiet {
                for note in written.notes { writeToStandardError("export: \(note.printable(limit: 1000))\n") }
            }
            print(json ? written.line.text : written.text)
        }
    }
}
