/// A final answer, read once so that it can be compared and counted.
///
/// Reading and comparing are total: whatever the text, they end within ``StepBudget/perPair`` steps.
package struct Answer: Sendable {
    /// Nil where it has no value that could be compared; see `failure`.
    let value: AnswerValue?
    let failure: AnswerFailure?
    /// Its tokens without regard to spaces and notation; empty when it says nothing or was too long to read.
    let text: String
    /// Words and nothing else.
    let isWords: Bool
    /// The letter of a choice: the C of `(C)`, and of `(C) 12`, whose value is 12.
    let letter: String?
    /// Whether it is that letter and nothing else.
    let isLetterAlone: Bool
    /// Steps spent on reading it.
    let steps: Int

    /// Equal answers have equal canonical texts as far as there is one normal form; majority votes count these.
    package let canonical: String

    /// - Parameter limit: the steps that reading may take.
    package init(_ source: String, limit: Int = StepBudget.perPair / 3) {
        var budget = StepBudget(limit: limit)
        var (value, failure, tokens): (AnswerValue?, AnswerFailure?, [AnswerToken]) = (nil, nil, [])
        var choice: AnswerChoice?
        do throws(AnswerFailure) {
            tokens = try AnswerLexer.tokens(of: source, &budget)
            choice = AnswerChoice(tokens)
            if let rest = choice?.rest, !rest.isEmpty { tokens = rest }
            let node = try AnswerParser.parse(tokens)
            var evaluation = AnswerEvaluation(budget)
            defer { budget = evaluation.budget }
            value = try evaluation.value(of: node)
        } catch {
            failure = error
        }
        (self.value, self.failure, steps) = (value, failure, budget.spent)
        (letter, isLetterAlone) = (choice?.letter, choice?.rest.isEmpty == true)
        isWords = AnswerToken.areWords(tokens)
        text = AnswerToken.text(of: tokens)
        canonical = value?.text ?? (tokens.isEmpty ? String(source.prefix(64)) : text)
    }

    /// Whether it says something that an answer can be compared with, in mathematics or in words.
    package var isReadable: Bool { value != nil || isWords || letter != nil }

    /// Whether a careful person would call `prediction` the same answer as `gold`, and why.
    package static func judge(gold: String, prediction: String) -> AnswerVerdict {
        judge(gold: Answer(gold), prediction: Answer(prediction))
    }

    package static func areEquivalent(_ gold: String, _ prediction: String) -> Bool {
        judge(gold: gold, prediction: prediction).isEqual
    }

    package static func judge(gold: Answer, prediction: Answer) -> AnswerVerdict {
        let steps = gold.steps + prediction.steps
        func verdict(_ reason: AnswerVerdict.Reason) -> AnswerVerdict { AnswerVerdict(reason: reason, steps: steps) }
        if gold.text.isEmpty { return verdict(gold.failure == .budgetExhausted ? .goldUnparsable : .noGold) }
        if prediction.text.isEmpty { return verdict(prediction.failure == .budgetExhausted ? .budgetExhausted : .noPrediction) }
        if let letter = gold.letter, let other = prediction.letter {
            if gold.isLetterAlone || prediction.isLetterAlone || letter != other {
                return verdict(letter == other ? .equalText : .differentText)
            }
        }
        if gold.text == prediction.text { return verdict(.equalText) }
        guard let expected = gold.value else {
            return verdict(gold.isWords ? prediction.isWords ? .differentText : .differentKinds : .goldUnparsable)
        }
        guard let found = prediction.value else {
            return verdict(prediction.isWords ? .differentKinds : AnswerVerdict.Reason(prediction.failure ?? .unparsable))
        }
        var comparison = AnswerMatching(StepBudget(limit: StepBudget.perPair - steps))
        do throws(AnswerFailure) {
            let reason = try comparison.compare(expected, found)
            return AnswerVerdict(reason: reason, steps: steps + comparison.budget.spent)
        } catch {
            return AnswerVerdict(reason: AnswerVerdict.Reason(error), steps: steps + comparison.budget.spent)
        }
    }
}
