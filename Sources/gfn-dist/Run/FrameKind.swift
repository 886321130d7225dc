/// The kinds of message frames that the program's ranks exchange.
enum FrameKind {
    static let rolloutBatch: UInt16 = 16
    static let weights: UInt16 = 17
    /// As `weights`, and nothing comes after them.
    static let lastWeights: UInt16 = 18
    /// A rollout asks for a version in full, because what came was damaged or is a change to one that it lacks.
    static let weightsRequest: UInt16 = 19
    /// A rollout has the weights that all ranks evaluate next.
    static let ready: UInt16 = 28
    /// A rollout that runs free begins groups.
    static let begins: UInt16 = 29
    /// Rank 0 tells the other learners which groups a step has, where rollouts run free.
    static let stepOrder: UInt16 = 30
    static let scoreOrder: UInt16 = 24
    static let scoreAnswer: UInt16 = 25
    static let sampleOrder: UInt16 = 26
    static let sampleReport: UInt16 = 27
    static let version: UInt16 = 5
}
