internal import Foundation
internal import Model
internal import Problems

extension LabelWork {
    /// How the line of a solution begins: what says which sample of which problem it is, and how it was made. Labels alone would not tell
    /// the files of two calls apart.
    private func beginning(problem: Int, sample: Int) -> JSONLine {
        var line = JSONLine()
        line.add(name: "problem_id", task.identifier(of: problem))
        line.add("sample_index", sample)
        line.add("dataset", task.name)
        if let given { line.add("samples", given.name) }
        line.add("temperature", temperature)
        line.add("rollouts", completions)
        line.add("seed", sampling.configuration.integer("seed"))
        return line
    }

    /// The bytes that the line of a solution begins with.
    func beginningBytes(problem: Int, sample: Int) -> [UInt8] { beginning(problem: problem, sample: sample).beginning }

    /// One line, in TRL's stepwise form.
    /// - Parameters:
    ///   - counts: of each step's completions, how many are right.
    ///   - correctBeginnings: those of the problem's correct solutions; nil where a task cannot list them.
    func line(of solution: StepwiseSolution, problem: Int, right counts: [Int], correctBeginnings: Set<[Int32]>?) -> JSONLine {
        var line = beginning(problem: problem, sample: solution.sample)
        line.add("prompt", task.question(of: problem))
        line.add("completions", solution.stepTexts(task))
        line.add("labels", counts.map { $0 > 0 })
        line.add("soft_labels", counts.map { Double($0) / Double(completions) })
        if let gold = task.gold(of: problem) { line.add("answer", gold) }
        line.add("correct", solution.verdict.isCorrect)
        if let logProbability = solution.logProbability { line.add("logprob", logProbability) }
        if let correctBeginnings {
            line.add("exact_labels", solution.ends.indices.map { correctBeginnings.contains(solution.beginning(through: $0)) })
        }
        return line
    }
}

/// The lines of labelled solutions that a file has. Which samples of a problem have none, because they say what an earlier one says,
/// is not known before they are made again: a line has to be of some sample behind that of the line before it.
struct LabelRecognition: LineRecognition {
    private let work: LabelWork
    /// Where the next line's place may be, at the earliest.
    private var (problem, sample) = (0, 0)

    init(_ work: LabelWork) { self.work = work }

    mutating func problem(of line: [UInt8]) throws(ForeignLine) -> Int {
        for next in problem..<work.problemCount {
            let first = next == problem ? sample : 0
            for candidate in first..<work.samplesPerProblem
            where line.starts(with: work.beginningBytes(problem: next, sample: candidate)) {
                (problem, sample) = (next, candidate + 1)
                return next
            }
        }
        guard problem < work.problemCount else { throw ForeignLine(difference: "this call has no problems") }
        let earliest = String(decoding: work.beginningBytes(problem: problem, sample: sample), as: UTF8.self)
        throw ForeignLine(difference: "this call's begins with \(earliest) or with what comes behind it")
    }
}
