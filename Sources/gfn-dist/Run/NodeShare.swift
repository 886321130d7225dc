internal import Model

/// What a process shares with the other ranks of its node.
struct NodeShare: Sendable {
    /// Ranks that share its cores, and the processes that they live in.
    let ranks: Int
    let processes: Int
    /// Bytes that were left when the program started; nil where the system does not say.
    let availableMemory: Int?

    /// Fails where the base alone takes more memory than there is, before it is read.
    /// - Parameters:
    ///   - gradients: whether there will be a backward.
    ///   - limit: the value of `memory.limit`.
    func require(_ model: UnloadedModel, _ cache: PackedCache?, gradients: Bool, limit: String) throws(RunError) {
        try MemoryLimit(limit, available: availableMemory).require(
            MemoryPlan(computingWith: model, cache: cache, gradients: gradients, processes: processes),
            advice: MemoryPlan.advice(model, processes: processes))
    }
}
