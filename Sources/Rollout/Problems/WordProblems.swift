package import Model

/// Problems in words, posed to a language model and judged by the final answer (GSM8K, MATH, SVAMP and the like).
package struct WordProblems: Task {
    package let name: String
    package let stopToken: Int32
    package let defaultMaxNewTokens: Int
    /// The file's problems that were left out because their prompts are too long.
    package let longPrompts: LongPrompts
    private let problems: [Problem]
    private let prompts: [[Int32]]
    private let golds: [Answer?]
    private let tokenizer: Tokenizer
    /// By token id: whether its text ends in a newline, and whether it is nothing but white space.
    private let endsLine: [Bool]
    private let isBlank: [Bool]

    /// The room that a worked solution is given when nothing else is said.
    package static let usualMaxNewTokens = 400

    /// What the model is asked for, before the problem itself.
    package static let instruction =
        "Solve the problem. Think step by step, one step per line. End with a line \"#### \" followed by the answer alone."

    /// - Parameters:
    ///   - chatTemplate: how the model's conversations are written; without one, the prompt is plain text.
    ///   - beginToken: put first where the template does not write it.
    ///   - maxPromptTokens: problems with longer prompts are left out.
    package init(
        name: String, problems: [Problem], tokenizer: Tokenizer, chatTemplate: ChatTemplate?, stopToken: Int32,
        beginToken: Int32? = nil, maxNewTokens: Int = Self.usualMaxNewTokens, maxPromptTokens: Int = .max
    ) {
        self.name = name
        self.tokenizer = tokenizer
        self.stopToken = stopToken
        defaultMaxNewTokens = maxNewTokens
        var (kept, prompts, long): ([Problem], [[Int32]], LongPrompts) = ([], [], LongPrompts(limit: maxPromptTokens))
        for problem in problems {
            let prompt = Self.prompt(of: problem, tokenizer, chatTemplate, beginToken)
            if prompt.count > maxPromptTokens {
                long.add(prompt.count, line: problem.line)
            } else {
                kept.append(problem)
                prompts.append(prompt)
            }
        }
        (self.problems, self.prompts, longPrompts) = (kept, prompts, long)
        golds = kept.map { $0.answer.map { Answer($0) } }
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

    package func promptTokens(of problem: Int) -> [Int32] { prompts[problem] }

    /// Only the template's own markers become special tokens, whatever a problem's text contains.
    private static func prompt(of problem: Problem, _ tokenizer: Tokenizer, _ chatTemplate: ChatTemplate?, _ beginToken: Int32?) -> [Int32] {
        let ids: [Int32]
        if let chatTemplate, chatTemplate != .plain {
            ids = chatTemplate.encode(conversation(of: problem), addingGenerationPrompt: true, with: tokenizer)
        } else {
            ids = tokenizer.encode(plainText(of: problem), parsingSpecialTokens: false)
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
        let prediction = Answer(found)
        let isCorrect = golds[problem].map { Answer.judge(gold: $0, prediction: prediction).isEqual } ?? false
        return Verdict(isCorrect: isCorrect, answer: prediction.canonical)
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
