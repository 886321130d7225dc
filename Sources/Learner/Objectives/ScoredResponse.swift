/// All that an objective sees of one response y = y_1…y_n: log-probabilities under the current policy, and what is fixed.
///
/// s_i is the prompt with the first i tokens. Numbers are in nats.
package struct ScoredResponse: Sendable, Equatable {
    /// l_k = log π(y_k | s_{k-1}); element k-1. `[n]`
    package var tokenLogProbabilities: [Double]
    /// e_i = log π(⊤ | s_i); element i. `[n + 1]`
    package var stopLogProbabilities: [Double]
    /// The indices i of the states that may terminate, ascending; the last one is n.
    package var states: [Int]
    /// r_i = log R(s_i ⊤) of each of `states`.
    package var logRewards: [Double]
    /// Whether y ended because it may not be longer: ⊤ at s_n was then certain, so e_n = 0 and has no slope.
    package var stopIsForced: Bool
    /// What was fixed when it was sampled.
    package var sample: SampledResponse?
    /// What its actions are credited with, by methods that credit actions.
    package var credit: Credit?
    /// V(s_{t−1}) of each action; empty when nothing learns V. `[m]`
    package var values: [Double]

    package init(
        tokenLogProbabilities: [Double], stopLogProbabilities: [Double], states: [Int], logRewards: [Double],
        stopIsForced: Bool = false, sample: SampledResponse? = nil, credit: Credit? = nil, values: [Double] = []
    ) {
        precondition(
            stopLogProbabilities.count == tokenLogProbabilities.count + 1 && logRewards.count == states.count
                && states.last == tokenLogProbabilities.count && (states.first ?? -1) >= 0
                && zip(states, states.dropFirst()).allSatisfy { $0 < $1 },
            "a scored response of \(tokenLogProbabilities.count) tokens with \(stopLogProbabilities.count) stops, "
                + "states \(states) and \(logRewards.count) rewards")
        self.tokenLogProbabilities = tokenLogProbabilities
        self.stopLogProbabilities = stopLogProbabilities
        self.states = states
        self.logRewards = logRewards
        self.stopIsForced = stopIsForced
        (self.sample, self.credit, self.values) = (sample, credit, values)
    }

    /// log π(a_t | s_{t−1}): of its tokens and, unless it was forced, of ⊤. `[m]`
    package var actionLogProbabilities: [Double] {
        tokenLogProbabilities + (stopIsForced ? [] : stopLogProbabilities.suffix(1))
    }

    /// Slopes of the loss in l and e from its slopes in the log-probabilities of the actions.
    package func slopes(ofActions slopes: [Double]) -> ResponseSlopes {
        let n = tokenLogProbabilities.count
        precondition(slopes.count == n + (stopIsForced ? 0 : 1), "\(slopes.count) slopes of the actions of a response of \(n) tokens")
        return ResponseSlopes(
            token: Array(slopes.prefix(n)), stop: Array(repeating: 0, count: n) + [stopIsForced ? 0 : slopes[n]])
    }

    /// H_i = Σ_{k≤i} l_k + e_i − r_i = log π(y_1…y_i ⊤ | x) − log R(x, y_1…y_i ⊤) for each of `states`: the residual of
    /// trajectory balance of the object that ends there. Every objective is a function of these numbers.
    package func residuals() -> [Double] {
        var residuals: [Double] = []
        residuals.reserveCapacity(states.count)
        var sum = 0.0, next = 0
        for (state, reward) in zip(states, logRewards) {
            while next < state { sum += tokenLogProbabilities[next]; next += 1 }
            let isForced = stopIsForced && state == tokenLogProbabilities.count
            residuals.append(sum + (isForced ? 0 : stopLogProbabilities[state]) - reward)
        }
        return residuals
    }

    /// Slopes of the loss in l and e from its slopes g_i = dL/dH_i: l_k is part of every H_i with i ≥ k, e_i only of H_i.
    ///
    ///     dL/dl_k = c_k = Σ_{i≥k} g_i        dL/de_i = g_i
    package func slopes(fromResidualSlopes g: [Double]) -> ResponseSlopes {
        precondition(g.count == states.count, "\(g.count) slopes of \(states.count) residuals")
        let n = tokenLogProbabilities.count
        var slopes = ResponseSlopes(token: Array(repeating: 0, count: n), stop: Array(repeating: 0, count: n + 1))
        var suffix = 0.0, end = n
        for (state, slope) in zip(states, g).reversed() {
            while end > state { slopes.token[end - 1] = suffix; end -= 1 }
            suffix += slope
            slopes.stop[state] = stopIsForced && state == n ? 0 : slope
        }
        while end > 0 { slopes.token[end - 1] = suffix; end -= 1 }
        return slopes
    }
}

/// dL/d log π of each token `[n]` and of ⊤ at each state `[n + 1]` of one response.
package struct ResponseSlopes: Sendable, Equatable {
    package var token: [Double]
    package var stop: [Double]

    package init(token: [Double], stop: [Double]) {
        self.token = token
        self.stop = stop
    }
}
