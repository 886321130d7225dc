/// One turn of a conversation.
package struct ChatMessage: Sendable, Equatable {
    /// "system", "user" or "assistant".
    package let role: String
    package let content: String

    package init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}

/// The ways in which a conversation is written down for a model.
package enum ChatTemplate: Sendable, Equatable {
    case plain
    case chatML(defaultSystem: String?)
    case llama3
    package func render(_ messages: [ChatMessage], addingGenerationPrompt: Bool) -> String { "" }
}
