package import Model
package import Tensor

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

/// Problems, how to pose them, and how to judge what comes back.
///
/// Problems are numbered from 0; responses are token ids without ⊤. Everything here is a pure function.
package protocol Task: Sendable {
    /// What reports call it.
    var name: String { get }
    var problemCount: Int { get }
    /// ⊤: any of these tokens ends a response.
    var stopTokens: StopTokens { get }
    /// The one of them that ends a demonstration.
    var taughtStop: Int32 { get }
    /// A limit that leaves room for any sensible response.
    var defaultMaxNewTokens: Int { get }

    func promptTokens(of problem: Int) -> [Int32]
    /// The states at which `response` may end, ascending; the last one is its end, with index n.
    func states(of response: [Int32], stop: StopReason, problem: Int) -> [TerminableState]
    func verdict(on response: [Int32], stop: StopReason, problem: Int) -> Verdict
    /// A worked solution to learn from, without ⊤; `sample` varies it where a task has several. Nil when there is none.
    func demonstration(of problem: Int, sample: Int) -> [Int32]?
    func text(of tokens: [Int32]) -> String
}
