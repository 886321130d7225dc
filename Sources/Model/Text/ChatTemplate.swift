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
    /// Llama 3 as first published: the same, and the head of the assistant's turn is always last.
    case llama3AlwaysPrompting
    /// Llama 3.1: the same, and a system message with two dates always comes first.
    case llama31(date: String)
    /// Llama 3.2: the same as 3.1 but for the second date, which is the day of rendering. A result must not depend on the day
    /// that it was computed on, so it is the date that the template falls back on where there is no clock.
    case llama32(date: String)

    /// A part of the rendered text: a marker that must become one token, or text that must not become a marker.
    package enum Part: Sendable, Equatable {
        case marker(String)
        case text(String)
    }

    /// What the setting `data.chat_template` may be, for messages.
    package static let settings = "chatml, smollm2, qwen2.5, llama3, llama3.1, llama3.2, plain"

    /// The date that the templates of Llama 3.1 and 3.2 name when they are given none.
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
        case "llama3.2": self = .llama32(date: Self.llama31Date)
        case "plain": self = .plain
        default: return nil
        }
    }

    /// What messages call it: the setting that it is, up to a system message or a date of its own.
    package var name: String {
        switch self {
        case .plain: "plain"
        case .chatML(nil): "chatml"
        case .chatML(Self.smolLM2System): "smollm2"
        case .chatML: "qwen2.5"
        case .llama3, .llama3AlwaysPrompting: "llama3"
        case .llama31: "llama3.1"
        case .llama32: "llama3.2"
        }
    }

    /// What people should know of how conversations are written; nil when it is as the model's author does.
    package var note: String? {
        guard case .llama32(let date) = self else { return nil }
        return "the chat template llama3.2 names the day that a prompt is written on; prompts name \(date) instead, "
            + "so that results can be repeated"
    }

    /// The marker that closes a turn of the assistant; nil where nothing does.
    package var closingMarker: String? {
        switch self {
        case .plain: nil
        case .chatML: "<|im_end|>"
        case .llama3, .llama3AlwaysPrompting, .llama31, .llama32: "<|eot_id|>"
        }
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
    /// The tokenizer has to have the markers: see `requireMarkers`.
    package func encode(_ messages: [ChatMessage], addingGenerationPrompt: Bool, with tokenizer: Tokenizer) -> [Int32] {
        encode(parts(messages, addingGenerationPrompt: addingGenerationPrompt), with: tokenizer)
    }

    /// The tokens of a conversation with the head of the assistant's turn, and those of the turn's text.
    package func encode(_ messages: [ChatMessage], completion: String, with tokenizer: Tokenizer) -> CompletedPrompt {
        var parts = parts(messages, addingGenerationPrompt: true)
        // The turn's text continues that of its head, so that both have to be merged as one.
        var head = ""
        if case .text(let text)? = parts.last {
            parts.removeLast()
            head = text
        }
        var tokens = tokenizer.encode(
            prompt: head, completion: completion, parsingSpecialTokens: false, place: parts.isEmpty ? .beginning : .afterToken)
        tokens.prompt = encode(parts, with: tokenizer) + tokens.prompt
        return tokens
    }

    private func encode(_ parts: [Part], with tokenizer: Tokenizer) -> [Int32] {
        var ids: [Int32] = []
        for part in parts {
            switch part {
            case .marker(let marker):
                guard let id = tokenizer.id(of: marker) else { preconditionFailure("\(marker) is no token, which requireMarkers refuses") }
                ids.append(id)
            case .text(let text):
                ids += tokenizer.encode(text, parsingSpecialTokens: false, place: ids.isEmpty ? .beginning : .afterToken)
            }
        }
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
        case .llama3AlwaysPrompting:
            return Self.llamaParts(messages, addingGenerationPrompt: true)
        case .llama31(let date), .llama32(let date):
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
