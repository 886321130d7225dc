internal import Evaluation
internal import Foundation
internal import Problems

/// The problems of one data set as far as samples are judged by them: their names, answers, and the fields that divide them.
struct AnswerKey: Sendable {
    /// The file's name.
    let name: String
    /// In the order of the file.
    let names: [String]
    /// By problem: the value of each field that was asked for.
    let fields: [[String: String]]
    /// What people should know about its answers.
    let notes: [String]
    private let numbers: [String: Int]
    private let golds: [Gold]
    /// Instead of golds, for the embedded task.
    private let pathSum: PathSum?

    /// Reads a file of problems; the questions are not kept.
    /// - Parameter limit: how many problems; 0: all.
    init(_ path: String, fields: [String], limit: Int) throws {
        let file = try ProblemFile.read(path, fields: fields)
        let problems = limit == 0 ? file : Array(file.prefix(limit))
        name = URL(fileURLWithPath: path).lastPathComponent
        names = problems.map(\.id)
        golds = problems.map { Gold(text: $0.answer, answer: $0.answer.map { Answer($0) }) }
        self.fields = problems.map(\.fields)
        pathSum = nil
        numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        for field in fields where !problems.contains(where: { $0.fields[field] != nil }) {
            throw RunError.configuration("--by \(field): no problem of \(path) has that field")
        }
        notes = try TaskOpening.notes(on: UnreadGolds(problems, golds.map(\.answer)), path)
    }

    /// The embedded task's.
    init(_ task: PathSum, fields: [String], limit: Int) throws {
        for field in fields where PathSum.Field(rawValue: field) == nil {
            throw RunError.configuration(
                "--by \(field): problems of the embedded task do not have that field, expected "
                    + PathSum.Field.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let count = limit == 0 ? task.problemCount : min(limit, task.problemCount)
        name = task.name
        names = (0..<count).map { task.identifier(of: $0) }
        golds = []
        self.fields = (0..<count).map { problem in
            Dictionary(
                fields.compactMap { name in PathSum.Field(rawValue: name).map { (name, task.value(of: $0, problem: problem)) } }) { $1 }
        }
        notes = []
        pathSum = task
        numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    }

    var count: Int { names.count }

    /// Which problem has this name.
    func problem(named name: String) -> Int? { numbers[name] }

    func verdict(on sample: SampleRecord, problem: Int, by judge: Judge) -> Verdict {
        guard let pathSum, judge != .recorded else {
            return judge.verdict(on: sample, gold: pathSum == nil ? golds[problem] : Gold(text: nil, answer: nil))
        }
        let tokens = sample.tokens?.map { Int32(truncatingIfNeeded: $0) } ?? PathSum.tokens(of: sample.text)
        return pathSum.verdict(on: tokens, stop: sample.isFinished == false ? .length : .stopToken, problem: problem)
    }
}
