/// A chat template as the model's author wrote it, which is recognised and copied, never executed.
package enum WrittenTemplate: Sendable, Equatable {
    case none
    case text(String)
    /// Several for other purposes, by name, and none for conversations.
    case others(names: [String])

    /// Nil when there is none for conversations.
    package var text: String? {
        if case .text(let text) = self { text } else { nil }
    }

    /// Reads `chat_template.jinja`, or else what `tokenizer_config.json` says.
    init(folder: String) throws(ModelFileError) {
        let templatePath = "\(folder)/chat_template.jinja"
        if MappedFile.exists(templatePath) {
            let file = try MappedFile(templatePath)
            self = .text(withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) })
            return
        }
        let path = "\(folder)/tokenizer_config.json"
        guard MappedFile.exists(path) else {
            self = .none
            return
        }
        let fields = try JSONFields(file: path)
        // Some models have several by name, in one of two spellings; the one called "default" is that of conversations.
        switch fields["chat_template"] {
        case .array(let list)?:
            var templates: [(name: String, text: String)] = []
            for (index, element) in list.enumerated() {
                let item = try JSONFields(element, path: path, name: "chat_template[\(index)]")
                templates.append((try item.required("name", JSONFields.string), try item.required("template", JSONFields.string)))
            }
            self.init(templates)
        case .object(let members)?:
            let item = try fields.required("chat_template", JSONFields.object)
            var templates: [(name: String, text: String)] = []
            for name in members.map(\.key.text) { templates.append((name, try item.required(name, JSONFields.string))) }
            self.init(templates)
        default:
            self = try fields.string("chat_template").map(WrittenTemplate.text) ?? .none
        }
    }

    /// Reads `tokenizer.chat_template`; `tokenizer.chat_templates` has the names of others.
    init(gguf fields: GGUFFields) throws(ModelFileError) {
        if let text = try fields.optionalString("tokenizer.chat_template") {
            self = .text(text)
        } else if let names = try fields.optionalStrings("tokenizer.chat_templates"), names.count > 0 {
            self = .others(names: (0..<names.count).map { names[$0].text })
        } else {
            self = .none
        }
    }

    private init(_ templates: [(name: String, text: String)]) {
        if let template = templates.last(where: { $0.name == "default" }) {
            self = .text(template.text)
        } else {
            self = templates.isEmpty ? .none : .others(names: templates.map(\.name))
        }
    }

    /// The template that the setting `data.chat_template` names, or else this one, for a tokenizer that has its markers.
    func template(setting: String, for tokenizer: Tokenizer, path: String) throws(ModelFileError) -> ChatTemplate {
        let template = if let named = ChatTemplate(setting: setting) { named } else { try recognised(path: path) }
        try template.requireMarkers(in: tokenizer, path: path)
        return template
    }

    /// The template for conversations, or an error that says what to set where there is none or it is not known.
    package func recognised(path: String) throws(ModelFileError) -> ChatTemplate {
        switch self {
        case .none:
            throw .missing(
                path: path, field: "the chat template", advice: "set data.chat_template to one of \(ChatTemplate.settings)")
        case .others(let names):
            let list = names.map { "\"\($0)\"" }.joined(separator: ", ")
            throw .missing(
                path: path, field: "the chat template \"default\"",
                advice: "there is only \(list.printable()); set data.chat_template to one of \(ChatTemplate.settings)")
        case .text(let text):
            guard let template = ChatTemplate.recognise(text) else {
                throw .unsupported(
                    path: path, field: "the chat template",
                    supported: "\(ChatTemplate.settings): set data.chat_template to the one that fits", found: "none of those that are known")
            }
            return template
        }
    }
}

extension ChatTemplate {
    /// Refuses a tokenizer for which a marker is not one token: it would become text, and mark nothing.
    ///
    /// - Parameter path: of the tokenizer.
    package func requireMarkers(in tokenizer: Tokenizer, path: String) throws(ModelFileError) {
        for marker in markers {
            guard let id = tokenizer.id(of: marker), tokenizer.encode(marker) == [id] else {
                throw .malformed(
                    path: path, field: "\"\(marker)\", a marker of the chat template \(name),",
                    expected: "one token of the tokenizer: set data.chat_template to the model's own template, or to plain",
                    found: "not one token")
            }
        }
    }

    private var markers: [String] {
        switch self {
        case .plain: []
        case .chatML: ["<|im_start|>", "<|im_end|>"]
        case .llama3, .llama3AlwaysPrompting, .llama31, .llama32: ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
        }
    }
}
