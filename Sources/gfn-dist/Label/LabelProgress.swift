internal import Foundation

/// How far the labelling is, and what came out so far, for people.
struct LabelProgress: LineProgress {
    private var line: ProgressLine
    private let start = ContinuousClock.now
    /// Of each step.
    private let completionsPerStep: Int
    private var (problems, solutions, steps, goodSteps, rightCompletions, completions) = (0, 0, 0, 0, 0, 0)

    init(_ work: LabelWork, startingAt first: Int, quiet: Bool) {
        completionsPerStep = work.completions
        line = ProgressLine(of: "problem", total: work.problemCount, startingAt: first, quiet: quiet)
    }

    func resume(behind lines: Int) { line.say("reward: \(lines) lines are there already") }

    mutating func add(_ problem: LabelledProblem) {
        problems += 1
        solutions += problem.solutions
        steps += problem.steps
        goodSteps += problem.goodSteps
        rightCompletions += problem.rightCompletions
        completions += problem.completions
    }

    mutating func show(done: Int) {
        line.show(done, [("solutions", "\(solutions)"), ("completions/s", rate), ("good steps", share(goodSteps, of: steps))])
    }

    func finish() {
        line.say(
            "reward: \(solutions) solutions of \(problems) problems, \(steps) steps, good ones \(share(goodSteps, of: steps)), "
                + "mean soft label \(share(rightCompletions, of: completionsPerStep * steps)); "
                + "\(completions) completions in \(decimals(seconds, 1)) s, \(rate) a second")
    }

    private var seconds: Double { start.duration(to: .now).seconds }
    private var rate: String { decimals(Double(completions) / max(seconds, 1e-9), 0) }
    private func share(_ part: Int, of whole: Int) -> String { decimals(Double(part) / Double(max(1, whole)), 3) }
}
