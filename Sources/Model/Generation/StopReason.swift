/// Why a sampled response ended.
package enum StopReason: UInt8, Sendable {
    /// The policy chose the stop token ⊤.
    case stopToken
    /// The limit on new tokens was reached; the policy never chose ⊤.
    case length
}
