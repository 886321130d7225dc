internal import Model
internal import Problems

/// Which solutions of a file are labelled.
struct SampleSelection: Sendable {
    let set: SampleSet
    /// The first ones of each problem, in the order of the file; nil: all.
    let perProblem: Int?
}

/// Solutions that a file has, whoever wrote them, to be labelled instead of sampled ones.
struct GivenSolutions: Sendable {
    /// A solution as tokens of the model that completes it.
    struct Solution: Sendable {
        /// Its place among its problem's samples of the file, those that are left out included.
        let sample: Int
        let tokens: [Int32]
        let stop: StopReason
        /// As the file says it, in nats.
        let logProbability: Double?
    }

    /// More samples of a problem have no addresses for their completions.
    private static let mostOfProblem = Int(UInt32.max) / LabelWork.completionLimits.upperBound

    /// What the set is called.
    let name: String
    /// By the task's problem, in the order of the file.
    let solutions: [[Solution]]
    /// What people should know of what was left out.
    let notes: [String]

    /// Above the place of every solution.
    var samplesPerProblem: Int { (solutions.lazy.flatMap { $0 }.map(\.sample).max() ?? -1) + 1 }

    /// Reads the file, and finds the problems that it names as `evaluate` does.
    ///
    /// Throws where it has a problem that is unknown, or nothing to label.
    init(_ selection: SampleSelection, of work: SampleWork) throws {
        let (set, configuration, task) = (selection.set, work.configuration, work.task)
        let path = set.path
        let words = task as? WordProblems
        let key = try (task as? PathSum).map { try AnswerKey($0, fields: [], limit: 0) }
            ?? AnswerKey(configuration.text("data.evaluate"), fields: [], limit: 0)
        let census = try SampleCensus(set, of: key, among: [key.name], needsVerdicts: false)
        let problems = (0..<task.problemCount).map { (words?.place(of: $0) ?? $0, $0) }
        let problemOfPlace = Dictionary(uniqueKeysWithValues: problems)
        let limit = configuration.maxNewTokens(for: task)
        var solutions = Array(repeating: [Solution](), count: work.problemCount)
        var counts = Array(repeating: 0, count: work.problemCount)
        var (unposed, long): (Int, Int) = (0, 0)
        var fault: RunError?
        try SampleFile.forEach(path) { sample in
            guard fault == nil, let place = census.problem(of: sample) else { return }
            guard let problem = problemOfPlace[place] else { return unposed += 1 }
            guard problem < work.problemCount, counts[problem] < selection.perProblem ?? .max else { return }
            let (stop, number): (StopReason, Int) = (sample.isFinished == false ? .length : .stopToken, counts[problem])
            fault = Self.fault(in: sample, number: number, of: problem, task, path)
            counts[problem] += 1
            let tokens = Self.tokens(of: sample, problem: problem, work)
            // ⊤ is drawn as well: a solution that ended itself leaves a token of the limit to the completion of its last step.
            guard tokens.count + (stop == .stopToken ? 1 : 0) <= limit else { return long += 1 }
            solutions[problem].append(Solution(sample: number, tokens: tokens, stop: stop, logProbability: sample.logProbability))
        }
        if let fault { throw fault }
        let tooLong = "\(path) has \(long) solution\(long == 1 ? "" : "s") of more than the \(limit) tokens of rollout.max_new_tokens, "
            + "the end counted"
        guard solutions.contains(where: { !$0.isEmpty }) else {
            throw RunError.badData(
                long > 0
                    ? "\(tooLong), and no other that could be labelled; raise the limit with --max-new-tokens"
                    : "\(path) has no solution of the \(work.problemCount) problems that are labelled; raise --limit, or take "
                        + "another file")
        }
        var notes = census.notes(on: set, use: "labelled")
        if unposed > 0 { notes.append("\(path) has \(unposed) samples of problems whose prompts are too long: left out") }
        if long > 0 { notes.append("\(tooLong): left out") }
        (self.solutions, self.notes, name) = (solutions, notes, set.name)
    }

    /// Why a sample cannot be one of this problem.
    private static func fault(
        in sample: SampleRecord, number: Int, of problem: Int, _ task: any Task, _ path: String
    ) -> RunError? {
        guard number < mostOfProblem else {
            return .badData(
                "\(path):\(sample.line) is one of more than \(mostOfProblem) samples of problem '\(sample.problemID)': take the first "
                    + "ones with --samples-per-problem")
        }
        // The embedded task has two sets of problems whose numbers are alike.
        guard task is PathSum, let prompt = sample.prompt else { return nil }
        let asked = (prompt.hasPrefix("<s>") ? prompt.dropFirst(3) : prompt[...]).trimmingPrefix { $0 == " " }
        let question = task.question(of: problem)
        guard asked != question.trimmingPrefix(while: { $0 == " " }) else { return nil }
        return .badData(
            "\(path):\(sample.line) has the prompt '\(prompt.printable(limit: 60))', expected '\(question)', which is problem \(problem) "
                + "of \(task.name): pathsum are the problems to train on, \(PathSum.Split.heldOut.name) the others; name those that were "
                + "sampled")
    }

    /// The tokens that the file has, where they are this model's; else those of the text behind the problem's prompt.
    private static func tokens(of sample: SampleRecord, problem: Int, _ work: SampleWork) -> [Int32] {
        let task = work.task
        let vocabularySize = work.tokenizer?.vocabularySize ?? PathSum.Vocabulary.count
        if let ids = sample.tokens, ids.allSatisfy({ (0..<vocabularySize).contains($0) }) {
            let tokens = ids.map { Int32($0) }
            // Ids of another tokenizer may be in range, but say something else.
            let saysText = Array(task.text(of: tokens).utf8) == Array(sample.text.utf8)
            if saysText, !tokens.contains(where: task.stopTokens.contains) { return tokens }
        }
        guard let tokenizer = work.tokenizer else { return PathSum.tokens(of: sample.text) }
        // What others wrote has no special tokens.
        return tokenizer.encode(sample.text, after: task.promptTokens(of: problem), parsingSpecialTokens: false)
    }
}
