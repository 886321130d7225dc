internal import Collective
internal import Evaluation
internal import Foundation
internal import Learner
internal import Rollout

/// Held-out labelled steps, scored by all ranks together; nothing is learned from them.
struct RewardEvaluation {
    /// What a reward model says of one solution: by step.
    struct Scored {
        var solution: StepData.Judged
        var scores: [Float]
    }

    let communicator: any Communicator

    /// Tokens of one forward pass, about: bounds memory, and changes no score.
    private static let batchTokens = 2048

    /// Scores solutions with a model that all ranks have. Collective; rank 0 gets the scores, the others nil.
    func scores(of solutions: [StepData.Judged], with model: ProcessRewardModel) throws -> [Scored]? {
        let mine = stride(from: communicator.rank, to: solutions.count, by: communicator.size).map { solutions[$0].response }
        var own: [[Float]] = []
        var start = 0
        while start < mine.count {
            var (end, tokens) = (start, 0)
            while end < mine.count, end == start || tokens + mine[end].tokenCount <= Self.batchTokens {
                tokens += mine[end].tokenCount
                end += 1
            }
            let groups = mine[start..<end].map { ProcessRewardModel.Group(prompt: $0.prompt, readings: [$0.reading]) }
            own += model.scores(of: groups).map { $0[0] }
            communicator.poll()
            start = end
        }
        var writer = ByteWriter()
        for scores in own { writer.write(scores) }
        var readers = try communicator.allGather(writer.bytes).map { ByteReader($0) }
        guard communicator.rank == 0 else { return nil }
        return try solutions.enumerated().map { index, solution in
            let scores: [Float] = try readers[index % communicator.size].readArray()
            guard scores.allSatisfy(\.isFinite) else {
                throw RunError.nonFinite(
                    "the score of a step of the solution in line \(solution.line) is not finite; the weights of the model or of the "
                        + "reward model are damaged or diverged")
            }
            return Scored(solution: solution, scores: scores)
        }
    }
}

extension [RewardEvaluation.Scored] {
    /// Of the steps whose truth is known; nil when there are none.
    var figures: StepFigures? {
        let judged = map { scored in
            JudgedSolution(
                zip(scored.scores, scored.solution.truth).compactMap { score, truth in
                    truth.map { JudgedStep(score: Double(score), isGood: $0) }
                })
        }.filter { !$0.steps.isEmpty }
        return judged.isEmpty ? nil : StepFigures(judged)
    }

    /// JSON Lines: what was said of each step, for whoever counts otherwise.
    func lines(of name: String) -> String {
        map { scored in
            var line = JSONLine()
            line.add("dataset", name)
            line.add("line", scored.solution.line)
            line.add("step_rewards", scored.scores)
            line.add("labels", scored.solution.truth.map { $0.map { $0 ? 1.0 : 0.0 } ?? .nan })
            return line.text + "\n"
        }.joined()
    }
}
