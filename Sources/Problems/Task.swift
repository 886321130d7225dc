package import Model
package import Tensor

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

    /// What samples name a problem by.
    func identifier(of problem: Int) -> String
    /// What is asked, without what a prompt puts around it.
    func question(of problem: Int) -> String
    /// The answer that responses are compared with; nil when there is none.
    func gold(of problem: Int) -> String?
    func promptTokens(of problem: Int) -> [Int32]
    /// The states at which `response` may end, ascending; the last one is its end, with index n.
    func states(of response: [Int32], stop: StopReason, problem: Int) -> [TerminableState]
    func verdict(on response: [Int32], stop: StopReason, problem: Int) -> Verdict
    /// A worked solution to learn from, without ⊤; `sample` varies it where a task has several. Nil when there is none.
    func demonstration(of problem: Int, sample: Int) -> [Int32]?
    /// Two responses without ⊤, the better one first, where data says which; nil where it does not.
    func preference(of problem: Int) -> (chosen: [Int32], rejected: [Int32])?
    func text(of tokens: [Int32]) -> String
    /// A response that is there as text, as tokens behind its prompt.
    func responseTokens(of text: String, to problem: Int) -> [Int32]
    /// Whether a step ends with this token.
    func isStepEnd(_ token: Int32) -> Bool
    /// What ends a step that nothing follows.
    var stepEnd: [Int32] { get }
    /// Every response that the target has mass on, where a task can list them: what exact distances are made of. Nil where it cannot.
    func listedResponses(to problem: Int) -> [[Int32]]?
    /// All responses that a policy may give, where a task confines it to a list; nil: any.
    func legalResponses(to problem: Int) -> TokenTree?
}

extension Task {
    /// A problem without a name of its own is called by its number.
    package func identifier(of problem: Int) -> String { "\(problem)" }

    package func preference(of problem: Int) -> (chosen: [Int32], rejected: [Int32])? { nil }
    package func listedResponses(to problem: Int) -> [[Int32]]? { nil }
    package func legalResponses(to problem: Int) -> TokenTree? { nil }
}
