package import Problems

/// Which states of a response may terminate, and so have a reward that an objective balances.
///
/// A task names the states it can judge: the ends of steps, and the end. Balance at every token asks more of the policy (Hu et al.,
/// arXiv 2310.04363, end their texts anywhere); balance at the end alone leaves the way there free.
package enum Terminability: String, Sendable, CaseIterable {
    /// Every prefix s_0 … s_n. One that the task does not name has the score of the steps that are complete in it, and no answer.
    case tokens
    /// Those that the task names.
    case steps
    /// Only the whole response.
    case end

    /// The terminable states of a response, of those that its task names: ascending, the last of them its end (index n).
    package func states(of named: [TerminableState]) -> [TerminableState] {
        guard let end = named.last else { return [] }
        switch self {
        case .steps: return named
        case .end: return [end]
        case .tokens:
            var states: [TerminableState] = []
            states.reserveCapacity(end.index + 1)
            var process: Float = 0
            for state in named {
                // All from the state before this one, which begins at the number of states so far.
                for index in states.count..<state.index {
                    states.append(TerminableState(index: index, process: process, isFinished: false, isCorrect: false))
                }
                states.append(state)
                process = state.process
            }
            return states
        }
    }
}
