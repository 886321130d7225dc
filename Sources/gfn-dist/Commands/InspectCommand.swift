internal import ArgumentParser
internal import Foundation

/// `gfn-dist inspect`: what lies at a path, without computing with it.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Say what a model, adapter, reward model, checkpoint or run folder is, from its files alone.",
        usage: """
            gfn-dist inspect runs/pathsum
            gfn-dist inspect model.gguf --json
            """,
        discussion: """
            Files are read as the other commands read them: what is refused here is refused there. Of a checkpoint every file is held \
            against its digest; a damaged one ends with 65.
            """)

    @Argument(help: ArgumentHelp("A folder, or a .gguf or .safetensors file.", valueName: "path"))
    var path: String
    @Flag(name: .long, help: "One JSON object instead of lines.")
    var json = false

    func validate() throws {
        if path.isEmpty { throw ValidationError("the path is empty, expected that of a model, adapter, checkpoint or run") }
    }

    func run() {
        Launch.perform(ranks: 1) { _ in
            let inspection = try Inspection(of: path)
            let text = json ? inspection.facts.json : inspection.facts.lines.joined(separator: "\n")
            try writeToStandardOutput(text + "\n")
            if let damage = inspection.damage { throw damage }
        }
    }
}
