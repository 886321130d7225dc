internal import Foundation

/// What happened, in sentences that follow from the numbers.
struct ExplanationWords {
    private let explanation: Explanation

    init(_ explanation: Explanation) { self.explanation = explanation }

    var sentences: [String] {
        let role = explanation.objective
        let cause = role.isBalance ? balance : role.isPair ? pair : credit
        return ([cause, tokens, stops, farthest, share] as [String?]).compactMap { $0 }
    }

    /// What is said of differences that would be shown as 0.
    private static let least = 0.005

    private func number(_ value: Double) -> String { ReportNumber.short(value, digits: 3) }

    private func times(_ logarithm: Double) -> String {
        abs(logarithm) < 12 ? "\(number(exp(logarithm))) times" : "e^\(decimals(logarithm, 1)) times"
    }

    private func sign(_ value: Double) -> String { value > 0 ? "> 0" : "< 0" }

    // MARK: The cause

    /// log π(y⊤) − log (R/Z) of the whole response.
    private var balance: String? {
        let group = explanation.group
        guard let end = explanation.end.state, group.isLearned || group.count > 1 else { return nil }
        let gap = end.residual + group.logPartition
        let origin = group.isLearned ? "the learned log Z(x)" : "the group's own log Z(x), −mean H of its \(group.count) responses,"
        guard abs(gap) >= Self.least else {
            return "With \(origin) = \(number(group.logPartition)), the policy gives this response the probability R/Z that its reward "
                + "asks for."
        }
        return "At its end H + log Z = \(number(gap)) \(sign(gap)), with \(origin) = \(number(group.logPartition)): the policy gives this "
            + "response \(times(gap)) the probability R/Z that its reward asks for."
    }

    private var credit: String? {
        let actions = explanation.rows.compactMap { $0.token?.action } + (explanation.end.isForced ? [] : [explanation.end.stop])
        let advantages = actions.compactMap(\.advantage)
        guard let first = advantages.first else { return nil }
        let clipped = actions.count { ($0.advantage ?? 0) != 0 && $0.slope == 0 }
        let note = clipped > 0 ? "; \(clipped) of them have no slope, since their ratio π/π_old was clipped" : ""
        if advantages.allSatisfy({ $0 == first }) {
            guard first != 0 else { return "Its advantage is 0: among the rewards of its group, its own says nothing." }
            return "Its advantage is \(number(first)) \(sign(first)): it was worth \(first > 0 ? "more" : "less") than the responses it is "
                + "compared with, and all its \(actions.count) actions are credited alike\(note)."
        }
        let up = advantages.count { $0 > 0 }
        return "Advantages of its \(advantages.count) actions go from \(number(advantages.min() ?? first)) to "
            + "\(number(advantages.max() ?? first)); \(up) \(up == 1 ? "is" : "are") above 0\(note)."
    }

    private var pair: String? {
        let references = explanation.rows.compactMap { $0.token?.action.reference }
        let name = explanation.place.sample == 0 ? "chosen" : "rejected"
        guard references.count == explanation.rows.count - 1 else { return "It is the \(name) response of its pair." }
        let stop = explanation.isCut ? 0 : explanation.end.stop.reference ?? 0
        let ratio = explanation.logProbability - references.reduce(stop, +)
        return "It is the \(name) response of its pair; the policy gives it \(times(ratio)) its probability under the reference."
    }

    // MARK: The effect

    private var tokens: String? {
        let tokens = explanation.rows.compactMap(\.token)
        let slopes = tokens.map(\.action.slope)
        guard let strongest = tokens.max(by: { abs($0.action.slope) < abs($1.action.slope) }) else {
            return explanation.rows.count == 1 ? "The response is empty." : nil
        }
        let up = slopes.count { $0 < 0 }, down = slopes.count { $0 > 0 }
        let count = "\(tokens.count) token\(tokens.count == 1 ? "" : "s")"
        guard up + down > 0 else { return "The objective leaves its \(count) as they are: all slopes are 0." }
        let isEven = slopes.allSatisfy { number($0) == number(strongest.action.slope) }
        let most = (isEven ? "all alike" : "most of all ‘\(strongest.visible)’") + " (dL/d log π = \(number(strongest.action.slope)))"
        if up == tokens.count || down == tokens.count {
            return "The objective \(up > 0 ? "raises" : "lowers") log π of all its \(count), \(most)."
        }
        let still = tokens.count - up - down
        return "The objective raises log π of \(up) of its \(count) and lowers that of \(down)"
            + (still > 0 ? ", and leaves \(still) as \(still == 1 ? "it is" : "they are")" : "") + ", \(most)."
    }

    private var stops: String? {
        let ends = explanation.rows.filter { $0.state != nil && !$0.isForced && $0.stop.slope != 0 }
        guard let strongest = ends.max(by: { abs($0.stop.slope) < abs($1.stop.slope) }), explanation.objective.isBalance else { return nil }
        let up = ends.filter { $0.stop.slope < 0 }.map(\.index), down = ends.filter { $0.stop.slope > 0 }.map(\.index)
        func list(_ places: [Int]) -> String {
            "after token" + (places.count == 1 ? " " : "s ") + places.prefix(6).map { "\($0)" }.joined(separator: ", ")
                + (places.count > 6 ? " and \(places.count - 6) more" : "")
        }
        let parts = [up.isEmpty ? nil : "likelier \(list(up))", down.isEmpty ? nil : "less likely \(list(down))"].compactMap { $0 }
        return "It makes ending there \(parts.joined(separator: " and "))"
            + (ends.count > 1 ? ", most strongly after token \(strongest.index) (dL/d log π(⊤) = \(number(strongest.stop.slope)))." : ".")
    }

    /// The inner state that is farther from balance than the end is.
    private var farthest: String? {
        guard explanation.objective.isBalance, explanation.objective.usesInnerStates, let end = explanation.end.state else { return nil }
        let logPartition = explanation.group.logPartition
        let inner = explanation.rows.dropLast().compactMap { row in row.state.map { (row.index, $0.residual + logPartition) } }
        guard let (index, gap) = inner.max(by: { abs($0.1) < abs($1.1) }), abs(gap) > abs(end.residual + logPartition),
            abs(gap) >= Self.least
        else { return nil }
        return "Farthest from balance is the prefix of \(index) token\(index == 1 ? "" : "s"), H + log Z = \(number(gap)): the policy "
            + "ends there with \(times(gap)) the probability R/Z that the prefix's own reward asks for."
    }

    private var share: String? {
        guard let share = explanation.lossShare, explanation.group.count > 1 else { return nil }
        return "It has \(decimals(100 * share, 1)) % of the loss of its group of \(explanation.group.count); an even share would be "
            + "\(decimals(100 / Double(explanation.group.count), 1)) %."
    }
}
