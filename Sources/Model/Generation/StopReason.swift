/// Why a sampled response ended.
package enum StopReason: UInt8, Sendable {
    /// The policy chose ⊤: one of the stop tokens.
    case stopToken
    /// The limit on new tokens was reached; the policy never chose ⊤.
    case length
}
