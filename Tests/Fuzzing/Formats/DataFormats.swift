internal import Model
internal import Problems

/// Data sets as JSON Lines, of one of the kinds that are read.
struct DataFormat: FuzzFormat {
    enum Kind: String, CaseIterable { case problems, steps, preferences, samples }

    let kind: Kind
    var name: String { kind.rawValue }

    private var lines: [String] {
        switch kind {
        case .problems:
            [
                #"{"question": "Ann has 3 apples and buys 2. How many?", "answer": "She has 3 + 2 = <<3+2=5>>5 apples.\n#### 5"}"#,
                #"{"problem": "What is $\\frac{1}{2} + \\frac{1}{3}$?", "solution": "It is $\\boxed{\\frac{5}{6}}$.", "level": "Level 1"}"#,
                #"{"problem": "Solve.", "solution": "text \\boxed{3}", "answer": "3"}"#,
                #"{"prompt": "1 + 1 =", "completion": " 2"}"#,
                #"{"prompt": [{"role": "user", "content": "1 + 1?"}], "completion": [{"role": "assistant", "content": "2"}]}"#,
                #"{"prompt": [{"role": "human", "content": [{"type": "text", "text": "1 + 1?"}]}], "reward_model": {"ground_truth": ["2"]}}"#,
                #"{"conversations": [{"from": "human", "value": "1 + 1?"}, {"from": "gpt", "value": "The answer is 2."}]}"#,
                #"{"question": "q", "solution": "So 3.", "expected_answer": [3]}"#,
                #"{"query": "q", "response": "The answer is: 5"}"#,
                #"{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "h\u00e9 \ud83d\ude00"}], "answer": 7.5}"#,
                #"{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "The answer is 4."}]}"#, "",
            ]
        case .steps:
            [
                #"{"input": "1 + 1? Step 1: Add. ки\nStep 2: The answer is: 2 ки", "label": "1 + 1? Step 1: Add. +\nStep 2: The answer is: 2 -", "task": "GSM8K"}"#,
                #"{"prompt": "1 + 1?", "completions": ["Add.", "It is 2."], "labels": [true, false]}"#,
                #"{"question": {"problem": "p", "ground_truth_answer": "2"}, "label": {"steps": [{"completions": [{"text": "a", "rating": 1}, {"text": "b", "rating": -1}], "chosen_completion": 0, "human_completion": null}, {"completions": [{"text": "c", "rating": 0}], "chosen_completion": null, "human_completion": {"text": "d"}}]}}"#,
                "",
            ]
        case .preferences:
            [
                #"{"prompt": "1 + 1?", "chosen": "2", "rejected": "3"}"#,
                #"{"prompt": [{"role": "user", "content": "x"}], "chosen": [{"role": "assistant", "content": "a"}], "rejected": [{"role": "assistant", "content": "b"}]}"#,
                "",
            ]
        case .samples:
            [
                #"{"problem_id": 3, "sample_index": 0, "prompt": "p", "text": "t", "tokens": [1, 2], "logprob": -1.5, "stop": "token", "answer": "2", "correct": true, "reward": 0.5, "policy_version": 4}"#,
                #"{"problem_id": "a", "text": ""}"#, "",
            ]
        }
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        let (bytes, changes) = mutatedLines(lines, using: &random)
        return Mutant(files: ["data.jsonl": bytes], changes: changes)
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        let path = "\(folder)/data.jsonl"
        let lineCount = (mutant.files["data.jsonl"] ?? []).split(separator: 0x0A).count
        switch kind {
        case .problems:
            let problems = try ProblemFile.read(path)
            try check(problems.map(\.line), lineCount)
            for problem in problems {
                try BrokenInvariant.unless(!problem.messages.isEmpty, "a problem has no messages")
                // A conversation that ends with a reply would be read as one with a solution.
                guard problem.messages.last?.role != "assistant" else { continue }
                let turns = problem.messages + (problem.solution.map { [ChatMessage(role: "assistant", content: $0)] } ?? [])
                let again = try read([("messages", .array(turns.map(Self.turn))), ("answer", problem.answer.map { JSONValue($0) })]) {
                    (bytes, path) throws(DataFileError) in try ProblemFile.parse(bytes, path: path)
                }
                try BrokenInvariant.unless(
                    again.messages == problem.messages && again.solution == problem.solution
                        && (problem.answer == nil || again.answer == problem.answer), "written and read again \(problem) is \(again)")
            }
        case .steps:
            let solutions = try StepLabelFile.read(path)
            try check(solutions.map(\.line), lineCount)
            for solution in solutions {
                try BrokenInvariant.unless(
                    !solution.steps.isEmpty && solution.alternatives.allSatisfy { (0...solution.steps.count).contains($0.after) },
                    "steps and alternatives do not fit: \(solution)")
                guard solution.alternatives.isEmpty, solution.steps.allSatisfy({ $0.label == .good || $0.label == .bad }) else { continue }
                let again = try read(
                    [
                        ("prompt", JSONValue(solution.prompt)), ("completions", .array(solution.steps.map { JSONValue($0.text) })),
                        ("labels", .array(solution.steps.map { .boolean($0.label == .good) })), ("answer", solution.answer.map { JSONValue($0) }),
                    ], StepLabelFile.parse)
                try BrokenInvariant.unless(again.steps == solution.steps && again.prompt == solution.prompt, "written and read again \(solution) is \(again)")
            }
        case .preferences:
            let preferences = try PreferenceFile.read(path)
            try check(preferences.map(\.line), lineCount)
            for preference in preferences {
                let again = try read(
                    [
                        ("prompt", .array(preference.prompt.map(Self.turn))), ("chosen", JSONValue(preference.chosen)),
                        ("rejected", JSONValue(preference.rejected)),
                    ], PreferenceFile.parse)
                try BrokenInvariant.unless(
                    again.prompt == preference.prompt && again.chosen == preference.chosen && again.rejected == preference.rejected,
                    "written and read again \(preference) is \(again)")
            }
        case .samples:
            let samples = try SampleFile.read(path)
            try check(samples.map(\.line), lineCount)
            for sample in samples {
                try BrokenInvariant.unless(
                    (sample.logProbability ?? 0).isFinite && (sample.reward ?? 0).isFinite, "a number of \(sample) is not finite")
                let again = try read(
                    [
                        ("problem_id", JSONValue(sample.problemID)), ("text", JSONValue(sample.text)),
                        ("tokens", sample.tokens.map { .array($0.map { .integer($0) }) }), ("reward", sample.reward.map { .number($0) }),
                        ("policy_version", sample.policyVersion.map { .integer($0) }),
                    ], SampleFile.parse)
                try BrokenInvariant.unless(
                    again.problemID == sample.problemID && again.text == sample.text && again.tokens == sample.tokens
                        && again.reward == sample.reward && again.policyVersion == sample.policyVersion, "written and read again \(sample) is \(again)")
            }
        }
    }

