package import Model
package import Tensor

/// Problems whose legal responses are all listed with their log rewards, so that π = R/Z can be checked exactly.
///
/// Rewards are the listed numbers when `reward.process` is 1 and `reward.correct` and `reward.unfinished` are 0: a state's
/// process score is its log R, and every state that is listed is finished. A policy has to be confined to `legalResponses(to:)`.
package struct EnumerableTask: Task {
    package let name: String
    package let stopTokens: StopTokens
    package let taughtStop: Int32
    /// One more than the longest response has, behind which only ⊤ is legal: none is cut off.
    package let defaultMaxNewTokens: Int
    private let problems: [EnumerableProblem]
    private let listed: [ListedResponses]
    private let encoding: ListEncoding
    private let stepEnds: StepEnds

    /// A list of one response teaches nothing; more than these take long to evaluate one by one.
    package static let endCounts = 2...4096

    /// - Parameters:
    ///   - correctAt: ends whose log reward is at least this count as correct; nil: all do.
    ///   - beginToken: what the model's configuration names; used where the tokenizer puts nothing before a text.
    ///   - contextLength: of the model, in tokens; each prompt has to fit into it together with its longest end.
    package init(
        name: String, problems: [EnumerableProblem], correctAt: Double? = nil, tokenizer: Tokenizer, beginToken: Int32?,
        stopTokens: StopTokens, taughtStop: Int32, contextLength: Int
    ) throws(EnumerableTaskError) {
        let encoding = ListEncoding(tokenizer, beginToken: beginToken, stopTokens: stopTokens, contextLength: contextLength)
        var (listed, placeOfPrompt): ([ListedResponses], [[Int32]: String]) = ([], [:])
        for (number, problem) in problems.enumerated() {
            let place = problem.place ?? "\(name), problem \(number + 1)"
            let responses = try ListedResponses(problem, place: place, correctAt: correctAt, encoding)
            if let other = placeOfPrompt.updateValue(place, forKey: responses.prompt) {
                throw EnumerableTaskError(
                    place,
                    "the prompt \(problem.prompt.quoted) is that of \(other) too, expected different prompts; put their ends together")
            }
            listed.append(responses)
        }
        let count = listed.reduce(0) { $0 + $1.tokens.count }
        guard Self.endCounts.contains(count) else {
            let bounds = "\(Self.endCounts.lowerBound) to \(Self.endCounts.upperBound)"
            throw EnumerableTaskError(name, "the number of ends is \(count), expected \(bounds) over all problems of a task")
        }
        self.name = name
        (self.stopTokens, self.taughtStop) = (stopTokens, taughtStop)
        (self.problems, self.listed, self.encoding) = (problems, listed, encoding)
        defaultMaxNewTokens = 1 + (listed.map(\.tree.longest).max() ?? 0)
        stepEnds = StepEnds(tokenizer)
    }

    package var problemCount: Int { problems.count }
    package func identifier(of problem: Int) -> String { problems[problem].prompt }
    package func question(of problem: Int) -> String { problems[problem].prompt }
    package func gold(of problem: Int) -> String? { nil }
    package func promptTokens(of problem: Int) -> [Int32] { listed[problem].prompt }
    package func legalResponses(to problem: Int) -> TokenTree? { listed[problem].tree }
    package func listedResponses(to problem: Int) -> [[Int32]]? { listed[problem].tokens }

    /// Every legal response without ⊤, in the order of the list; `logReward` in nats.
    package func ends(of problem: Int) -> [(tokens: [Int32], text: String, logReward: Float, isCorrect: Bool)] {
        let listed = listed[problem]
        return problems[problem].ends.enumerated().map { index, end in
            (listed.tokens[index], end.text, listed.rewards[index], listed.areCorrect[index])
        }
    }

    /// The listed responses that `response`, which is one of them, begins with: each is finished, and its process score is its log R.
    ///
    /// Why it stopped does not matter: behind the longest there is nothing but ⊤.
    package func states(of response: [Int32], stop: StopReason, problem: Int) -> [TerminableState] {
        let listed = listed[problem]
        return ends(along: response, problem).map { index, end in
            TerminableState(index: index, process: listed.rewards[end], isFinished: true, isCorrect: listed.areCorrect[end])
        }
    }

    package func verdict(on response: [Int32], stop: StopReason, problem: Int) -> Verdict {
        let isCorrect = ends(along: response, problem).last.map { listed[problem].areCorrect[$0.end] } ?? false
        return Verdict(isCorrect ? .correct : .wrong)
    }

    private func ends(along response: [Int32], _ problem: Int) -> [(index: Int, end: Int)] {
        guard let ends = listed[problem].ends(along: response) else {
            preconditionFailure("\(response) is no listed response to problem \(problem) of \(name), which a confined policy cannot give")
        }
        return ends
    }

    package func demonstration(of problem: Int, sample: Int) -> [Int32]? { nil }
    package func text(of tokens: [Int32]) -> String { encoding.tokenizer.decode(tokens, skippingSpecialTokens: true) }
    package func responseTokens(of text: String, to problem: Int) -> [Int32] { encoding.tokens(of: text) }
    package func isStepEnd(_ token: Int32) -> Bool { stepEnds.isLineEnd(token) }
    package var stepEnd: [Int32] { stepEnds.lineEnd }
}
