internal import Evaluation
internal import Problems

/// Who says whether a sample is right.
enum Judge: String, CaseIterable, Sendable {
    /// The program's own comparison of answers, as in training.
    case answer
    /// The two rules of lm-evaluation-harness for GSM8K.
    case strictMatch = "strict-match"
    case flexibleExtract = "flexible-extract"
    /// The samples' own `correct`.
    case recorded

    private var harnessRule: HarnessRule? {
        switch self {
        case .strictMatch: .strict
        case .flexibleExtract: .flexible
        case .answer, .recorded: nil
        }
    }

    /// What it says of a response in words. The harness's rules know nothing of limits: what they find counts.
    func verdict(on sample: SampleRecord, gold: Gold) -> Verdict {
        if self == .recorded { return recordedVerdict(on: sample) }
        guard let harnessRule else { return Verdict(on: sample.text, isFinished: sample.isFinished ?? true, gold: gold.answer) }
        let found = harnessRule.extracted(from: sample.text)
        guard let text = gold.text else { return Verdict(.noGold, answer: found) }
        if harnessRule.isCorrect(sample.text, gold: text) { return Verdict(.correct, answer: found) }
        return Verdict(sample.isFinished == false ? .unfinished : found == HarnessRule.invalid ? .unread : .wrong, answer: found)
    }

    private func recordedVerdict(on sample: SampleRecord) -> Verdict {
        let isCorrect = sample.isCorrect ?? false
        return Verdict(isCorrect ? .correct : sample.isFinished == false ? .unfinished : .wrong, answer: sample.answer)
    }
}

/// A problem's right answer.
struct Gold: Sendable {
    let text: String?
    /// The same, read; nil where there is none.
    let answer: Answer?
}
