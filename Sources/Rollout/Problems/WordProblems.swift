package import Model

/// Problems in words, posed to a language model and judged by the final answer (GSM8K, MATH, SVAMP and the like).
package struct WordProblems: Task {
    package let name: String
    package let stopToken: Int32
    package let defaultMaxNewTokens: Int
    private let problems: [Problem]
    private let chatTemplate: ChatTemplate?
    private let beginToken: Int32?
    private let tokenizer: Tokenizer
    /// By token id: whether its text ends in a newline, and whether it is nothing but white space.
    private let endsLine: [Bool]
    private let isBlank: [Bool]

    /// What the model is asked for, before the problem itself.
    package static let instruction =
        "Solve the problem. Think step by step, one step per line. End with a line \"#### \" followed by the answer alone."

    /// - Parameters:
    ///   - chatTemplate: how the model's conversations are written; without one, the prompt is plain text.
    ///   - beginToken: put first where the template does not write it.
    package init(
        name: String, problems: [Problem], tokenizer: Tokenizer, chatTemplate: ChatTemplate?, stopToken: Int32,
        beginToken: Int32? = nil, maxNewTokens: Int = 400
    ) {
        self.name = name
        self.problems = problems
        self.tokenizer = tokenizer
        self.stopToken = stopToken
        defaultMaxNewTokens = maxNewTokens
        self.chatTemplate = chatTemplate
        self.beginToken = beginToken
        let texts = (0..<Int32(tokenizer.vocabularySize)).map { tokenizer.decode([$0]) }
        endsLine = texts.map { $0.utf8.last == 0x0A }
        isBlank = texts.map { text in text.allSatisfy(\.isWhitespace) }
    }

    /// The conversation that poses a problem: the instruction as its system message, unless it has one of its own.
    static func conversation(of problem: Problem) -> [ChatMessage] {
        let hasSystem = problem.messages.first?.role == "system"
        return (hasSystem ? [] : [ChatMessage(role: "system", content: instruction)]) + problem.messages
    }

    static func plainText(of problem: Problem) -> String {
        let turns = problem.messages.map(\.content).joined(separator: "\n")
        return "\(instruction)\n\nProblem: \(turns)\nSolution:\n"
    }

    package var problemCount: Int { problems.count }

    /// Only the template's own markers become special tokens, whatever a problem's text contains.
    package func promptTokens(of problem: Int) -> [Int32] {
        let ids: [Int32]
        if let chatTemplate, chatTemplate != .plain {
            ids = chatTemplate.encode(Self.conversation(of: problems[problem]), addingGenerationPrompt: true, with: tokenizer)
        } else {
            ids = tokenizer.encode(Self.plainText(of: problems[problem]), parsingSpecialTokens: false)
        }
        guard let beginToken, ids.first != beginToken else { return ids }
        return [beginToken] + ids
    }

    package func text(of tokens: [Int32]) -> String { tokenizer.decode(tokens, skippingSpecialTokens: true) }

    /// Whether a step ends with this token: its text ends in a newline.
    package func isStepEnd(_ token: Int32) -> Bool { endsLine.indices.contains(Int(token)) && endsLine[Int(token)] }

    /// A response may end after each line that is not blank, and where it does end; only there it is finished, and only if
    /// it was the policy that ended it. There is no process score without a reward model: it is 0.
    package func states(of response: [Int32], stop: StopReason, problem: Int) -> [TerminableState] {
        var states: [TerminableState] = []
        var hasText = false
        for (position, token) in response.dropLast().enumerated() {
            hasText = hasText || !(isBlank.indices.contains(Int(token)) && isBlank[Int(token)])
            guard hasText, isStepEnd(token) else { continue }
            hasText = false
            states.append(TerminableState(index: position + 1, process: 0, isFinished: false, isCorrect: false))
        }
        let verdict = verdict(on: response, stop: stop, problem: problem)
        states.append(
            TerminableState(
                index: response.count, process: 0, isFinished: stop == .stopToken, isCorrect: verdict.isCorrect))
        return states
    }

    package func verdict(on response: [Int32], stop: StopReason, problem: Int) -> Verdict {
        guard stop == .stopToken, let found = AnswerExtraction.flexible(text(of: response)) else {
            return Verdict(isCorrect: false, answer: nil)
        }
        let isCorrect = problems[problem].answer.map { Answer.areEquivalent($0, found) } ?? false
        return Verdict(isCorrect: isCorrect, answer: Answer(found).canonical)
    }

    /// The file's own solution, without GSM8K's calculator notes `<<48/2=24>>`.
    package func demonstration(of problem: Int, sample: Int) -> [Int32]? {
        problems[problem].solution.map { tokenizer.encode(Self.withoutNotes($0), parsingSpecialTokens: false) }
    }

    static func withoutNotes(_ text: String) -> String {
        var (result, rest) = ("", text[...])
        while let open = rest.firstRange(of: "<<"), let close = rest[open.upperBound...].firstRange(of: ">>") {
            result += rest[..<open.lowerBound]
            rest = rest[close.upperBound...]
        }
        return result + rest
    }
}
