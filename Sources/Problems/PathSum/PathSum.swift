package import Model
package import Tensor

/// The embedded task: lead from one number to another in one to three steps of arithmetic.
///
///     <s> 37 84:      the prompt: start S and target T
///     +7 44           a step: operator, digit, result
///     *2 88
///     -4 84
///     </s>
///
/// The model writes everything itself, results included, and nothing is masked. A response is correct iff each result is
/// right and the last one is T. All values lie in 0…99. Every correct response can be listed, so that the distance of a
/// policy from its target is known exactly (METHOD 7.4).
package struct PathSum: Task {
    package struct Pair: Hashable, Sendable {
        package let start: Int
        package let target: Int

        package init(start: Int, target: Int) {
            (self.start, self.target) = (start, target)
        }
    }

    /// Parts of the problems, by the names that settings use. They are the same in every run, so that evaluations compare.
    package struct Split: Hashable, Sendable {
        package enum Part: String, Sendable, CaseIterable {
            case train = "pathsum-train", fit = "pathsum-fit", validation = "pathsum-validation", seen = "pathsum-seen"
            case heldOut = "pathsum-held-out"
        }

        /// Problems with numbers of one size, to see what a policy makes of the others.
        package enum Range: String, Sendable, CaseIterable {
            /// Start and target are below 50.
            case low
            /// Neither is.
            case high

            func contains(_ pair: Pair) -> Bool {
                switch self {
                case .low: max(pair.start, pair.target) < 50
                case .high: min(pair.start, pair.target) >= 50
                }
            }
        }

        package let part: Part
        /// Nil: all problems of the part.
        package let range: Range?

        package init(_ part: Part, _ range: Range? = nil) { (self.part, self.range) = (part, range) }

        /// The one of this name, such as `pathsum-fit` or `pathsum-fit-low`.
        package init?(named name: String) {
            let all = Part.allCases.flatMap { part in [Split(part)] + Range.allCases.map { Split(part, $0) } }
            guard let split = all.first(where: { $0.name == name }) else { return nil }
            self = split
        }

        package var name: String { part.rawValue + (range.map { "-\($0.rawValue)" } ?? "") }

        /// What there is to learn from.
        package static let train = Split(.train)
        /// The same without `validation`: to learn from while settings are chosen.
        package static let fit = Split(.fit)
        /// 300 of `train`, to choose settings by.
        package static let validation = Split(.validation)
        /// 300 of `fit`: how well a policy does what it has learned from.
        package static let seen = Split(.seen)
        /// 300 that are in none of the others.
        package static let heldOut = Split(.heldOut)
    }

    package static let longestSolution = 3
    package static let heldOutCount = 300

    package let name: String
    /// Problem i is `pairs[i]`.
    package let pairs: [Pair]
    package let seed: UInt64
    package let textbook: TextbookStyle
    /// The score of a wrong or malformed step.
    package let processFloor: Double
    private let aggregate: ProcessAggregate

    /// - Parameters:
    ///   - seed: of the textbook solutions. The split itself is the same in every run, so that evaluations compare.
    ///   - processFloor: `RewardSettings.processFloor`.
    ///   - aggregate: how the scores of lines become `process`.
    package init(
        split: Split, seed: UInt64 = 0, textbook: TextbookStyle = TextbookStyle(), processFloor: Double = 1e-4,
        aggregate: ProcessAggregate = .product
    ) {
        self.init(
            name: split.name, pairs: Self.pairs(of: split), seed: seed, textbook: textbook, processFloor: processFloor,
            aggregate: aggregate)
    }

    package init(
        name: String = "pathsum", pairs: [Pair], seed: UInt64 = 0, textbook: TextbookStyle = TextbookStyle(), processFloor: Double = 1e-4,
        aggregate: ProcessAggregate = .product
    ) {
        self.name = name
        self.pairs = pairs
        self.seed = seed
        self.textbook = textbook
        self.processFloor = processFloor
        self.aggregate = aggregate
    }

    // MARK: Task

    package var problemCount: Int { pairs.count }
    package var stopTokens: StopTokens { StopTokens([Vocabulary.stop]) }
    package var taughtStop: Int32 { Vocabulary.stop }
    /// Three steps are twelve tokens; a fourth step is room to be wrong in.
    package var defaultMaxNewTokens: Int { 16 }

    /// ``tokens(of:)`` makes the prompt's tokens after `<s>` of it.
    package func question(of problem: Int) -> String { text(of: Array(promptTokens(of: problem).dropFirst())) }
    package func gold(of problem: Int) -> String? { "\(pairs[problem].target)" }

    package func promptTokens(of problem: Int) -> [Int32] { Self.promptTokens(of: pairs[problem]) }

    package static func promptTokens(of pair: Pair) -> [Int32] {
        [Vocabulary.begin, Vocabulary.number(pair.start), Vocabulary.number(pair.target), Vocabulary.colon]
    }

    package func text(of tokens: [Int32]) -> String {
        tokens.map { Vocabulary.text(of: $0) ?? "\u{FFFD}" }.joined()
    }

    /// The tokens that ``text(of:)`` makes this text of; what no token stands for becomes padding, which is in no solution.
    package static func tokens(of text: String) -> [Int32] {
        var (tokens, rest) = ([Int32](), Array(text.utf8)[...])
        while !rest.isEmpty {
            // Numbers are the longest, a space and two digits.
            let match = (1...min(4, rest.count)).reversed().lazy.compactMap { length in
                tokenOfText[Array(rest.prefix(length))].map { (token: $0, length: length) }
            }.first
            tokens.append(match?.token ?? Vocabulary.pad)
            rest = rest.dropFirst(match?.length ?? 1)
        }
        return tokens
    }

    package func responseTokens(of text: String, to problem: Int) -> [Int32] { Self.tokens(of: text) }

    private static let tokenOfText: [[UInt8]: Int32] = Dictionary(
        uniqueKeysWithValues: (0..<Int32(Vocabulary.count)).filter { $0 != Vocabulary.pad && $0 != Vocabulary.begin && $0 != Vocabulary.stop }
            .map { (Array((Vocabulary.text(of: $0) ?? "").utf8), $0) })

    package func demonstration(of problem: Int, sample: Int) -> [Int32]? {
        var random = RandomStream(seed: seed, purpose: .task, slot: problem, sample: sample)
        return Self.textbookSolution(of: pairs[problem], style: textbook, using: &random)
    }

    /// A labelled solution as tokens; nil where its prompt is not one of this task, as "37 84:".
    package static func stepTokens(of solution: LabelledSolution) -> StepTokens? {
        let prompt = [Vocabulary.begin] + tokens(of: solution.prompt.hasPrefix(" ") ? solution.prompt : " " + solution.prompt)
        guard prompt.count == 4, let start = Vocabulary.number(of: prompt[1]), let target = Vocabulary.number(of: prompt[2]),
            prompt == promptTokens(of: Pair(start: start, target: target))
        else { return nil }
        var (response, ends): ([Int32], [Int]) = ([], [])
        for step in solution.steps {
            response += tokens(of: StepTokens.line(step.text))
            ends.append(response.count)
        }
        return StepTokens(prompt: prompt, response: response, ends: ends)
    }

    package func isStepEnd(_ token: Int32) -> Bool { token == Vocabulary.newline }
    package var stepEnd: [Int32] { [Vocabulary.newline] }

    /// A response may end after each line, and where it does end; it is finished where the last result it states is the target.
    ///
    /// `process` is the aggregate of the logarithms of the lines' scores: 0 if a line's arithmetic is right given the result
    /// before it, `log processFloor` if it is wrong, malformed, or one line too many. Text after the last newline counts as
    /// a malformed line, as does an empty response.
    package func states(of response: [Int32], stop: StopReason, problem: Int) -> [TerminableState] {
        let wrong = Elementary.log(processFloor)
        var reading = Reading(pair: pairs[problem])
        var states: [TerminableState] = []
        var logScores: [Double] = []
        var lineStart = 0
        func append(_ index: Int, isRight: Bool) {
            logScores.append(isRight ? 0 : wrong)
            states.append(
                TerminableState(index: index, process: 0, isFinished: reading.isAtTarget, isCorrect: reading.isCorrect))
        }
        for (position, token) in response.enumerated() where token == Vocabulary.newline {
            let isRight = reading.read(response[lineStart..<position])
            lineStart = position + 1
            append(lineStart, isRight: isRight)
        }
        if lineStart < response.count || response.isEmpty {
            reading.breakOff()
            append(response.count, isRight: false)
        }
        for (position, process) in aggregate.running(over: logScores).enumerated() { states[position].process = Float(process) }
        return states
    }

    package func verdict(on response: [Int32], stop: StopReason, problem: Int) -> Verdict {
        var reading = Reading(pair: pairs[problem])
        var lineStart = 0
        for (position, token) in response.enumerated() where token == Vocabulary.newline {
            _ = reading.read(response[lineStart..<position])
            lineStart = position + 1
        }
        if lineStart < response.count { reading.breakOff() }
        guard stop == .stopToken else { return Verdict(.unfinished) }
        guard reading.isFinished else { return Verdict(.unread) }
        return Verdict(reading.isCorrect ? .correct : .wrong, answer: "\(reading.value)")
    }

    /// What the lines read so far amount to.
    private struct Reading {
        let target: Int
        /// The last result that was stated.
        private(set) var value: Int
        private(set) var lineCount = 0
        private(set) var isWellFormed = true
        private(set) var isRight = true

        init(pair: Pair) {
            (value, target) = (pair.start, pair.target)
        }

        var isFinished: Bool { isWellFormed && lineCount > 0 }
        /// Whether the response may claim to be done; its results need not be right.
        var isAtTarget: Bool { isFinished && value == target }
        var isCorrect: Bool { isAtTarget && isRight && lineCount <= PathSum.longestSolution }

        /// Takes in a line without its newline, and says whether it is a right step.
        mutating func read(_ line: ArraySlice<Int32>) -> Bool {
            lineCount += 1
            let start = line.startIndex
            guard isWellFormed, line.count == 3, let operation = Vocabulary.operation(of: line[start]),
                let digit = Vocabulary.digit(of: line[start + 1]), let result = Vocabulary.number(of: line[start + 2])
            else {
                breakOff()
                return false
            }
            let isRightStep =
                operation.digits.contains(digit) && operation.apply(value, digit) == result
                && lineCount <= PathSum.longestSolution
            value = result
            isRight = isRight && isRightStep
            return isRightStep
        }

        /// After a malformed line there is no value to go on from.
        mutating func breakOff() { (isWellFormed, isRight) = (false, false) }
    }
}
