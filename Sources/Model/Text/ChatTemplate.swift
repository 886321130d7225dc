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
///
/// A model's own template is a program in Jinja; it is recognised by its text, never executed.
package enum ChatTemplate: Sendable, Equatable {
    /// The contents, one per line.
    case plain
    /// `<|im_start|>role⏎content<|im_end|>⏎`; `defaultSystem` stands first when no system message does (SmolLM2, Qwen2.5).
    case chatML(defaultSystem: String?)
    /// `<|start_header_id|>role<|end_header_id|>⏎⏎content<|eot_id|>` after one begin token.
    case llama3
    /// Llama 3.1: the same, and a system message with two dates always comes first.
    case llama31(date: String)

    /// A part of the rendered text: a marker that must become one token, or text that must not become a marker.
    package enum Part: Sendable, Equatable {
        case marker(String)
        case text(String)
    }

    /// What the setting `data.chat_template` may be, for messages.
    package static let settings = "chatml, smollm2, qwen2.5, llama3, llama3.1, plain"

    /// The date that Llama 3.1's template names when it is given none.
    static let llama31Date = "26 Jul 2024"
    static let smolLM2System = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    static let qwen25System = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."

    /// The template of that name in the settings; nil for an unknown name.
    package init?(setting: String) {
        switch setting {
        case "chatml": self = .chatML(defaultSystem: nil)
        case "smollm2": self = .chatML(defaultSystem: Self.smolLM2System)
        case "qwen2.5": self = .chatML(defaultSystem: Self.qwen25System)
        case "llama3": self = .llama3
        case "llama3.1": self = .llama31(date: Self.llama31Date)
        case "plain": self = .plain
        default: return nil
        }
    }

    /// The template that a model's text amounts to, or an error that says what to set when it is not known.
    static func require(_ jinja: String?, of path: String) throws(ModelFileError) -> ChatTemplate {
        guard let jinja else {
            throw .missing(path: path, field: "the chat template", advice: "set data.chat_template to one of \(settings)")
        }
        guard let template = recognise(jinja) else {
            throw .unsupported(
                path: path, field: "the chat template", supported: "\(settings): set data.chat_template to the one that fits",
                found: "none of those that are known")
        }
        return template
    }

    // MARK: Rendering

    /// The conversation as one text. Markers in a message's content look like real ones in it; see `encode`.
    package func render(_ messages: [ChatMessage], addingGenerationPrompt: Bool) -> String {
        parts(messages, addingGenerationPrompt: addingGenerationPrompt).map {
            switch $0 {
            case .marker(let text), .text(let text): text
            }
        }.joined()
    }

    /// The conversation's tokens, in which only the template's own markers are special tokens.
    ///
    /// Throws nothing: a marker that the vocabulary lacks is encoded as text, together with the text beside it.
    package func encode(_ messages: [ChatMessage], addingGenerationPrompt: Bool, with tokenizer: Tokenizer) -> [Int32] {
        var ids: [Int32] = []
        var text = ""
        func encodeText() {
            ids += tokenizer.encode(text, parsingSpecialTokens: false, isBeginning: ids.isEmpty)
            text = ""
        }
        for part in parts(messages, addingGenerationPrompt: addingGenerationPrompt) {
            switch part {
            case .marker(let marker):
                if let id = tokenizer.id(of: marker) {
                    encodeText()
                    ids.append(id)
                } else {
                    text += marker
                }
            case .text(let content): text += content
            }
        }
        encodeText()
        return ids
    }

    /// Markers and the text between them; no two texts are neighbours, so that tokens are merged as in the whole text.
    package func parts(_ messages: [ChatMessage], addingGenerationPrompt: Bool) -> [Part] {
        switch self {
        case .plain:
            return [.text(messages.map(\.content).joined(separator: "\n"))]
        case .chatML(let defaultSystem):
            var messages = messages
            if let defaultSystem, let first = messages.first, first.role != "system" {
                messages.insert(ChatMessage(role: "system", content: defaultSystem), at: 0)
            }
            var parts: [Part] = []
            for (index, message) in messages.enumerated() {
                if index > 0 { parts.append(.text("\n")) }
                parts += [.marker("<|im_start|>"), .text("\(message.role)\n\(message.content)"), .marker("<|im_end|>")]
            }
            if !messages.isEmpty { parts.append(.text("\n")) }
            if addingGenerationPrompt { parts += [.marker("<|im_start|>"), .text("assistant\n")] }
            return parts
        case .llama3:
            return Self.llamaParts(messages, addingGenerationPrompt: addingGenerationPrompt)
        case .llama31(let date):
            var turns = messages
            var system = "Cutting Knowledge Date: December 2023\nToday Date: \(date)\n\n"
            if let first = messages.first, first.role == "system" { system += Self.trimmed(turns.removeFirst().content) }
            return Self.llamaParts(
                turns, verbatimSystem: system, addingGenerationPrompt: addingGenerationPrompt)
        }
    }

    private static func llamaParts(
        _ messages: [ChatMessage], verbatimSystem: String? = nil, addingGenerationPrompt: Bool
    ) -> [Part] {
        var parts: [Part] = messages.isEmpty && verbatimSystem == nil ? [] : [.marker("<|begin_of_text|>")]
        func append(_ role: String, _ content: String?) {
            parts += [.marker("<|start_header_id|>"), .text(role), .marker("<|end_header_id|>"), .text("\n\n" + (content ?? ""))]
            if content != nil { parts.append(.marker("<|eot_id|>")) }
        }
        if let verbatimSystem { append("system", verbatimSystem) }
        for message in messages { append(message.role, trimmed(message.content)) }
        if addingGenerationPrompt { append("assistant", nil) }
        return parts
    }

    /// Without the white space at both ends, by Python's definition.
    private static func trimmed(_ text: String) -> String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value) }
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !isSpace($0) }), let last = scalars.lastIndex(where: { !isSpace($0) }) else {
            return ""
        }
        return String(String.UnicodeScalarView(scalars[first...last]))
    }
}
