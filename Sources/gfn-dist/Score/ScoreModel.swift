internal import Foundation
internal import Model
internal import Tensor

/// The model and adapter that `score` computes with, shared by the ranks of a process.
struct ScoreModel: Sendable {
    let files: ModelFiles
    private let base: BaseModel
    private let adapter: (configuration: AdapterConfiguration, matrices: [AdapterPlace: AdapterMatrices])?
    private let threads: Int
    private let stopTokens: StopTokens
    /// What people should know of how the files were read.
    let notes: [String]

    /// Takes `model`, `adapter`, `precision`, `kernels` and `threads` from the settings; the others do not matter here.
    /// - Parameter ranksOnNode: how many ranks share this machine's cores.
    init(_ layers: ConfigurationLayers, ranksOnNode: Int) throws {
        try layers.check()
        func text(_ name: String) -> String { layers.values[name] ?? "" }
        if let problem = RunConfiguration.kernelsProblem(text("kernels")) { throw RunError.configuration(problem) }
        if text("kernels") != "auto" { setenv(KernelFamily.variable, text("kernels"), 1) }
        let requested = Int(text("threads")) ?? 0
        threads = requested > 0 ? requested : max(1, ProcessInfo.processInfo.activeProcessorCount / max(1, ranksOnNode))

        guard text("model") != "random" else {
            throw RunError.configuration("model is 'random', which has learned nothing to score with; name a folder or a .gguf file")
        }
        files = try ModelFiles.open(text("model").isEmpty ? EmbeddedResources.baseModelPath : text("model"))
        // No template is used here, but where training used one, its end of a turn belongs to ⊤ and is scored with it.
        let own = files.writtenTemplate.text.flatMap { ChatTemplate.recognise($0) }
        let template = ChatTemplate(setting: text("data.chat_template")) ?? own
        guard let ends = ResponseEnds(of: files, template: template) else {
            throw RunError.badData(
                "model \(files.path) names no token that ends a response, expected eos_token_id in its configuration: "
                    + "there is no end to score")
        }
        stopTokens = ends.stopTokens
        notes = files.notes + [ends.note].compactMap { $0 }
        adapter = text("adapter").isEmpty ? nil : try AdapterFolder.read(text("adapter"), for: files.configuration)
        base = try BaseModel(
            files, precision: Precision(rawValue: text("precision")) ?? .bf16, gradients: false, parallel: Parallel(threads: threads))
    }

    /// What one rank scores with.
    func policy() -> Policy {
        // Without an adapter the policy adopts nothing, and so is the base.
        let policy = Policy(
            base: base, trainable: adapter.map { .lora($0.configuration) } ?? .full, parallel: Parallel(threads: threads))
        if let adapter { policy.adopt(values: policy.layout.parameters(of: adapter.matrices), version: 1) }
        policy.stopTokens = stopTokens
        return policy
    }
}
