internal import Foundation
internal import Problems

/// Labelled steps of a task that lists its responses, to train a reward model on: every end is a solution, and a step is good while a
/// correct end begins so (the hard estimate of Math-Shepherd, arXiv 2312.08935, over all completions there are).
struct TreeLabels {
    let task: EnumerableTask

    /// JSON Lines in TRL's stepwise form, in the order of the list.
    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var lines: [String] = []
        for problem in 0..<task.problemCount {
            let ends = task.ends(of: problem)
            var good: Set<[String]> = []
            for end in ends where end.isCorrect {
                let steps = Self.steps(of: end.text)
                for count in 0...steps.count { good.insert(Array(steps.prefix(count))) }
            }
            for end in ends {
                let steps = Self.steps(of: end.text)
                guard !steps.isEmpty else { continue }
                let labels = steps.indices.map { good.contains(Array(steps.prefix($0 + 1))) }
                let row = Row(prompt: task.identifier(of: problem), completions: steps, labels: labels)
                lines.append(String(decoding: try encoder.encode(row), as: UTF8.self) + "\n")
            }
        }
        return lines.joined()
    }

    private struct Row: Encodable {
        let prompt: String
        let completions: [String]
        let labels: [Bool]
    }

    private static func steps(of text: String) -> [String] { text.split(separator: "\n").map(String.init) }
}
