package import Model

/// A problem in words, with its gold answer and a worked solution as far as the file has them.
package struct Problem: Sendable, Equatable {
    /// The conversation that poses it; usually one turn of the user.
    package var messages: [ChatMessage]
    package var solution: String?
    package var answer: String?
    /// Where its file has it, from 1.
    package var line: Int

    package init(messages: [ChatMessage], solution: String?, answer: String?, line: Int = 1) {
        (self.messages, self.solution, self.answer, self.line) = (messages, solution, answer, line)
    }
}

/// Problems from JSON Lines: `{question, answer}`, `{problem, solution?, answer?}`, `{prompt, completion}` and
/// `{messages, answer?}`. Other fields are ignored.
package enum ProblemFile {
    private static let kind = "problems"

    package static func read(_ path: String) throws(DataFileError) -> [Problem] {
        try JSONLines.read(path, kind: kind, problem)
    }

    package static func parse(_ bytes: [UInt8], path: String) throws(DataFileError) -> [Problem] {
        try JSONLines.parse(bytes, path: path, kind: kind, problem)
    }

    private static func problem(_ record: JSONRecord, line: Int) throws(JSONRecord.Fault) -> Problem {
        if record.has("question"), record.has("answer") { return try gsm8k(record, line) }
        if record.has("problem") {
            let solution = try record.optionalText("solution")
            let answer = try record.optionalText("answer").map(AnswerExtraction.gold) ?? solution.flatMap(AnswerExtraction.stated)
            return Problem(messages: [user(try record.text("problem"))], solution: solution, answer: present(answer), line: line)
        }
        if record.has("prompt"), record.has("completion") {
            let completion = try record.reply("completion")
            let answer = try record.optionalText("answer").map(AnswerExtraction.gold) ?? AnswerExtraction.gold(ofWorked: completion)
            return Problem(messages: try record.conversation("prompt"), solution: completion, answer: present(answer), line: line)
        }
        if record.has("messages") {
            var turns = try record.conversation("messages")
            let solution = turns.last?.role == "assistant" ? turns.removeLast().content : nil
            guard !turns.isEmpty else { throw record.fault("messages", expected: "a conversation that begins with the user") }
            let answer = try record.optionalText("answer").map(AnswerExtraction.gold) ?? solution.flatMap(AnswerExtraction.gold(ofWorked:))
            return Problem(messages: turns, solution: solution, answer: present(answer), line: line)
        }
        throw record.unknownShape("question and answer, problem, prompt and completion, or messages")
    }

    /// The answer ends in `#### N` or marks it in another way; without it, it is bare.
    private static func gsm8k(_ record: JSONRecord, _ line: Int) throws(JSONRecord.Fault) -> Problem {
        let (question, answer) = (try record.text("question"), try record.text("answer"))
        let isWorked = answer.firstRange(of: "####") != nil
        let gold = AnswerExtraction.gold(answer)
        return Problem(messages: [user(question)], solution: isWorked ? answer : nil, answer: present(gold), line: line)
    }

    private static func user(_ content: String) -> ChatMessage { ChatMessage(role: "user", content: content) }

    private static func present(_ answer: String?) -> String? {
        guard let answer, let first = answer.firstIndex(where: { !$0.isWhitespace }), let last = answer.lastIndex(where: { !$0.isWhitespace })
        else { return nil }
        return String(answer[first...last])
    }
}

extension JSONRecord {
    /// The turns of a conversation; a text is one turn of the user.
    func conversation(_ field: String) throws(Fault) -> [ChatMessage] {
        if isText(field) { return [ChatMessage(role: "user", content: try text(field))] }
        let expected = "a list of {role, content}"
        var messages: [ChatMessage] = []
        for turn in try records(field, expected: expected) {
            messages.append(ChatMessage(role: try turn.text("role"), content: try turn.text("content")))
        }
        guard !messages.isEmpty else { throw fault(field, expected: expected) }
        return messages
    }

    /// The text of a reply, or of the last turn of a conversation.
    func reply(_ field: String) throws(Fault) -> String {
        let turns = try conversation(field)
        return turns[turns.count - 1].content
    }

    func unknownShape(_ expected: String) -> Fault {
        Fault(field: nil, expected: expected, found: keys.isEmpty ? "no fields" : "the fields \(keys.prefix(20).joined(separator: ", "))")
    }
}
