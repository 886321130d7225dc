/// How the losses of the actions of a batch become one loss: the weight of each in the sum.
package enum TokenAggregation: String, Sendable, CaseIterable, Codable {
    /// 1/(actions of the batch): every action counts alike (PPO; DAPO, arXiv 2503.14476, section 3.3).
    case token
    /// 1/(responses · n): every response counts alike, so actions of long ones count less (GRPO, arXiv 2402.03300, eq. 3).
    case sequence
    /// 1/(responses · longest allowed): as `token`, but with a divisor that does not depend on what was sampled
    /// (Dr. GRPO, arXiv 2503.20783, section 3.2).
    case fixedLength = "fixed-length"

    /// What a batch has in all; across processes, the totals are sums over all of them.
    package struct Totals: Sendable, Equatable {
        package var actions: Int
        /// Responses without actions count too.
        package var responses: Int
        /// How long a response may be.
        package var maximumLength: Int

        package init(actions: Int, responses: Int, maximumLength: Int) {
            self.actions = actions
            self.responses = responses
            self.maximumLength = maximumLength
        }
    }

    /// The weight of an action of a response of `count` actions; 0 for a response without any.
    package func weight(ofActionAmong count: Int, totals: Totals) -> Double {
        let divisor =
            switch self {
            case .token: Double(totals.actions)
            case .sequence: Double(totals.responses) * Double(count)
            case .fixedLength: Double(totals.responses) * Double(totals.maximumLength)
            }
        return count > 0 && divisor > 0 ? 1 / divisor : 0
    }
}
