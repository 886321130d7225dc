internal import Model

extension JSONRecord {
    /// The turns of a conversation, each `{role, content}` or ShareGPT's `{from, value}`; a text is one turn of the user.
    func conversation(_ field: String) throws(Fault) -> [ChatMessage] {
        if isText(field) { return [ChatMessage(role: "user", content: try text(field))] }
        let expected = "a text or a list of {role, content}"
        var messages: [ChatMessage] = []
        for turn in try records(field, expected: expected) {
            let isShareGPT = !turn.has("role") && turn.has("from")
            messages.append(
                ChatMessage(role: try turn.role(isShareGPT ? "from" : "role"), content: try turn.content(isShareGPT ? "value" : "content")))
        }
        guard !messages.isEmpty else { throw fault(field, expected: expected) }
        return messages
    }

    /// The text of a reply, or of the assistant's turn that ends a conversation.
    func reply(_ field: String, ofOneTurn: Bool = false) throws(Fault) -> String {
        guard isList(field) else { return try text(field) }
        let turns = try conversation(field)
        guard let last = turns.last, last.role == "assistant", !ofOneTurn || turns.count == 1 else {
            throw fault(field, expected: ofOneTurn ? "a text or one turn of the assistant" : "turns of which the last is the assistant's")
        }
        return last.content
    }

    /// The role as chat templates know it. Others, such as those of tools, have no meaning here.
    private func role(_ field: String) throws(Fault) -> String {
        switch try text(field).lowercased() {
        case "user", "human", "prompter": return "user"
        case "assistant", "gpt", "chatgpt", "bot", "chatbot", "model", "ai": return "assistant"
        case "system", "developer": return "system"
        default: throw fault(field, expected: "system, user or assistant")
        }
    }

    /// A text, or a list of parts `{"type": "text", "text": …}`, which follow each other as chat templates put them.
    private func content(_ field: String) throws(Fault) -> String {
        guard isList(field) else { return try text(field) }
        let parts = try records(field, expected: "a text or a list of {type, text}")
        guard !parts.isEmpty else { throw fault(field, expected: "a text or a list of {type, text}") }
        var content = ""
        for part in parts {
            guard part.isText("type"), try part.text("type") == "text" else { throw part.fault("type", expected: "\"text\"") }
            content += try part.text("text")
        }
        return content
    }

    func unknownShape(_ expected: String) -> Fault {
        Fault(field: nil, expected: expected, found: keys.isEmpty ? "no fields" : "the fields \(keys.prefix(20).joined(separator: ", "))")
    }
}
