extension ChatTemplate {
    /// The template that a Jinja text amounts to for conversations without tools; nil when that is not certain.
    ///
    /// The text has to be one of those published, but for the way it is written down, the default system message and the
    /// date: a text that is merely similar may treat a message otherwise, and nobody would notice.
    package static func recognise(_ jinja: String) -> ChatTemplate? {
        guard jinja.utf8.count <= maximumBytes else { return nil }
        var text = JinjaText(jinja).canonical
        for preamble in preambles where text.hasPrefix(preamble) { text.removeFirst(preamble.count) }
        let date = literal(in: &text, after: "{%setdate_string='", before: "'%}", hole: "<date>")
        let system = literal(in: &text, after: "'<|im_start|>system\n", before: "<|im_end|>\n'", hole: "<system>")
        switch text {
        case chatMLText: return system == nil ? .chatML(defaultSystem: nil) : nil
        case systemChatMLText: return system.map { .chatML(defaultSystem: $0) }
        case llama3Text + "{%ifadd_generation_prompt%}\(llama3Prompt){%endif%}": return .llama3
        case llama3Text + llama3Prompt: return .llama3AlwaysPrompting
        default: break
        }
        switch fingerprint(text) {
        case qwen25Fingerprint: return system.map { .chatML(defaultSystem: $0) }
        case llama31Fingerprint: return date.map { .llama31(date: $0) }
        case llama32Fingerprint: return date.map { .llama32(date: $0) }
        default: return nil
        }
    }

    /// No published template is near it.
    private static let maximumBytes = 1 << 16

    private static let preambles = [
        "{%ifnotadd_generation_promptisdefined%}{%setadd_generation_prompt=false%}{%endif%}"
    ]
    private static let turn = "{{'<|im_start|>'+message['role']+'\n'+message['content']+'<|im_end|>\n'}}"
    private static let chatMLPrompt = "{%ifadd_generation_prompt%}{{'<|im_start|>assistant\n'}}{%endif%}"
    private static let chatMLText = "{%formessageinmessages%}\(turn){%endfor%}\(chatMLPrompt)"
    /// SmolLM2 and Qwen2.
    private static let systemChatMLText =
        "{%formessageinmessages%}{%ifloop.firstandmessages[0]['role']!='system'%}{{'<|im_start|>system\n<system><|im_end|>\n'}}{%endif%}"
        + "\(turn){%endfor%}\(chatMLPrompt)"
    private static let llama3Text =
        "{%setloop_messages=messages%}{%formessageinloop_messages%}{%setcontent='<|start_header_id|>'+message['role']+"
        + "'<|end_header_id|>\n\n'+message['content']|trim+'<|eot_id|>'%}{%ifloop.index0==0%}{%setcontent=bos_token+content%}{%endif%}"
        + "{{content}}{%endfor%}"
    private static let llama3Prompt = "{{'<|start_header_id|>assistant<|end_header_id|>\n\n'}}"

    /// Of texts that are long because of their tools: Qwen2.5-7B-Instruct's, that of Llama-3.1-8B- and Llama-3.3-70B-Instruct, and
    /// Llama-3.2-3B-Instruct's.
    private static let qwen25Fingerprint: UInt64 = 0xEAC7_B70D_3B70_4A80
    private static let llama31Fingerprint: UInt64 = 0xB9BC_71CD_7116_68A6
    private static let llama32Fingerprint: UInt64 = 0xB345_8646_6875_273F

    /// FNV-1a, 64 bits.
    static func fingerprint(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// What stands between two texts within one literal; it is replaced by `hole` wherever it stands.
    private static func literal(in text: inout String, after start: String, before end: String, hole: String) -> String? {
        var rest = text[...]
        while let from = rest.firstRange(of: start) {
            rest = rest[from.upperBound...]
            guard let to = rest.firstRange(of: end) else { return nil }
            let content = rest[..<to.lowerBound]
            guard !content.isEmpty, let literal = unescaped(content) else { continue }
            text = text.replacing(content, with: hole)
            return literal
        }
        return nil
    }

    /// A literal's text; nil when the literal ends within.
    private static func unescaped(_ content: Substring) -> String? {
        var result = ""
        var isEscaped = false
        for character in content {
            if !isEscaped, character == "'" { return nil }
            isEscaped = character == "\\" && !isEscaped
            if !isEscaped { result.append(character) }
        }
        return result
    }
}
