/// The kinds of message frames that the program's ranks exchange.
enum FrameKind {
    static let rolloutBatch: UInt16 = 16
    static let weights: UInt16 = 17
    /// As `weights`, and nothing comes after them.
    static let lastWeights: UInt16 = 18
    static let scoreOrder: UInt16 = 24
    static let scoreAnswer: UInt16 = 25
    static let sampleOrder: UInt16 = 26
    static let sampleReport: UInt16 = 27
    static let version: UInt16 = 3
}
