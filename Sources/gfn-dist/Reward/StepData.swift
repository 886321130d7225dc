internal import Foundation
internal import Learner
internal import Model
internal import Problems
internal import Rollout

/// Files of labelled steps, as a reward model reads them.
struct StepData {
    /// A solution to be judged: what is read of it, and the truth about each step, nil where nobody knows it.
    struct Judged: Sendable {
        var response: LabelledResponse
        var truth: [Bool?]
        /// Where its file has it.
        var line: Int
    }

    let encoder: StepEncoder
    let configuration: RunConfiguration
    let contextLength: Int

    /// The examples of `data.train`. A row of PRM800K gives one more for each alternative step, with no other label in it.
    func training(_ path: String, notes: inout [String]) throws -> [LabelledResponse] {
        let kind = LabelKind(rawValue: configuration.text("labels.kind")) ?? .hard
        let examples = try solutions(path, notes: &notes) { solution in
            let own = (solution, solution.steps.map { label(of: $0, kind) })
            let others = solution.alternatives.map { alternative in
                var other = solution
                other.steps = solution.steps.prefix(alternative.after) + [alternative.step]
                return (other, Array(repeating: nil, count: alternative.after) + [label(of: alternative.step, kind)])
            }
            return [own] + others
        }
        let responses = examples.map(\.response)
        guard responses.contains(where: { $0.labels.contains { $0 != nil } }) else {
            throw RunError.badData("\(path) has no step with a label to learn from")
        }
        if kind == .soft, !examples.contains(where: { $0.isSoft }) {
            throw RunError.badData(
                "labels.kind is soft, but \(path) has no soft labels, expected soft_labels or numbers between 0 and 1 as labels; "
                    + "leave labels.kind out")
        }
        return responses
    }

    /// The solutions of a file of `data.evaluate`, with the exact truth where its rows have it, and else their hard labels.
    func judged(_ path: String, notes: inout [String]) throws -> [Judged] {
        var exact = false
        let judged = try solutions(path, notes: &notes) { solution in [(solution, solution.steps.map { label(of: $0, .hard) })] }
            .map { example in
                exact = exact || example.solution.steps.contains { $0.exact != nil }
                let truth = zip(example.solution.steps, example.response.labels).map { step, label in step.exact ?? label.map { $0 >= 0.5 } }
                return Judged(response: example.response, truth: truth, line: example.solution.line)
            }
        guard judged.contains(where: { $0.truth.contains { $0 != nil } }) else {
            throw RunError.badData("\(path) has no step with a label to judge by")
        }
        if exact { notes.append("\(path) has exact labels: steps are judged by these") }
        return judged
    }

    private func label(of step: LabelledSolution.Step, _ kind: LabelKind) -> Double? {
        if kind == .soft, let share = step.share { return share }
        switch step.label {
        case .good: return 1
        case .bad: return 0
        case nil: return nil
        case .neutral:
            switch configuration.text("labels.neutral") {
            case "good": return 1
            case "bad": return 0
            default: return nil
            }
        }
    }

    private struct Example {
        var solution: LabelledSolution
        var response: LabelledResponse
        var isSoft: Bool { solution.steps.contains { $0.share != nil } }
    }

    /// What `parts` makes of each row, as tokens; says what is left out because it is too long.
    private func solutions(
        _ path: String, notes: inout [String], parts: (LabelledSolution) -> [(LabelledSolution, [Double?])]
    ) throws -> [Example] {
        var examples: [Example] = []
        var long = LongPrompts(limit: contextLength, of: .examples)
        for solution in try StepLabelFile.read(path) {
            for (solution, labels) in parts(solution) {
                guard let tokens = encoder.tokens(of: solution) else {
                    throw RunError.badData(
                        "\(path):\(solution.line): prompt: expected a problem of the embedded task, as \"37 84:\", "
                            + "found '\(solution.prompt.printable(limit: 60))'; name a model for problems in words with --model")
                }
                let response = LabelledResponse(
                    prompt: tokens.prompt, reading: StepReading(tokens: tokens.response, places: tokens.ends), labels: labels)
                if response.tokenCount > contextLength {
                    long.add(response.tokenCount, line: solution.line)
                } else {
                    examples.append(Example(solution: solution, response: response))
                }
            }
        }
        guard long.count > 0 else { return examples }
        guard configuration.text("data.long_prompts") == "skip", !examples.isEmpty else {
            throw RunError.badData("\(long.sentence(of: path)); shorten them, or take a model with a longer context")
        }
        notes.append("\(long.sentence(of: path)) and left out")
        return examples
    }
}

/// How a labelled solution becomes tokens: as the task poses its problems to a policy.
enum StepEncoder: Sendable {
    case pathSum
    case words(Tokenizer, ChatTemplate?)

    func tokens(of solution: LabelledSolution) -> StepTokens? {
        switch self {
        case .pathSum: PathSum.stepTokens(of: solution)
        case .words(let tokenizer, let template): WordProblems.stepTokens(of: solution, tokenizer, template)
        }
    }

    /// What a reward model's files name the form of its prompts by.
    var name: String {
        switch self {
        case .pathSum: RunConfiguration.embeddedTask
        case .words(_, let template): (template ?? .plain).name
        }
    }
}
