internal import Foundation

/// How far the sampling is, and what came out so far, for people.
struct SampleProgress: LineProgress {
    private var line: ProgressLine
    private let start = ContinuousClock.now
    private let plan: SamplePlan
    private var (problems, solutions, tokens, correct) = (0, 0, 0, 0)

    init(_ plan: SamplePlan, startingAt first: Int, quiet: Bool) {
        self.plan = plan
        line = ProgressLine(of: "problem", total: plan.problemCount, startingAt: first, quiet: quiet)
    }

    func resume(behind lines: Int) { line.say("sample: \(lines) of \(plan.lineCount) lines are there already") }

    mutating func add(_ problem: SampledProblem) {
        problems += 1
        solutions += problem.solutions
        tokens += problem.tokens
        correct += problem.correct
    }

    mutating func show(done: Int) {
        let rate = decimals(Double(tokens) / max(seconds, 1e-9), 0)
        line.show(done, [("solutions", "\(solutions)"), ("tok/s", rate), ("accuracy", accuracy)])
    }

    func finish() {
        line.say(
            "sample: \(solutions) solutions of \(problems) problems, \(tokens) tokens in \(decimals(seconds, 1)) s, accuracy \(accuracy)")
    }

    private var seconds: Double { start.duration(to: .now).seconds }
    private var accuracy: String { decimals(Double(correct) / Double(max(1, solutions)), 3) }
}
