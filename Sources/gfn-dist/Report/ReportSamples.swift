internal import Evaluation

/// What was sampled: the last file of each run and the first, by problem, like solutions beside each other.
struct ReportSamples: Sendable {
    let runs: [ReportRun]

    private static let mostProblems = 16
    private static let mostTexts = 16
    private static let mostSigns = 1200
    /// Two texts of at least this ROUGE-L are alike.
    private static let threshold = 0.7

    /// Equal texts of one problem.
    private struct Solution: Sendable {
        var sample: SampledStep.Sample
        var count: Int
    }

    /// Nil where no run has samples.
    var section: HTML? {
        let parts = runs.flatMap(samples)
        guard !parts.isEmpty else { return nil }
        let note = "Solutions of a problem that are alike (ROUGE-L of at least \(Self.threshold)) stand in one group; ✓ is right, ✗ is "
            + "not. r is log R; the numbers below a solution are the rewards of its steps."
        return ReportSection.element("samples", "Samples", [.element("p", ["class": "note"], [HTML(note)])] + parts)
    }

    /// Below that of the run, where there are several.
    private var heading: String { runs.count > 1 ? "h4" : "h3" }

    private func samples(of run: ReportRun) -> [HTML] {
        guard let last = run.record.samples.last else { return [] }
        let first = run.record.samples.count > 1 ? run.record.samples.first : nil
        // Problems that both have come first: they can be compared.
        let known = Set((first?.problems ?? []).compactMap { $0.first?.problem })
        func isShared(_ problem: [SampledStep.Sample]) -> Bool { known.contains(problem[0].problem) }
        let ordered = last.problems.filter(isShared) + last.problems.filter { !isShared($0) }
        var parts: [HTML] = runs.count > 1 ? [.element("h3", [HTML(run.label)])] : []
        parts.append(.element(heading, ["class": "step"], ["Step \(last.step)"]))
        for (index, problem) in ordered.prefix(Self.mostProblems).enumerated() {
            let earlier = first?.problems.first { $0[0].problem == problem[0].problem }
            let isOpen = index == 0 && run.number == 0
            parts.append(details(problem, step: last.step, earlier: earlier, earlierStep: first?.step, isOpen: isOpen))
        }
        if ordered.count > Self.mostProblems {
            parts.append(.element("p", ["class": "note"], ["\(Self.mostProblems) of \(ordered.count) problems."]))
        }
        guard let first else { return parts }
        let shown = Set(ordered.prefix(Self.mostProblems).map { $0[0].problem })
        let others = first.problems.filter { !shown.contains($0[0].problem) }.prefix(Self.mostProblems / 2)
        guard !others.isEmpty else { return parts }
        parts.append(.element(heading, ["class": "step"], ["Step \(first.step), to compare"]))
        for problem in others { parts.append(details(problem, step: first.step, earlier: nil, earlierStep: nil, isOpen: false)) }
        return parts
    }

    private func details(
        _ samples: [SampledStep.Sample], step: Int, earlier: [SampledStep.Sample]?, earlierStep: Int?, isOpen: Bool
    ) -> HTML {
        let prompt = samples[0].prompt
        let name = Self.cut(prompt.isEmpty ? "problem \(samples[0].problem)" : prompt, to: 140)
        let summary = HTML.element(
            "summary",
            [
                .element("span", ["class": "problem", "dir": "auto"], [HTML(name)]),
                .element("span", ["class": "count"], [HTML(Self.counts(samples))]),
            ])
        var body: [HTML] = []
        if prompt.count > 140 || prompt.contains("\n") {
            body.append(.element("pre", ["class": "prompt", "dir": "auto"], [HTML(Self.cut(prompt, to: Self.mostSigns))]))
        }
        if let earlier, let earlierStep {
            body.append(.element("p", ["class": "compared"], [HTML("step \(step): \(Self.counts(samples))")]))
            body += groups(samples)
            body.append(.element("p", ["class": "compared"], [HTML("step \(earlierStep): \(Self.counts(earlier))")]))
            body += groups(earlier)
        } else {
            body += groups(samples)
        }
        return .element("details", isOpen ? ["class": "sampled", "open": ""] : ["class": "sampled"], [summary] + body)
    }

