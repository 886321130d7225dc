package import Model

/// A problem in words, with its gold answer and a worked solution as far as the file has them.
package struct Problem: Sendable, Equatable {
    /// The conversation that poses it; usually one turn of the user.
    package var messages: [ChatMessage]
    package var solution: String?
    /// A worse reply than `solution`, of a problem from a file of preferences.
    package var rejected: String?
    package var answer: String?
    /// Where its file has it, from 1.
    package var line: Int
    /// What samples name it by: what its file calls it, else its place among the file's problems, from 0.
    package var id: String
    /// The values of those of the file's other fields that were asked for, such as `level`.
    package var fields: [String: String]

    package init(
        messages: [ChatMessage], solution: String?, answer: String?, line: Int = 1, id: String = "0", fields: [String: String] = [:]
    ) {
        (self.messages, self.solution, self.answer, self.line, self.id) = (messages, solution, answer, line, id)
        self.fields = fields
    }
}

/// Problems from JSON Lines, of the shapes that training frameworks and published data sets use. What poses the problem is
/// `prompt` (a text or turns), `question`, `problem`, `query` or a whole conversation; the other fields are ignored.
package enum ProblemFile {
    private static let kind = "problems"
    /// The first of them that a row has poses its problem. A prompt comes first: it is what was made for training of the others.
    private static let questions = ["prompt", "question", "problem", "query"]
    private static let conversations = ["messages", "conversations", "conversation"]
    /// The first of them that a row has is its gold answer, before verl's `reward_model.ground_truth` and `answer`.
    private static let golds = ["expected_answer", "final_answer", "ground_truth"]

    /// The first of them that every row has, each another value, names the problems.
    private static let names = ["problem_id", "id", "unique_id"]

    /// - Parameter fields: of the rows, to be kept as ``Problem/fields``; a row may lack them.
    package static func read(_ path: String, fields: [String] = []) throws(DataFileError) -> [Problem] {
        named(
            try JSONLines.read(path, kind: kind) { (record, line) throws(JSONRecord.Fault) in
                try row(record, line: line, fields: fields)
            })
    }

    package static func parse(_ bytes: [UInt8], path: String, fields: [String] = []) throws(DataFileError) -> [Problem] {
        named(
            try JSONLines.parse(bytes, path: path, kind: kind) { (record, line) throws(JSONRecord.Fault) in
                try row(record, line: line, fields: fields)
            })
    }

    /// A problem, and what it may be named by.
    private typealias Row = (problem: Problem, names: [String?])

    private static func row(_ record: JSONRecord, line: Int, fields: [String]) throws(JSONRecord.Fault) -> Row {
        var problem = try problem(record, line: line)
        for field in fields { problem.fields[field] = record.plainText(field) }
        return (problem, names.map(record.plainText))
    }

    private static func named(_ rows: [Row]) -> [Problem] {
        let name = names.indices.first { name in Set(rows.compactMap { $0.names[name] }).count == rows.count }
        return rows.enumerated().map { place, row in
            var problem = row.problem
            problem.id = name.flatMap { row.names[$0] } ?? "\(place)"
            return problem
        }
    }

    private static func problem(_ record: JSONRecord, line: Int) throws(JSONRecord.Fault) -> Problem {
        let answer = try gold(record)
        var solution = try solution(record)
        let isAnswered = answer != nil || solution != nil
        let question = questions.first(where: record.has)
        let conversation = conversations.first(where: record.has)
        let turns: [ChatMessage]
        if let question, isAnswered || (question == "problem" && conversation == nil) {
            turns = question == "prompt"
                ? try record.conversation(question) : [ChatMessage(role: "user", content: try record.text(question))]
            guard turns.last?.role == "user" else { throw record.fault(question, expected: "turns of which the last is the user's") }
        } else if let conversation {
            let whole = try record.conversation(conversation)
            let reply = whole.last?.role == "assistant" ? whole.last : nil
            turns = whole.dropLast(reply == nil ? 0 : 1)
            guard turns.last?.role == "user" else {
                throw record.fault(conversation, expected: "a turn of the user, and at most one reply after it")
            }
            solution = reply?.content ?? solution
        } else {
            // The commonest of mistakes with them; a method that takes them is told so.
            let isPreference = record.has("chosen") && record.has("rejected")
            throw record.unknownShape(
                "a prompt, question, problem or query with an answer or a solution, or messages"
                    + (isPreference ? " (preferences are for --objective dpo with --set dpo.source=data)" : ""))
        }
        let known = answer.flatMap(present) ?? solution.flatMap(AnswerExtraction.gold(ofWorked:)).flatMap(present)
        return Problem(messages: turns, solution: solution, answer: known, line: line)
    }

    /// Nil when there is no field for it; of several, the first that is not blank. A worked answer marks it.
    private static func gold(_ record: JSONRecord) throws(JSONRecord.Fault) -> String? {
        var texts: [String] = []
        for field in golds where record.has(field) { texts.append(try record.singleText(field)) }
        if let reward = try record.optionalRecord("reward_model") { texts.append(try reward.singleText("ground_truth")) }
        if record.has("answer") { texts.append(try record.singleText("answer")) }
        texts = texts.map(AnswerExtraction.gold)
        return texts.first { present($0) != nil } ?? texts.first
    }

    /// A `response` beside an answer may be anyone's; without one, it is what the file teaches.
    private static func solution(_ record: JSONRecord) throws(JSONRecord.Fault) -> String? {
        if record.has("solution") { return try record.singleText("solution") }
        if record.has("completion") { return try record.reply("completion", ofOneTurn: true) }
        if record.has("answer") {
            let answer = try record.singleText("answer")
            return isWorked(answer) ? answer : nil
        }
        return record.has("response") && !golds.contains(where: record.has) ? try record.text("response") : nil
    }

    private static func isWorked(_ answer: String) -> Bool { answer.firstRange(of: "####") != nil }

    private static func present(_ answer: String?) -> String? {
        guard let answer, let first = answer.firstIndex(where: { !$0.isWhitespace }), let last = answer.lastIndex(where: { !$0.isWhitespace })
        else { return nil }
        return String(answer[first...last])
    }
}