    /// Every record comes from a line of its own.
    private func check(_ lines: [Int], _ count: Int) throws {
        let isAscending = zip(lines, lines.dropFirst()).allSatisfy { $0 < $1 }
        try BrokenInvariant.unless(!lines.isEmpty && lines.count <= count && isAscending, "records from lines \(lines) of \(count)")
    }

    private static func turn(_ message: ChatMessage) -> JSONValue {
        .object([JSONMember("role", JSONValue(message.role)), JSONMember("content", JSONValue(message.content))])
    }

    /// Reads one record that is written with these members; nil ones are left out.
    private func read<Value>(
        _ members: [(String, JSONValue?)], _ parse: ([UInt8], String) throws(DataFileError) -> [Value]
    ) throws -> Value {
        let object = JSONValue.object(members.compactMap { name, value in value.map { JSONMember(ByteString(name), $0) } })
        let records: [Value]
        do throws(DataFileError) { records = try parse(object.encoded(indented: false), "again") } catch {
            throw BrokenInvariant("the record that was written of it is refused: \(error)")
        }
        guard let first = records.first, records.count == 1 else { throw BrokenInvariant("one record was written and \(records.count) are read") }
        return first
    }

    func isRefusal(_ error: any Error) -> Bool { error is DataFileError }
}
