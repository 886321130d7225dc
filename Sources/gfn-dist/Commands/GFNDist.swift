internal import ArgumentParser
internal import Foundation
internal import Tensor

@main
struct GFNDist: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gfn-dist",
        abstract: "GFlowNet fine-tuning of Llama-type language models on CPU nodes, over MPI.",
        discussion: """
            With no arguments, `gfn-dist train` trains the embedded demonstration: a small model that \
            learns to give many different correct solutions of an arithmetic task.
            """,
        version: versionText,
        subcommands: [TrainCommand.self, BenchCommand.self])

    static var versionText: String {
        "gfn-dist \(BuildVersion.number), kernels \(KernelFamily.current.rawValue)"
    }
}

enum BuildVersion {
    static let number = "0.1.0"
}
