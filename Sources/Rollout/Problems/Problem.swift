package import Foundation
package import Model

/// A problem in words, with its gold answer and a worked solution as far as the file has them.
package struct Problem: Sendable, Equatable {
    /// The conversation that poses it; usually one turn of the user.
    package var messages: [ChatMessage]
    package var solution: String?
    package var answer: String?

    package init(messages: [ChatMessage], solution: String?, answer: String?) {
        (self.messages, self.solution, self.answer) = (messages, solution, answer)
    }
}

/// Why a file of problems cannot be used.
package enum ProblemFileError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case notAnObject(path: String, line: Int)
    case unknownShape(path: String, line: Int, keys: [String])
    case wrongType(path: String, line: Int, field: String, expected: String)
    case empty(path: String)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .notAnObject(let path, let line): "\(path):\(line) is not a JSON object; each line of a problem file is one"
        case .unknownShape(let path, let line, let keys):
            "\(path):\(line) has the fields \(keys.joined(separator: ", ")), but a problem needs question and answer, problem, "
                + "prompt and completion, or messages"
        case .wrongType(let path, let line, let field, let expected): "\(path):\(line): \(field) must be \(expected)"
        case .empty(let path): "\(path) has no problems"
        }
    }
}

/// Reads problems from JSON Lines: `{question, answer}`, `{problem, solution?, answer?}`, `{prompt, completion}` and
/// `{messages, answer?}`. Empty lines are skipped; other fields are ignored.
package enum ProblemFile {
    package static func read(_ path: String) throws(ProblemFileError) -> [Problem] {
        let data: Data
        do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
            throw .unreadable(path: path, reason: error.localizedDescription)
        }
        return try parse(data, path: path)
    }

    package static func parse(_ data: Data, path: String) throws(ProblemFileError) -> [Problem] {
        var problems: [Problem] = []
        for (index, line) in data.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            let record = try Record(line, path: path, line: index + 1)
            problems.append(try record.problem())
        }
        guard !problems.isEmpty else { throw .empty(path: path) }
        return problems
    }

    /// One line, and where it stands.
    private struct Record {
        let fields: [String: Any]
        let path: String
        let line: Int

        init(_ data: Data, path: String, line: Int) throws(ProblemFileError) {
            let object: Any
            do { object = try JSONSerialization.jsonObject(with: data) } catch { throw .notAnObject(path: path, line: line) }
            guard let fields = object as? [String: Any] else { throw .notAnObject(path: path, line: line) }
            (self.fields, self.path, self.line) = (fields, path, line)
        }

        func problem() throws(ProblemFileError) -> Problem {
            if fields["question"] != nil, fields["answer"] != nil {
                let answer = try text("answer")
                guard let mark = answer.range(of: "####", options: .backwards) else {
                    return Problem(messages: [user(try text("question"))], solution: nil, answer: present(answer))
                }
                let gold = AnswerExtraction.gsm8k(answer) ?? String(answer[mark.upperBound...])
                return Problem(messages: [user(try text("question"))], solution: answer, answer: present(gold))
            }
            if fields["problem"] != nil {
                let solution = try optionalText("solution")
                let answer = try optionalText("answer") ?? solution.flatMap(AnswerExtraction.lastBoxed)
                return Problem(
                    messages: [user(try text("problem"))], solution: solution, answer: answer.flatMap(present))
            }
            if fields["prompt"] != nil, fields["completion"] != nil {
                let completion = fields["completion"] is String ? try text("completion") : try messages("completion").last?.content
                let prompt = fields["prompt"] is String ? [user(try text("prompt"))] : try messages("prompt")
                let answer = try optionalText("answer") ?? completion.flatMap(AnswerExtraction.stated)
                return Problem(messages: prompt, solution: completion, answer: answer.flatMap(present))
            }
            if fields["messages"] != nil {
                var turns = try messages("messages")
                let solution = turns.last?.role == "assistant" ? turns.removeLast().content : nil
                guard !turns.isEmpty else {
                    throw .wrongType(path: path, line: line, field: "messages", expected: "a conversation that begins with the user")
                }
                let answer = try optionalText("answer") ?? solution.flatMap(AnswerExtraction.stated)
                return Problem(messages: turns, solution: solution, answer: answer.flatMap(present))
            }
            throw .unknownShape(path: path, line: line, keys: fields.keys.sorted())
        }

        private func user(_ content: String) -> ChatMessage { ChatMessage(role: "user", content: content) }

        private func present(_ answer: String) -> String? {
            let trimmed = answer.trimmingCharacters(in: .whitespacesAndNewlines)
            return trimmed.isEmpty ? nil : trimmed
        }

        private func optionalText(_ field: String) throws(ProblemFileError) -> String? {
            guard let value = fields[field], !(value is NSNull) else { return nil }
            return try text(field)
        }

        /// A string; a number is taken as it would be printed.
        private func text(_ field: String) throws(ProblemFileError) -> String {
            if let text = fields[field] as? String { return text }
            if let number = fields[field] as? NSNumber { return number.stringValue }
            throw .wrongType(path: path, line: line, field: field, expected: "a text")
        }

        private func messages(_ field: String) throws(ProblemFileError) -> [ChatMessage] {
            guard let turns = fields[field] as? [[String: Any]], !turns.isEmpty else {
                throw .wrongType(path: path, line: line, field: field, expected: "a list of {role, content}")
            }
            var messages: [ChatMessage] = []
            for turn in turns {
                guard let role = turn["role"] as? String, let content = turn["content"] as? String else {
                    throw .wrongType(path: path, line: line, field: field, expected: "a list of {role, content}")
                }
                messages.append(ChatMessage(role: role, content: content))
            }
            return messages
        }
    }
}
