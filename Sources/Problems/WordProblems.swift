package import Model
package import Tensor

/// Problems in words, posed to a language model and judged by the final answer (GSM8K, MATH, SVAMP and the like).
package struct WordProblems: Task {
    package let name: String
    package let stopTokens: StopTokens
    package let taughtStop: Int32
    package let defaultMaxNewTokens: Int
    /// The file's problems that were left out because their prompts are too long.
    package let longPrompts: LongPrompts
    private let problems: [Problem]
    private let prompts: [[Int32]]
    /// Of each problem among all that the task was made of.
    private let places: [Int]
    private let golds: [Answer?]
    /// The same for worked solutions to learn from, together with their prompts.
    package let longExamples: LongPrompts
    /// Tokens of the longest of those that were not left out; nil where their lengths do not matter.
    package let longestExample: Int?
    /// The problems to which no response can be right, or the same text only.
    package let unreadGolds: UnreadGolds
    private let tokenizer: Tokenizer
    private let chatTemplate: ChatTemplate?
    private let stepEnds: StepEnds

    /// The room that a worked solution is given when nothing else is said.
    package static let usualMaxNewTokens = 400

    /// What the model is asked for, before the problem itself.
    package static let instruction =
        "Solve the problem. Think step by step, one step per line. End with a line \"#### \" followed by the answer alone."

    /// - Parameters:
    ///   - chatTemplate: how the model's conversations are written, with markers that the tokenizer has; without one, the prompt
    ///     is plain text after what the tokenizer puts before every text.
    ///   - maxPromptTokens: problems with longer prompts are left out.
    ///   - maxExampleTokens: so are problems whose prompt and solution together are longer.
    package init(
        name: String, problems: [Problem], tokenizer: Tokenizer, chatTemplate: ChatTemplate?, stopTokens: StopTokens,
        taughtStop: Int32, maxNewTokens: Int = Self.usualMaxNewTokens, maxPromptTokens: Int = .max, maxExampleTokens: Int = .max
    ) {
        self.name = name
        self.tokenizer = tokenizer
        self.chatTemplate = chatTemplate
        (self.stopTokens, self.taughtStop) = (stopTokens, taughtStop)
        defaultMaxNewTokens = maxNewTokens
        var (kept, prompts, long): ([Problem], [[Int32]], LongPrompts) = ([], [], LongPrompts(limit: maxPromptTokens))
        var longExamples = LongPrompts(limit: maxExampleTokens, of: .examples)
        var places: [Int] = [], longestExample = 0
        for (place, problem) in problems.enumerated() {
            // Examples are tokenised beforehand only where their length matters.
            let solution = maxExampleTokens < .max ? problem.solution : nil
            let tokens = Self.tokens(of: problem, solution ?? "", tokenizer, chatTemplate)
            let rejected = maxExampleTokens < .max ? problem.rejected.map { Self.tokens(of: problem, $0, tokenizer, chatTemplate) } : nil
            let (prompt, length) = (
                tokens.prompt, tokens.prompt.count + max(tokens.completion.count, rejected?.completion.count ?? 0)
            )
            if prompt.count > maxPromptTokens {
                long.add(prompt.count, line: problem.line)
            } else if length > maxExampleTokens {
                longExamples.add(length, line: problem.line)
            } else {
                kept.append(problem)
                longestExample = max(longestExample, length)
                prompts.append(prompt)
                places.append(place)
            }
        }
        (self.problems, self.prompts, self.places) = (kept, prompts, places)
        (longPrompts, self.longExamples) = (long, longExamples)
        self.longestExample = maxExampleTokens < .max ? longestExample : nil
        golds = kept.map { $0.answer.map { Answer($0) } }
        unreadGolds = UnreadGolds(kept, golds)
        stepEnds = StepEnds(tokenizer)
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

    package func identifier(of problem: Int) -> String { problems[problem].id }

    /// All that the user says.
    package func question(of problem: Int) -> String {
        problems[problem].messages.filter { $0.role == "user" }.map(\.content).joined(separator: "\n")
    }

    package func gold(of problem: Int) -> String? { problems[problem].answer }

    package func promptTokens(of problem: Int) -> [Int32] { prompts[problem] }

    /// Its place among the problems that the task was made of, those that were left out included.
    package func place(of problem: Int) -> Int { places[problem] }

    /// Only the template's own markers become special tokens, whatever a problem's text contains.
    private static func tokens(
        of problem: Problem, _ solution: String, _ tokenizer: Tokenizer, _ chatTemplate: ChatTemplate?
    ) -> CompletedPrompt {
        let completion = withoutNotes(solution)
        if let chatTemplate, chatTemplate != .plain {
            return chatTemplate.encode(conversation(of: problem), completion: completion, with: tokenizer)
        }
        var tokens = tokenizer.encode(prompt: plainText(of: problem), completion: completion, parsingSpecialTokens: false)
        tokens.prompt = tokenizer.beginTokens + tokens.prompt
        return tokens
    }

    /// A labelled solution as tokens, posed and written as this task's own problems are.
    package static func stepTokens(of solution: LabelledSolution, _ tokenizer: Tokenizer, _ chatTemplate: ChatTemplate?) -> StepTokens {
        let problem = Problem(messages: [ChatMessage(role: "user", content: solution.prompt)], solution: nil, answer: nil, line: solution.line)
        var (prompt, response, ends): ([Int32], [Int32], [Int]) = ([], [], [])
        for (index, step) in solution.steps.enumerated() {
            let line = StepTokens.line(withoutNotes(step.text))
            if index == 0 {
                let tokens = tokens(of: problem, line, tokenizer, chatTemplate)
                (prompt, response) = (tokens.prompt, tokens.completion)
            } else {
                // Each step by itself, so that no token depends on what follows it.
                response += tokenizer.encode(line, parsingSpecialTokens: false, place: .continuation)
            }
            ends.append(response.count)
        }
        return StepTokens(prompt: prompt, response: response, ends: ends)
    }

    package func text(of tokens: [Int32]) -> String { tokenizer.decode(tokens, skippingSpecialTokens: true) }

    package func isStepEnd(_ token: Int32) -> Bool { stepEnds.isLineEnd(token) }
    package var stepEnd: [Int32] { stepEnds.lineEnd }

    /// A response may end after each line that is not blank, and where it does end; only there it is finished, and only if
    /// it was the policy that ended it. There is no process score without a reward model: it is 0.
    package func states(of response: [Int32], stop: StopReason, problem: Int) -> [TerminableState] {
        let verdict = verdict(on: response, stop: stop, problem: problem)
        return stepEnds.indices(in: response).map { index in
            let isEnd = index == response.count
            return TerminableState(
                index: index, process: 0, isFinished: isEnd && stop == .stopToken, isCorrect: isEnd && verdict.isCorrect)
        }
    }

    package func verdict(on response: [Int32], stop: StopReason, problem: Int) -> Verdict {
        Verdict(on: text(of: response), isFinished: stop == .stopToken, gold: golds[problem])
    }

    /// The file's own solution, without GSM8K's calculator notes `<<48/2=24>>`, as the continuation of the prompt.
    package func demonstration(of problem: Int, sample: Int) -> [Int32]? {
        problems[problem].solution.map { responseTokens(of: $0, to: problem) }
    }

    package func responseTokens(of text: String, to problem: Int) -> [Int32] {
        Self.tokens(of: problems[problem], text, tokenizer, chatTemplate).completion
    }

    package func preference(of problem: Int) -> (chosen: [Int32], rejected: [Int32])? {
        guard let chosen = problems[problem].solution, let rejected = problems[problem].rejected else { return nil }
        return (responseTokens(of: chosen, to: problem), responseTokens(of: rejected, to: problem))
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
