internal import CKernels

/// ⊤: the tokens that end a response, any of them. Its probability is that of the whole set.
package struct StopTokens: Sendable, Equatable {
    /// Different, ascending.
    package let ids: [Int32]
    /// No model names more.
    package static let maximumCount = Int(gfn_token_set_limit)

    package init(_ ids: [Int32]) {
        self.ids = Set(ids).sorted()
        precondition(
            self.ids.count <= Self.maximumCount && self.ids.allSatisfy { $0 >= 0 }, "stop tokens \(ids), expected at most \(Self.maximumCount)")
    }

    /// No response ends by itself.
    package static let none = StopTokens([])

    package func contains(_ id: Int32) -> Bool { ids.contains(id) }

    func withSet(_ body: (gfn_token_set) -> Void) {
        ids.withUnsafeBufferPointer { body(gfn_token_set(tokens: $0.baseAddress, count: $0.count)) }
    }
}
