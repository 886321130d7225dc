internal import ArgumentParser
internal import Foundation
internal import Model
internal import Tensor

/// `gfn-dist make-model`: a model of random weights, to measure with.
struct MakeModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-model",
        abstract: "Write a model of random weights in the shape of a known one, to measure time and memory with.",
        discussion: """
            It has a tokenizer of 256 bytes, and knows nothing. bf16 is a folder in Hugging Face's layout, q4_0 a GGUF file. The weights \
            are a function of the seed, and never in memory as a whole.

            Example: gfn-dist make-model --shape llama-3-8b --format q4_0 llama-3-8b.gguf
            """)

    @Option(help: ArgumentHelp("\(RandomModel.Shape.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
    var shape: RandomModel.Shape
    @Option(help: ArgumentHelp("\(RandomModel.Format.allCases.map(\.rawValue).joined(separator: " or ")).", valueName: "format"))
    var format: RandomModel.Format = .bf16
    @Option(help: ArgumentHelp("Of the weights.", valueName: "integer"))
    var seed: UInt64 = 1
    @Argument(help: ArgumentHelp("The folder or file to write.", valueName: "path"))
    var path: String

    func run() {
        Launch.perform(ranks: 1) { _ in
            let parallel = Parallel(threads: ProcessInfo.processInfo.activeProcessorCount)
            try RandomModel(shape, seed: seed, parallel: parallel).write(format, to: path)
        }
    }
}

extension RandomModel.Shape: ExpressibleByArgument {}
extension RandomModel.Format: ExpressibleByArgument {}
