internal import Evaluation
internal import Model

/// An explanation for a terminal.
struct ExplanationText {
    private let explanation: Explanation

    init(_ explanation: Explanation) { self.explanation = explanation }

    var text: String {
        let facts = ExplanationFacts(explanation)
        let width = facts.all.map(\.name.count).max() ?? 0
        let head = facts.all.map { fact in fact.name.padded(to: width) + "  " + fact.text }
        let table = ["", ExplanationTable(explanation).text, "", facts.legend, ""]
        return ([facts.title] + head + table + ExplanationWords(explanation).sentences).joined(separator: "\n")
    }
}

/// What is said of a response before its tokens.
struct ExplanationFacts {
    let title: String
    private(set) var all: [(name: String, text: String)]
    let legend: String

    init(_ explanation: Explanation) {
        func number(_ value: Double) -> String { ReportNumber.short(value, digits: 5) }
        let place = explanation.place, group = explanation.group, isBalance = explanation.objective.isBalance
        title = "sample \(place.sample) of problem \(place.problem), step \(place.step) of \(place.run)"
        let age = explanation.version - explanation.sampledWith
        let sampler = age == 0 ? "which also sampled it" : "sampled with version \(explanation.sampledWith)"
        let origin = place.isReplayed ? ", from samples of earlier steps" : ""
        let answer = explanation.verdict.answer.map { ", answer \($0.printable())" } ?? ""
        all = [
            ("objective", "\(explanation.objective.name), policy version \(explanation.version), \(sampler)\(origin)"),
            ("prompt", explanation.prompt.onOneLine(limit: 400)),
            ("response", explanation.text.onOneLine(limit: 400)),
            ("verdict", "\(explanation.verdict.reason.rawValue)\(answer)\(explanation.isCut ? ", cut at the limit" : "")"),
            (isBalance ? "log R" : "reward", explanation.reward.formula),
        ]
        if let weighed = explanation.weighedReward { all.append(("weighed", "\(number(weighed)), its reward among those of its group")) }
        if !explanation.reward.stepRewards.isEmpty {
            let rewards = explanation.reward.stepRewards.map { decimals(Double($0), 3) }
            all.append(("steps", rewards.joined(separator: " ") + " by the reward model"))
        }
        if isBalance, let end = explanation.end.state {
            all.append(("log π(y⊤)", "\(number(explanation.logProbability)), so H = \(number(end.residual))"))
        } else {
            all.append(("log π(y⊤)", number(explanation.logProbability)))
        }
        if isBalance || group.isLearned {
            let source = group.isLearned ? "learned" : "−mean H of the group"
            let slope = group.rootSlope.map { ", push \(ExplanationTable.push($0))" } ?? ""
            all.append(("log Z(x)", "\(number(group.logPartition)), \(source)\(slope)"))
        }
        let own = explanation.loss.map { "\(number($0)) of this sample, " } ?? ""
        let step = explanation.stepLoss.map { ", \(number($0)) of the step" } ?? ""
        all.append(("loss", "\(own)\(number(group.loss)) of its group of \(group.count)\(step)"))
        all.append(("made again", "from \(place.start), every figure of the step's line as it was recorded"))
        all.append(("stored", explanation.storedIn.map { "\($0): as it was stored, bit for bit" } ?? "no: nothing to compare it with"))
        let differing = explanation.differingLogProbabilities
        all.append((
            "sampler", differing == 0
                ? "its log-probabilities and the learner's are equal to the last bit"
                : "\(differing) of its log-probabilities differ from the learner's"
                    + (age > 0 ? ", as those of another version do (log π_old)" : " (log π_old)")))
        legend = "push: ▲ the objective raises log π, ▼ lowers it, by |dL/d log π| of the group's loss"
            + (isBalance ? "; H = log π(y_1…y_i ⊤) − log R at each state that may end" : "")
    }
}