    private static func counts(_ samples: [SampledStep.Sample]) -> String {
        let distinct = DistinctSolutions(texts: samples.map(\.text), correct: samples.map(\.isCorrect))
            .counts(thresholds: [threshold], method: .greedy).first?.count ?? 0
        return "\(samples.count { $0.isCorrect }) of \(samples.count) right, \(distinct) distinct"
    }

    /// Groups of like solutions, the largest first; a text joins the first group whose first text it is like.
    private func groups(_ samples: [SampledStep.Sample]) -> [HTML] {
        var solutions: [Solution] = []
        for sample in samples {
            if let place = solutions.firstIndex(where: { $0.sample.text.utf8.elementsEqual(sample.text.utf8) }) {
                solutions[place].count += 1
            } else {
                solutions.append(Solution(sample: sample, count: 1))
            }
        }
        let shown = solutions.prefix(Self.mostTexts)
        var groups: [[Solution]] = []
        for solution in shown {
            let place = groups.firstIndex { group in
                group[0].sample.isCorrect == solution.sample.isCorrect
                    && RougeL.score(target: group[0].sample.text, prediction: solution.sample.text).fMeasure >= Self.threshold
            }
            if let place { groups[place].append(solution) } else { groups.append([solution]) }
        }
        func size(_ group: [Solution]) -> Int { group.reduce(0) { $0 + $1.count } }
        // Right ones first; a sort that keeps the order of equals, as the file has them.
        let order = groups.indices.sorted { a, b in
            let (one, other) = (groups[a], groups[b])
            if one[0].sample.isCorrect != other[0].sample.isCorrect { return one[0].sample.isCorrect }
            return size(one) != size(other) ? size(one) > size(other) : a < b
        }
        var parts = [HTML.element("div", ["class": "groups"], order.map { group(groups[$0]) })]
        if solutions.count > shown.count {
            parts.append(.element("p", ["class": "note"], ["\(shown.count) of \(solutions.count) different solutions."]))
        }
        return parts
    }

    private func group(_ solutions: [Solution]) -> HTML {
        .element("div", ["class": solutions.count > 1 ? "group alike" : "group"], solutions.map(card))
    }

    private func card(_ solution: Solution) -> HTML {
        let sample = solution.sample
        var head: [HTML] = [.element("b", [HTML(sample.isCorrect ? "✓ right" : "✗ \(sample.verdict)")])]
        if let reward = sample.reward { head.append(.element("span", [HTML("r \(ReportNumber.short(reward, digits: 3))")])) }
        if let answer = sample.answer { head.append(.element("span", [HTML("answer \(Self.cut(answer, to: 40))")])) }
        if solution.count > 1 { head.append(.element("span", ["class": "times"], ["×\(solution.count)"])) }
        let text = HTML.element("pre", ["dir": "auto"], [HTML(Self.cut(sample.text, to: Self.mostSigns))])
        var parts = [HTML.element("p", ["class": "judged"], head), text]
        if !sample.stepRewards.isEmpty {
            let steps = sample.stepRewards.prefix(64).map { reward in
                HTML.element("li", ["class": reward < 0.5 ? "low" : "high"], [HTML(decimals(reward, 2))])
            }
            parts.append(.element("ol", ["class": "steps-rewarded", "aria-label": "rewards of its steps"], steps))
        }
        return .element("div", ["class": sample.isCorrect ? "solution right" : "solution wrong"], parts)
    }

    private static func cut(_ text: String, to limit: Int) -> String {
        text.count > limit ? text.prefix(limit - 1) + "…" : text
    }
}
