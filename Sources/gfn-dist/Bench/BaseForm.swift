internal import Model
internal import Tensor

/// In what numbers a suite's base is kept, and whether a quantised one as its file has it.
struct BaseForm {
    let precision: Precision
    let quantised: QuantisedWeights

    /// Reads a base; `name` says what its products read: "fp32", "bf16" or "blocks". Throws what opening a model throws.
    func open(_ path: String, gradients: Bool, threads: Int) throws -> (base: BaseModel, name: String) {
        let (model, name) = try unloaded(path, Parallel(threads: threads))
        return (try BaseModel(model, gradients: gradients), name)
    }

    /// The name alone.
    func name(_ path: String) throws -> String { try unloaded(path, .serial).name }

    private func unloaded(_ path: String, _ parallel: Parallel) throws -> (model: UnloadedModel, name: String) {
        let files = try ModelFiles.open(path)
        let plain = try UnloadedModel(files, precision: precision, parallel: parallel, quantised: .bf16)
        guard quantised == .blocks, plain.couldUseCodes else { return (plain, precision.rawValue) }
        return (try UnloadedModel(files, precision: precision, parallel: parallel, quantised: .blocks), quantised.rawValue)
    }
}
