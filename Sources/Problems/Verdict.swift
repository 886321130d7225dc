/// What a judge says of a whole response.
package struct Verdict: Sendable, Equatable {
    /// Why a response is right or not, as reports call it.
    package enum Reason: String, Sendable, Codable, CaseIterable {
        case correct, wrong
        /// It ended, and no answer was found in it, or none that can be read.
        case unread
        /// The limit of tokens ended it.
        case unfinished
        /// There is nothing to compare it with.
        case noGold = "no_gold"
    }

    package var reason: Reason
    /// The final answer in canonical form, for majority votes; nil when none is given.
    package var answer: String?

    package init(_ reason: Reason, answer: String? = nil) { (self.reason, self.answer) = (reason, answer) }

    package var isCorrect: Bool { reason == .correct }

    /// The share of each reason that occurs.
    package static func shares(of reasons: [Reason]) -> [Reason: Double] {
        Dictionary(grouping: reasons) { $0 }.mapValues { Double($0.count) / Double(reasons.count) }
    }
}

extension Verdict {
    /// Of a response in words, by the final answer that is found in it.
    package init(on text: @autoclosure () -> String, isFinished: Bool, gold: Answer?) {
        guard isFinished else {
            self.init(.unfinished)
            return
        }
        let found = AnswerExtraction.flexible(text()).map { Answer($0) }
        guard let gold else {
            self.init(.noGold, answer: found?.canonical)
            return
        }
        guard let found else {
            self.init(.unread)
            return
        }
        let isCorrect = Answer.judge(gold: gold, prediction: found).isEqual
        self.init(isCorrect ? .correct : found.isReadable ? .wrong : .unread, answer: found.canonical)
    }
}
