internal import Model

/// A solution step by step, with what was judged of each step.
package struct LabelledSolution: Sendable, Equatable {
    package enum Label: Sendable, Equatable { case good, neutral, bad }

    package struct Step: Sendable, Equatable {
        package var text: String
        /// Nil where nobody judged it.
        package var label: Label?
        /// A soft label, from 0 to 1: the share of completions of the steps so far that are right; nil where the file has none.
        package var share: Double?
        /// Whether a right solution begins with the steps so far, where that is known for certain.
        package var exact: Bool?

        package init(_ text: String, _ label: Label?, share: Double? = nil, exact: Bool? = nil) {
            (self.text, self.label, self.share, self.exact) = (text, label, share, exact)
        }
    }

    /// Another step that was judged in the place of one of the solution.
    package struct Alternative: Sendable, Equatable {
        /// It follows the first so many steps.
        package var after: Int
        package var step: Step

        package init(after: Int, _ step: Step) { (self.after, self.step) = (after, step) }
    }

    package var prompt: String
    package var steps: [Step]
    package var alternatives: [Alternative] = []
    package var answer: String?
    /// Where its file has it, from 1.
    package var line: Int
}

/// Solutions with labelled steps from JSON Lines: Math-Shepherd's `{input, label, task}`, TRL's stepwise
/// `{prompt, completions, labels}`, and PRM800K's rows.
package enum StepLabelFile {
    private static let kind = "labelled solutions"
    /// Ends each step in Math-Shepherd's texts.
    private static let stepMark = "ки"

    package static func read(_ path: String) throws(DataFileError) -> [LabelledSolution] {
        try JSONLines.read(path, kind: kind, solution)
    }

    package static func parse(_ bytes: [UInt8], path: String) throws(DataFileError) -> [LabelledSolution] {
        try JSONLines.parse(bytes, path: path, kind: kind, solution)
    }

    private static func solution(_ record: JSONRecord, line: Int) throws(JSONRecord.Fault) -> LabelledSolution {
        if record.has("input"), record.has("label") { return try mathShepherd(record, line) }
        if record.has("completions") { return try stepwise(record, line) }
        if record.has("question"), record.has("label") { return try prm800k(record, line) }
        throw record.unknownShape("input and label (Math-Shepherd), prompt, completions and labels (stepwise), or question and label (PRM800K)")
    }

    /// `label` is `input` with + or - in the place of each mark.
    private static func mathShepherd(_ record: JSONRecord, _ line: Int) throws(JSONRecord.Fault) -> LabelledSolution {
        let (input, labels) = (try record.text("input"), try record.text("label"))
        var (texts, signs): ([Substring], [LabelledSolution.Label]) = ([], [])
        var (rest, labelled) = (input[...], labels[...])
        while let mark = rest.firstRange(of: stepMark) {
            let text = rest[..<mark.lowerBound]
            labelled = labelled.hasPrefix(text) ? labelled.dropFirst(text.count) : ""
            guard let sign = labelled.first, sign == "+" || sign == "-" else {
                throw record.fault("label", expected: "the input with + or - for each \(stepMark) (step \(texts.count + 1))")
            }
            texts.append(text)
            signs.append(sign == "+" ? .good : .bad)
            (rest, labelled) = (rest[mark.upperBound...], labelled.dropFirst())
        }
        guard let first = texts.first, rest.allSatisfy(\.isWhitespace), labelled.allSatisfy(\.isWhitespace) else {
            throw record.fault("input", expected: "steps that each end in \(stepMark)")
        }
        guard let start = first.firstRange(of: "Step 1:")?.lowerBound else {
            throw record.fault("input", expected: "a question and then 'Step 1:'")
        }
        texts[0] = first[start...]
        let steps = zip(texts, signs).map { LabelledSolution.Step(trimmed($0), $1) }
        return LabelledSolution(
            prompt: trimmed(first[..<start]), steps: steps, answer: steps.last.flatMap { AnswerExtraction.stated($0.text) }, line: line)
    }

    /// Labels may be hard, or numbers from 0 to 1, of which one half and more is good. Beside hard ones, `soft_labels` and
    /// `exact_labels` may stand.
    private static func stepwise(_ record: JSONRecord, _ line: Int) throws(JSONRecord.Fault) -> LabelledSolution {
        let texts = try record.texts("completions")
        guard !texts.isEmpty else { throw record.fault("completions", expected: "at least one step") }
        func inStep<Label>(_ labels: [Label], _ field: String) throws(JSONRecord.Fault) -> [Label] {
            guard texts.count == labels.count else {
                throw record.fault(field, expected: "as many labels as there are completions, \(texts.count)")
            }
            return labels
        }
        let labels = try inStep(try record.shares("labels"), "labels")
        let shares = try record.has("soft_labels") ? inStep(try record.shares("soft_labels"), "soft_labels") : nil
        let exact = try record.has("exact_labels") ? inStep(try record.booleans("exact_labels"), "exact_labels") : nil
        let isSoft = labels.contains { $0 != nil && $0 != 0 && $0 != 1 }
        let steps = texts.indices.map { k in
            LabelledSolution.Step(
                texts[k], labels[k].map { $0 >= 0.5 ? .good : .bad }, share: shares?[k] ?? (isSoft ? labels[k] : nil), exact: exact?[k])
        }
        return LabelledSolution(
            prompt: try record.text("prompt"), steps: steps, answer: try record.optionalText("answer"), line: line)
    }

    /// The solution follows the chosen completions, or what a person wrote instead; where nothing was chosen, it ends with the
    /// first completion. All others are alternatives.
    private static func prm800k(_ record: JSONRecord, _ line: Int) throws(JSONRecord.Fault) -> LabelledSolution {
        let question = try record.record("question")
        var solution = LabelledSolution(
            prompt: try question.text("problem"), steps: [], answer: try question.optionalText("ground_truth_answer"), line: line)
        for place in try record.record("label").records("steps") {
            var completions: [LabelledSolution.Step] = []
            for completion in place.has("completions") ? try place.records("completions") : [] {
                completions.append(LabelledSolution.Step(try completion.text("text"), try label(completion)))
            }
            var next: LabelledSolution.Step?
            let chosen = try place.optionalInteger("chosen_completion")
            if let chosen {
                guard completions.indices.contains(chosen) else {
                    throw place.fault("chosen_completion", expected: "the number of a completion, below \(completions.count)")
                }
                next = completions.remove(at: chosen)
            } else if let human = try place.optionalRecord("human_completion") {
                next = LabelledSolution.Step(try human.text("text"), .good)
            } else if !completions.isEmpty {
                next = completions.removeFirst()
            }
            solution.alternatives += completions.map { LabelledSolution.Alternative(after: solution.steps.count, $0) }
            guard let next else { break }
            solution.steps.append(next)
            if chosen == nil, !place.has("human_completion") { break }
        }
        guard !solution.steps.isEmpty else { throw record.fault("label", expected: "at least one step") }
        return solution
    }

    private static func label(_ completion: JSONRecord) throws(JSONRecord.Fault) -> LabelledSolution.Label? {
        switch try completion.optionalInteger("rating") {
        case nil: return nil
        case 1: return .good
        case 0: return .neutral
        case -1: return .bad
        default: throw completion.fault("rating", expected: "-1, 0 or 1")
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        guard let first = text.firstIndex(where: { !$0.isWhitespace }), let last = text.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(text[first...last])
    }
}
