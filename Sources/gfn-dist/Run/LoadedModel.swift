internal import Foundation
internal import Learner
internal import Model
internal import Tensor

/// A model and an adapter to compute with and not to train, shared by the ranks of a process.
struct LoadedModel: Sendable {
    private let base: BaseModel
    private let adapter: (configuration: AdapterConfiguration, matrices: [AdapterPlace: AdapterMatrices])?
    private let threads: Int

    /// Opens the files of the model that the settings name; without a name, of the embedded base.
    static func files(_ layers: ConfigurationLayers) throws -> ModelFiles {
        let model = layers.values["model"] ?? ""
        return try ModelFiles.open(model.isEmpty ? EmbeddedResources.baseModelPath : model)
    }

    /// Takes what concerns the base, and `adapter`, `kernels`, `threads` and `memory.limit` from the settings; the others do not
    /// matter here.
    /// - Parameter node: what the ranks share.
    init(_ files: ModelFiles, _ layers: ConfigurationLayers, on node: NodeShare) throws {
        func text(_ name: String) -> String { layers.values[name] ?? "" }
        if let problem = RunConfiguration.kernelsProblem(text("kernels")) { throw RunError.configuration(problem) }
        if text("kernels") != "auto" { setenv(KernelFamily.variable, text("kernels"), 1) }
        threads = Int(text("threads")) ?? max(1, ProcessInfo.processInfo.activeProcessorCount / max(1, node.ranks))
        adapter = text("adapter").isEmpty ? nil : try AdapterFolder.read(text("adapter"), for: files.configuration)
        var model = try UnloadedModel(
            files, precision: Precision(rawValue: text("precision")) ?? .bf16, parallel: Parallel(threads: threads),
            quantised: QuantisedWeights(rawValue: text("base.weights")) ?? .blocks)
        model.keyPrecision = Precision(rawValue: text("attention.cache")) ?? .fp32
        let cache = try PackedCache.named(text("base.cache"))
        try node.require(model, cache, gradients: false, limit: text("memory.limit"))
        base = try BaseModel(model, gradients: false, cache: cache)
        if let note = base.cacheNote { Launch.say(note) }
    }

    /// What one rank computes with.
    func policy(endingWith stopTokens: StopTokens) -> Policy {
        guard let adapter else { return basePolicy(endingWith: stopTokens) }
        let policy = Policy(base: base, trainable: .lora(adapter.configuration), parallel: Parallel(threads: threads))
        policy.adopt(values: policy.layout.parameters(of: adapter.matrices), version: 1)
        policy.stopTokens = stopTokens
        return policy
    }

    /// The same without the adapter.
    func basePolicy(endingWith stopTokens: StopTokens) -> Policy {
        // It adopts nothing, and so is the base.
        let policy = Policy(base: base, trainable: .full, parallel: Parallel(threads: threads))
        policy.stopTokens = stopTokens
        return policy
    }

    /// A reward model on the same base.
    func rewardModel(_ path: String, template: String?) throws -> LoadedRewardModel {
        try LoadedRewardModel(path, base: base, template: template, threads: threads)
    }

    /// Of the adapter's bf16 bits, as a run reports it; nil without one.
    var adapterDigest: String? {
        adapter.map { adapter in
            let layout = ParameterLayout(.lora(adapter.configuration), of: base.configuration)
            return sha256Hex(layout.parameters(of: adapter.matrices).roundedToBFloat16)
        }
    }
}
