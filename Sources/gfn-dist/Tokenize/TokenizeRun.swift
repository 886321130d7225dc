internal import Foundation
internal import Model

/// The work of `tokenize`: line by line, so that neither input nor output has to fit into memory.
struct TokenizeRun {
    let model: TextModel
    let mode: TokenizeMode
    /// Needed for conversations alone.
    let template: ChatTemplate?

    private static let roles = ["system", "user", "assistant"]

    /// What was done, for the last line on standard error.
    struct Summary {
        var lines = 0
        var tokens = 0
        /// UTF-8.
        var textBytes = 0
        /// Spent between text and tokens, without reading and writing JSON.
        var seconds = 0.0
    }

    func run(from input: String?, to output: String?) throws -> Summary {
        var reader = try LineReader(input)
        let writer = try LineWriter(output)
        var summary = Summary()
        do {
            while let bytes = try reader.next() {
                let place = "\(reader.name):\(reader.number)"
                try writer.write(line(try TokenizeRequest.read(bytes, at: place), at: place, &summary))
                summary.lines += 1
            }
        } catch {
            // The lines before a bad one reach standard output.
            try writer.flush()
            throw error
        }
        try writer.finish()
        return summary
    }

    private func line(_ request: TokenizeRequest, at place: String, _ summary: inout Summary) throws -> JSONLine {
        var line = JSONLine()
        switch mode {
        case .encode(let addingSpecial, let parsingSpecial):
            guard let text = request.text else { throw missing("text", "{\"text\": \"Hello\"}", request, place) }
            let ids = timed(&summary) {
                model.tokenizer.encode(text, addingSpecialTokens: addingSpecial, parsingSpecialTokens: parsingSpecial)
            }
            summary.note(text, ids)
            line.add("ids", ids.map(Int.init))
        case .decode(let skippingSpecial):
            guard let given = request.ids else { throw missing("ids", "{\"ids\": [1, 2]}", request, place) }
            let ids = try given.map { id in
                guard let token = Int32(exactly: id), (0..<model.tokenizer.vocabularySize).contains(id) else {
                    throw RunError.badData(
                        "\(place): ids holds \(id), expected ids from 0 to \(model.tokenizer.vocabularySize - 1), which are the model's; was another model meant?")
                }
                return token
            }
            let text = timed(&summary) { model.tokenizer.decode(ids, skippingSpecialTokens: skippingSpecial) }
            summary.note(text, ids)
            line.add("text", text)
        case .chat(let addingPrompt, let parsingSpecial):
            guard let template, let messages = request.messages?.map({ ChatMessage(role: $0.role, content: $0.content) }) else {
                throw missing("messages", "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}", request, place)
            }
            for (index, message) in messages.enumerated() where !Self.roles.contains(message.role) {
                throw RunError.badData(
                    "\(place): messages[\(index)].role is '\(message.role)', expected \(Self.roles.joined(separator: ", ")); templates write other roles in ways that are not followed here")
            }
            let addsPrompt = request.add_generation_prompt ?? addingPrompt
            let (text, ids) = timed(&summary) {
                let text = template.render(messages, addingGenerationPrompt: addsPrompt)
                let ids =
                    parsingSpecial
                    ? model.tokenizer.encode(text)
                    : template.encode(messages, addingGenerationPrompt: addsPrompt, with: model.tokenizer)
                return (text, ids)
            }
            summary.note(text, ids)
            line.add("text", text)
            line.add("ids", ids.map(Int.init))
        }
        return line
    }

    private func missing(_ field: String, _ example: String, _ request: TokenizeRequest, _ place: String) -> RunError {
        let others = [
            ("text", request.text != nil, "leave out --decode and --chat"), ("ids", request.ids != nil, "--decode is for ids"),
            ("messages", request.messages != nil, "--chat is for messages"),
        ]
        let found = others.first { $0.1 }
        let advice = found.map { "it has \($0.0): \($0.2)" } ?? "a line is, for example, \(example)"
        return .badData("\(place) has no \(field); \(advice)")
    }

    private func timed<Value>(_ summary: inout Summary, _ body: () -> Value) -> Value {
        let start = ContinuousClock.now
        defer { summary.seconds += start.duration(to: .now).seconds }
        return body()
    }
}

extension TokenizeRun.Summary {
    fileprivate mutating func note(_ text: String, _ ids: [Int32]) {
        textBytes += text.utf8.count
        tokens += ids.count
    }

    /// One line for people.
    var sentence: String {
        let megabytes = Double(textBytes) / 1e6
        let speed = seconds > 0 ? String(format: ", %.1f MB/s between text and ids", megabytes / seconds) : ""
        return "tokenize: \(lines) lines, \(String(format: "%.2f", megabytes)) MB of text, \(tokens) tokens" + speed
    }
}
